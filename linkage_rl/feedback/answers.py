"""From verdicts to what they leave possible: the answers a policy may still give to a logged case.

A person who picks a company leaves one answer. One who only says that the linked company is wrong
leaves all others, no match included: learning then raises their summed probability. One who names
a company that was not among those shown leaves what was not shown.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision_log.evidence import LoggedCases
from linkage_rl.errors import SchemaError


class Says(IntEnum):
    """What a verdict says of the candidates of a case."""

    NOTHING = 0
    """Nothing that can be learned."""
    RIGHT = 1
    """The named candidates are the right company."""
    WRONG = 2
    """The named candidates are not the right company; another may be, or none."""
    NO_COMPANY = 3
    """No candidate is right: the table has no company for the client."""
    SOME_COMPANY = 4
    """There is a right company: no match is wrong. It is taken for one of the candidates, though a
    person cannot see all of them and it may be none; who knows it names it (`NOT_SHOWN`)."""
    NOT_SHOWN = 5
    """The right company is known, and is none of the shown candidates."""


@dataclass(frozen=True, eq=False)
class Judged:
    """N logged cases with the answers that verdicts leave possible, of K slots each."""

    cases: LoggedCases
    allowed: NDArray[np.bool_]
    """Which answers may be right: slots, then no match; shape (N, K + 1), at least one per row."""
    weights: NDArray[np.float32]
    """How much each verdict counts, shape (N,), above 0."""

    def __post_init__(self) -> None:
        expected = (len(self.cases), self.cases.candidates.shape[1] + 1)
        if self.allowed.shape != expected or self.weights.shape != expected[:1]:
            raise SchemaError(
                f"expected allowed answers of shape {expected} and a weight per case, got "
                f"{self.allowed.shape} and {self.weights.shape}"
            )
        usable = np.isfinite(self.weights) & (self.weights > 0)
        if not self.allowed.any(axis=1).all() or not usable.all():
            raise SchemaError(
                "every judged case needs a possible answer and a finite weight above 0"
            )

    def __len__(self) -> int:
        return len(self.weights)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "Judged":
        """These cases: positions, or a mask of shape (N,)."""
        return Judged(self.cases.take(rows), self.allowed[rows], self.weights[rows])

    @property
    def effective_size(self) -> float:
        """Verdicts of equal weight that would tell as much (Kish 1965, section 11.7)."""
        total = float(self.weights.sum(dtype=np.float64))
        return total**2 / max(float((self.weights.astype(np.float64) ** 2).sum()), 1e-300)


def legal_answers(cases: LoggedCases) -> NDArray[np.bool_]:
    """The filled slots and no match, shape (N, K + 1)."""
    slots = cases.candidates.shape[1]
    return np.asarray(cases.action_mask()[:, : slots + 1] > 0)


def allowed_answers(
    cases: LoggedCases, says: NDArray[np.int8], named: NDArray[np.bool_], shown: int
) -> NDArray[np.bool_]:
    """The answers that verdicts leave possible, shape (N, K + 1); none where they say nothing.

    Args:
        cases: N logged cases of K slots.
        says: `Says` of each, shape (N,).
        named: Slots that the verdict speaks of, shape (N, K).
        shown: Slots that the person could see, from the first one on.
    """
    legal = legal_answers(cases)
    slots = cases.candidates.shape[1]
    named = named & legal[:, :slots]
    hidden = legal.copy()
    hidden[:, : min(shown, slots)] = False
    is_no_match = np.arange(slots + 1) == slots
    named_or_no_match = np.pad(named, ((0, 0), (0, 1)))
    choices = {
        Says.RIGHT: named_or_no_match,
        Says.WRONG: legal & ~named_or_no_match,
        Says.NO_COMPANY: legal & is_no_match,
        Says.SOME_COMPANY: legal & ~is_no_match,
        Says.NOT_SHOWN: hidden,
    }
    allowed = np.zeros_like(legal)
    for kind, answers in choices.items():
        rows = says == kind
        allowed[rows] = answers[rows]
    return allowed


def judged(
    cases: LoggedCases,
    allowed: NDArray[np.bool_],
    weights: NDArray[np.floating] | None = None,
) -> tuple[Judged, NDArray[np.int64]]:
    """The cases from which something can be learned, and their positions.

    A verdict that leaves every answer possible, or none, teaches nothing.

    Args:
        cases: N logged cases.
        allowed: From `allowed_answers`, shape (N, K + 1).
        weights: How much each verdict counts, shape (N,); None for all alike.
    """
    informative = allowed.any(axis=1) & (allowed != legal_answers(cases)).any(axis=1)
    rows = np.flatnonzero(informative)
    every = np.ones(len(cases)) if weights is None else weights
    return Judged(cases.take(rows), allowed[rows], every[rows].astype(np.float32)), rows
