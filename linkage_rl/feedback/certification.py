"""Whether the links of a list are as precise as wanted, from the answers to its audit so far.

It may be asked after every answer: with the chosen confidence, what it says is not wrong at any
time. A link of which people are unsure counts as wrong where precision is to be certified, and as
right where it is to be refuted.

Two things are made of the answers. Random draws are bet on. All answered links are counted besides:
once so many are right, or wrong, that the others cannot change the outcome, it is certain.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision_log.questions import Questions, Queue
from linkage_rl.decision_log.rows import Selection
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import SchemaError
from linkage_rl.feedback.audit_answers import Draws, answered_draws
from linkage_rl.feedback.audit_bets import bets_against, bets_for, holding_part
from linkage_rl.feedback.audit_design import AuditDesign, Part
from linkage_rl.feedback.bets import first_rejection, lower_bound
from linkage_rl.feedback.clicks_left import clicks_left

_ROUNDING: Final = 1e-6
"""Share of a link by which a goal in links may be off."""


class Outcome(StrEnum):
    """What an audit says of its goal."""

    CERTIFIED = "certified"
    REFUTED = "refuted"
    OPEN = "open"


class Basis(StrEnum):
    """What an outcome rests on."""

    DRAWS = "draws"
    """Bets on random draws: wrong with a chance of at most 1 - confidence."""
    COUNT = "count"
    """The number of links that people found right or wrong: as certain as these answers."""
    NOTHING = ""
    """There is no outcome yet."""


@dataclass(frozen=True)
class Certification:
    """What an audit says until now."""

    outcome: Outcome
    rests_on: Basis
    goal: float
    """Precision that was to be shown."""
    confidence: float
    """Chance that an outcome from draws, a bound, or the threshold is right; each by itself."""
    links: int
    """Links of the list."""
    answered: int
    """Links that people have answered for."""
    clicks_left_estimate: int | None
    """Answers until certified or refuted, about; 0 once it is, or once there is nothing left to
    ask; None where the precision is too near to the goal to say."""
    precision: float
    """Estimate of the precision, in [0, 1]."""
    bound: float
    """The precision is not lower than this."""
    upper_bound: float
    """The precision is not higher than this."""
    threshold_from_which_it_holds: float | None
    """Links from this confidence on are as precise as the goal; None where that is not shown of any
    confidence yet."""
    links_from_there: int
    """Number of these links."""


def status(log: DecisionLog, queue_id: str) -> Certification:
    """What the audit of a queue says until now.

    Args:
        log: The log.
        queue_id: A queue that `queues.audit_queue` has made.

    Raises:
        SchemaError: There is no such queue, it is no audit, or links have been forgotten since.
    """
    queue = Questions(log).queue(queue_id)
    if queue.kind != "audit":
        raise SchemaError(
            f"expected the queue of an audit, got {queue_id!r}, a queue of the kind {queue.kind!r}"
        )
    design = AuditDesign.from_json(queue.settings)
    _refuse_forgotten(log, queue, design.whole.links)
    answers = answered_draws(log, queue_id)
    return certify(design, answers, queue.questions, queue.settings["draws"])


def _refuse_forgotten(log: DecisionLog, queue: Queue, links: int) -> None:
    """A sample from which some are taken away is no sample of the list any more."""
    lost = queue.settings["places"] - Questions(log).places(queue.queue_id)
    lost = max(lost, links - log.count(Selection(**queue.settings["selection"])))
    if lost > 0:
        raise SchemaError(
            f"expected every link of the audit {queue.queue_id}, got a log that has forgotten "
            f"{lost:,} of them or of their questions; draw from those that are left: audit new=true"
        )


def certify(
    design: AuditDesign, answers: Draws, questions: int, drawn: int | None = None
) -> Certification:
    """What answers say of the precision of a list.

    Args:
        design: The audit.
        answers: The first places of its queue with their answers.
        questions: Links that it can ask about, the answered ones included.
        drawn: How many of its first places are random draws; those after them ask about the links
            that were never drawn, which says nothing of chance. None: all are.
    """
    audit = _Audit(design, answers, drawn)
    outcome, rests_on = audit.outcome()
    return Certification(
        outcome,
        rests_on,
        design.goal,
        design.confidence,
        design.whole.links,
        audit.answered,
        0 if outcome is not Outcome.OPEN else audit.clicks_left(questions),
        audit.precision(),
        audit.low,
        audit.high,
        *audit.holds(outcome),
    )


class _Audit:
    """The bets, bounds and counts of the answers to an audit."""

    def __init__(self, design: AuditDesign, answers: Draws, drawn: int | None) -> None:
        self._design, self._alpha = design, 1 - design.confidence
        self._draws = answers.first(drawn)
        self._draws_ended = drawn is not None and len(answers) >= drawn
        whole = design.whole
        self._for = bets_for(whole, self._differences(1.0), design.goal)
        self._against = bets_against(whole, self._differences(0.0), design.goal)
        self.answered, self._right, self._wrong = answers.different()
        low = whole.precision_at(lower_bound(self._for.x, self._alpha, self._for.stakes))
        against = lower_bound(self._against.x, self._alpha, self._against.stakes)
        high = whole.precision_at(1 - against)
        # the bounds are found by halving; what was shown of the goal itself is exact
        if self._for.won(self._alpha):
            low = max(low, design.goal)
        if self._against.won(self._alpha):
            high = min(high, design.goal)
        # what is counted is certain, and overrules what was shown with a chance
        least, most = self._right / whole.links, 1 - self._wrong / whole.links
        self.low = min(max(low, least), most)
        self.high = max(min(high, most), least)

    def outcome(self) -> tuple[Outcome, Basis]:
        """By the count, and else from the answer on that shows it first."""
        needed = self._design.goal * self._design.whole.links
        allowed = self._design.whole.links - needed
        if self._right >= needed - _ROUNDING:
            return Outcome.CERTIFIED, Basis.COUNT
        if self._wrong > allowed + _ROUNDING:
            return Outcome.REFUTED, Basis.COUNT
        certified = first_rejection(self._for.wealth(), self._alpha)
        refuted = first_rejection(self._against.wealth(), self._alpha)
        if certified < refuted:
            return Outcome.CERTIFIED, Basis.DRAWS
        if refuted < certified:
            return Outcome.REFUTED, Basis.DRAWS
        return Outcome.OPEN, Basis.NOTHING

    def holds(self, outcome: Outcome) -> tuple[float | None, int]:
        """Confidence from which on the goal is shown to hold, and how many links there are."""
        part: Part | None = self._design.whole
        if outcome is not Outcome.CERTIFIED:
            draws = self._draws
            part = holding_part(self._design, draws.confidence, draws.error(1.0))
        if part is None or (outcome is Outcome.REFUTED and part == self._design.whole):
            return None, 0
        return part.threshold, part.links

    def precision(self) -> float:
        """Unbiased estimate of the precision, kept within the bounds; the unsure count half."""
        differences = self._differences(0.5)
        error = self._design.whole.error + (differences.mean() if len(differences) else 0.0)
        return float(min(max(1 - error, self.low), self.high))

    def clicks_left(self, questions: int) -> int | None:
        """See `Certification.clicks_left_estimate`."""
        remaining = questions - self.answered
        if self._draws_ended or not remaining:
            return remaining
        left = clicks_left(
            self._design, len(self._draws), self.precision(), self._for, self._against
        )
        if questions < self._design.whole.links:
            # the draws of a long list end before every link was asked about
            return None if left is None or left > remaining else left
        return remaining if left is None else min(left, remaining)

    def _differences(self, unsure: float) -> NDArray[np.float64]:
        return self._design.differences(self._draws.confidence, self._draws.error(unsure))
