"""The values of the decision log: logged decisions, verdicts, and questions to a person."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Final, Self

from linkage_rl.decision.evidence import SHOWN as SHOWN
from linkage_rl.errors import SchemaError


class Answer(StrEnum):
    """What a person says of a decision."""

    ACCEPT = "accept"
    """The decision is right: the link, or that there is no company."""
    REJECT = "reject"
    """The linked company is wrong; which one is right stays open."""
    COMPANY = "company"
    """This company is right; `Verdict.company_id` names it."""
    NONE = "none"
    """The table has no company for this client."""
    UNSURE = "unsure"
    """Cannot be said."""
    WITHDRAWN = "withdrawn"
    """Takes the reviewer's last verdict on the decision back."""


@dataclass(frozen=True)
class DecisionRows:
    """N logged decisions, held as columns of length N."""

    decision_id: Sequence[str]
    """32 hexadecimal digits, each once in a log."""
    decided_at: Sequence[str]
    """ISO 8601 in UTC to the millisecond, as `tables.ddl.stamp` writes it."""
    source: Sequence[str]
    """'link', 'serve' or 'import'."""
    customer: Sequence[str]
    """Whose client it is, '' where nobody said."""
    list_id: Sequence[str]
    """The run of `link`, or the list that a caller of the server named; '' for single clients."""
    client_id: Sequence[str]
    """The caller's own id; '' where only hashes are kept."""
    client_hash: Sequence[str]
    """Keyed hash of the client's fields, 32 hexadecimal digits."""
    client: Sequence[str]
    """The client's fields as a JSON object; '' where only hashes are kept."""
    bundle: Sequence[str]
    """First 16 digits of the fingerprint of the bundle's manifest."""
    table_state: Sequence[str]
    """First digits of the fingerprint of the company table."""
    features: Sequence[str]
    """Digest of what the numbers of `evidence` mean, see `evidence.features_version`."""
    shown: Sequence[str]
    """JSON list of up to `SHOWN` [company id, share], best first; the shares are softmax weights
    among all visible candidates and no match, in [0, 1]."""
    no_match: Sequence[float]
    """Softmax weight of no match, in [0, 1]."""
    ran: Sequence[int]
    """Blockers run, one bit per blocker of the bundle."""
    action: Sequence[str]
    """'link', 'no_match' or 'review': what was answered."""
    company_id: Sequence[str]
    """The linked company, '' unless the action is a link."""
    raw_confidence: Sequence[float]
    """Confidence in the best candidate before calibration, in [0, 1]."""
    confidence: Sequence[float]
    """Calibrated, in [0, 1]."""
    link_threshold: Sequence[float]
    """Confidence from which on clients were linked."""
    review_threshold: Sequence[float]
    """Confidence from which on clients were handed to a person; above 1: never."""
    greedy_action: Sequence[str]
    """What the policy would have answered without exploring."""
    propensity: Sequence[float]
    """Chance with which the logged action was taken, in (0, 1]; 1 where nothing was explored."""
    exploration: Sequence[str]
    """Kind of exploration, '' for none."""
    reason: Sequence[str]
    """The strongest agreements and conflicts with the best candidate, in words."""
    evidence: Sequence[bytes]
    """What the policy saw, see `evidence.pack`; b'' where it was not kept."""

    def __post_init__(self) -> None:
        lengths = {one.name: len(getattr(self, one.name)) for one in fields(self)}
        if len(set(lengths.values())) > 1:
            raise SchemaError(f"expected columns of one length, got {lengths}")

    def __len__(self) -> int:
        return len(self.decision_id)

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary per decision, column to value."""
        names = [one.name for one in fields(self)]
        columns = [getattr(self, name) for name in names]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]]) -> Self:
        """From tuples in the order of the fields."""
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(fields(cls))
        return cls(*columns)

    def take(self, places: Sequence[int]) -> "DecisionRows":
        """The decisions at these positions, in this order."""
        return DecisionRows(
            *([getattr(self, one.name)[place] for place in places] for one in fields(self))
        )


LEAST_CHANCE: Final = 1e-3
"""Chance below which a verdict is refused: it would outweigh a thousand others."""


@dataclass(frozen=True)
class Verdict:
    """What one person said of one decision. Rows are only added: the last one of a decision counts.

    Raises:
        SchemaError: The answer names no company although it must, or one although it must not, or
            the chance is out of its range.
    """

    decision_id: str
    answer: Answer
    company_id: str = ""
    """The right company, with `Answer.COMPANY` only."""
    reviewer: str = ""
    """Who said it."""
    given_at: str = ""
    """ISO 8601 in UTC to the millisecond; '' takes the time at which it is written."""
    why_asked: str = ""
    """Kind of the queue from which the question came, or 'csv', 'api', 'search'."""
    chance: float = 1.0
    """Chance with which this client was asked about, in (0, 1]; 1 where nothing was drawn. At least
    `LEAST_CHANCE` where the reviewer chose the client."""
    question_id: int | None = None
    """The question that it answers, None where the reviewer chose the client."""
    verdict_id: int = field(default=0, compare=False)
    """Rising in the order of writing; 0 before."""

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "answer", Answer(self.answer))
        except ValueError:
            raise SchemaError(
                f"expected an answer among {[str(one) for one in Answer]}, got {self.answer!r}"
            ) from None
        if (self.answer is Answer.COMPANY) != bool(self.company_id):
            raise SchemaError(
                f"expected a company_id with the answer {Answer.COMPANY!s} and with no other, got "
                f"the answer {self.answer!s} with company_id={self.company_id!r}"
            )
        # the draws of an audit have smaller ones, and what a log holds is read as it is
        is_given = self.question_id is None and not self.verdict_id
        least = LEAST_CHANCE if is_given else 0
        if not least <= self.chance <= 1 or not self.chance:
            raise SchemaError(
                f"expected a chance from {least or 'above 0'} to 1, got {self.chance}; "
                "leave it out where it is not known"
            )


@dataclass(frozen=True)
class Selection:
    """Which decisions of a log are meant; '' does not restrict."""

    customer: str = ""
    list_id: str = ""
    client_id: str = ""
    action: str = ""
    bundle: str = ""
    features: str = ""
    since: str = ""
    """`decided_at` from this time on."""
    until: str = ""
    """`decided_at` before this time."""
    judged: bool = False
    """Whether only decisions with a verdict are meant."""


EVERYTHING: Final = Selection()
"""Every decision of a log."""


def shown_ids(shown: str) -> list[str]:
    """The company ids of `DecisionRows.shown`, best first.

    >>> shown_ids('[["c1",0.75],["c2",0.125]]')
    ['c1', 'c2']
    """
    return [str(company_id) for company_id, _ in json.loads(shown)]
