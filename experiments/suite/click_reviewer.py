"""A reviewer who knows the truth: what is said of a logged decision, rightly or wrongly."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.suite.click_log import Logged
from linkage_rl.decision_log.rows import SHOWN
from linkage_rl.feedback.answers import Judged, Says, allowed_answers, judged

FULL: Final = "full"
"""Picks one of the shown companies, or says that none is right."""
ACCEPT: Final = "accept / reject"
"""Says only whether the best company is right."""


@dataclass(frozen=True)
class Habit:
    """How a reviewer answers."""

    answers: str = FULL
    wrong: float = 0.0
    """Share of the answers that are wrong, in [0, 1): another of the possible ones."""

    def __str__(self) -> str:
        return self.answers + (f", {self.wrong:.0%} wrong" if self.wrong else "")

    def picked(
        self, right: NDArray[np.bool_], shown: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Place of the company that is named among those shown, their number for none; (N,).

        Args:
            right: Whether the candidate at each place is right, shape (N, S).
            shown: Candidates that the reviewer sees of each client, 0 to S, shape (N,).
            rng: Draws the wrong answers.
        """
        right = right & (np.arange(right.shape[1]) < shown[:, None])
        choice = np.where(right.any(axis=1), right.argmax(axis=1), shown)
        slip = (rng.random(len(shown)) < self.wrong) & (shown > 0)
        other = (choice + rng.integers(1, np.maximum(shown, 1) + 1)) % (shown + 1)
        return np.where(slip, other, choice)


def answers_on(
    logged: Logged, clients: NDArray[np.int64], habit: Habit, rng: np.random.Generator
) -> tuple[Judged, NDArray[np.int64]]:
    """What learning is told of these clients, and of which; of the others it is told nothing.

    Args:
        logged: The decisions about the stream.
        clients: Positions of N clients of it.
        habit: How the reviewer answers.
        rng: Draws the wrong answers.

    Returns:
        M answers, and the place of each in `clients`, rising, shape (M,).
    """
    cases = logged.logged_cases(clients)
    seen = 1 if habit.answers == ACCEPT else SHOWN
    shown = np.minimum(cases.filled, seen)
    right = np.zeros((len(clients), seen), dtype=np.bool_)
    for client, own in enumerate(logged.shown_right(clients)):
        right[client, : min(len(own), seen)] = own[:seen]
    place = habit.picked(right, shown, rng)
    none = place == shown
    rejected = Says.WRONG if habit.answers == ACCEPT else Says.NO_COMPANY
    says = np.where(none, rejected, Says.RIGHT).astype(np.int8)
    # of a client without candidates every reviewer says the same
    says[cases.filled == 0] = Says.NO_COMPANY
    slots = np.arange(cases.candidates.shape[1])
    # a rejection is of the best company
    named = slots == np.where(none, 0, place)[:, None]
    return judged(cases, allowed_answers(cases, says, named, SHOWN))
