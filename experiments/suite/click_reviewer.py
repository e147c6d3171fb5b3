"""A reviewer who knows the truth: what is answered about a logged decision, right or wrong."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.suite.click_log import Logged, decision_id
from linkage_rl.decision_log.rows import Answer, Verdict

FULL: Final = "full"
"""Picks one of the shown companies, or says that none is right."""
ACCEPT: Final = "accept / reject"
"""Says only whether the best company is right."""
REVIEWER: Final = "truth"


@dataclass(frozen=True)
class Habit:
    """How a reviewer answers."""

    answers: str = FULL
    wrong: float = 0.0
    """Share of the answers that are wrong, in [0, 1): another of the possible ones."""

    def __str__(self) -> str:
        return self.answers + (f", {self.wrong:.0%} wrong" if self.wrong else "")


def verdicts_on(
    logged: Logged,
    clients: NDArray[np.int64],
    chances: NDArray[np.float64],
    habit: Habit,
    rng: np.random.Generator,
    why_asked: str,
) -> list[Verdict]:
    """What the reviewer says of these clients.

    Args:
        logged: The decisions about the stream.
        clients: Positions of N clients of it.
        chances: With which each was asked about, in (0, 1], shape (N,).
        habit: How the reviewer answers.
        rng: Draws the wrong answers.
        why_asked: Kind of the queue.
    """
    wrong = rng.random(len(clients)) < habit.wrong
    given = _picks if habit.answers == FULL else _judgements
    answers = given(logged, clients, wrong, rng)
    return [
        Verdict(decision_id(client), answer, company_id, REVIEWER, "", why_asked, chance)
        for client, (answer, company_id), chance in zip(
            clients.tolist(), answers, chances.tolist(), strict=True
        )
    ]


def _picks(
    logged: Logged,
    clients: NDArray[np.int64],
    wrong: NDArray[np.bool_],
    rng: np.random.Generator,
) -> list[tuple[Answer, str]]:
    """The right one of the shown companies, or none; a wrong answer is any other of these."""
    said = []
    for client, right, is_wrong in zip(
        clients.tolist(), logged.shown_right(clients), wrong.tolist(), strict=True
    ):
        shown = logged.evidence.shown[client]
        choice = right.index(True) if any(right) else len(shown)
        if is_wrong and shown:
            choice = (choice + int(rng.integers(1, len(shown) + 1))) % (len(shown) + 1)
        none = choice == len(shown)
        said.append((Answer.NONE, "") if none else (Answer.COMPANY, shown[choice]))
    return said


def _judgements(
    logged: Logged,
    clients: NDArray[np.int64],
    wrong: NDArray[np.bool_],
    rng: np.random.Generator,
) -> list[tuple[Answer, str]]:
    """Whether the best company is right; a wrong answer is the opposite."""
    is_right = np.array([bool(right) and right[0] for right in logged.shown_right(clients)])
    return [(Answer.ACCEPT if one else Answer.REJECT, "") for one in (is_right ^ wrong).tolist()]
