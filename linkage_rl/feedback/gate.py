"""The gate: a new bundle replaces the old one once people prefer it where the two differ.

Both bundles decide the same logged clients. Where they decide alike, nothing is gained or lost, so
people are asked only about clients on which they differ and that nobody has judged, in random
order. The gains are tested by bets that may be looked at after each answer. All gates of a base
bundle, customer and list share one chance of 5 % that a bundle is promoted which is no better for
clients like these: the k-th has 6 / (pi^2 k^2) of it, which add up to 1.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.decision_log.questions import Questions, Queue
from linkage_rl.decision_log.rows import Answer, Verdict
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.feedback.bets import limit, lower_bound, mixture_wealth

KIND: Final = "disagreement"
UNKNOWN: Final = "?"
"""A company beyond those that were shown, whose id the log does not have."""
BALANCED: Final = RewardWeights(
    correct_link=1, wrong_link=-1, correct_reject=0.25, missed_link=-0.5
)
"""As `reward=balanced` of train: a wrong link loses what a right one gains."""
MOST: Final = 1_000
"""Answers after which the old bundle is kept where nothing has shown."""
STAKES: Final = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7)
"""Of the bets on and against a new bundle, see `bets.mixture_wealth`."""
_PRIOR: Final = 20
"""Answers that the assumptions below weigh as much as."""
_EXPECTED: Final = 0.4
"""Mean gain where two bundles differ, before there are answers."""
_SQUARE: Final = 1.2
"""Mean squared gain, before there are answers."""


@dataclass(frozen=True)
class Family:
    """The gates that share one chance of error, those given up included."""

    base: str
    """Mark of the bundle that learns."""
    customer: str = ""
    list_id: str = ""


@dataclass(frozen=True)
class Difference:
    """The answers of two bundles to one client: a company's id, '' for no match, or `UNKNOWN`."""

    old: str
    new: str


@dataclass(frozen=True)
class GateResult:
    """What the answers say so far."""

    state: Literal["promoted", "kept", "open"]
    """Whether the new bundle is better, is not, or nobody can say yet."""
    answers: int
    """Answers that count."""
    more_needed: int
    """Estimate of the answers until a decision; 0 once there is one."""
    gain: float
    """Mean gain in reward per client on which the bundles differ, at least; nan without answers."""
    bound: float
    """A gain that is exceeded with the confidence of this gate, whenever one looks."""
    why: str = ""
    """Why it is promoted or kept, as the rest of a sentence."""


def disagreement_queue(
    log: DecisionLog,
    family: Family,
    decision_ids: Sequence[str],
    settings: Mapping[str, Any],
    differences: Sequence[Difference],
    seed: int = 0,
) -> str:
    """A queue of clients on which two bundles differ, in random order, at most `MOST`.

    Args:
        log: The log.
        family: Whose gate it is.
        decision_ids: Logged decisions on these clients, each once, none of them judged.
        settings: Anything that JSON can hold, kept with the queue.
        differences: Answers of the two bundles to each of these clients.
        seed: Of the order.

    Returns:
        The id of the queue.
    """
    order = np.random.default_rng(seed).permutation(len(decision_ids))[:MOST].tolist()
    answers = {
        decision_ids[place]: [differences[place].old, differences[place].new] for place in order
    }
    chance = len(order) / max(len(decision_ids), 1)
    # not the time: the clocks of those who ask and of those who answer differ
    own = {
        "family": asdict(family),
        "gate": _next_gate(log, family),
        "answers": answers,
        "after_verdict": log.last_verdict_id(),
    }
    return Questions(log).create(KIND, {**settings, **own}, list(answers), [chance] * len(order))


def gates_of(log: DecisionLog, family: Family) -> list[Queue]:
    """The queues of a family, the oldest first."""
    wanted = asdict(family)
    return [
        queue
        for queue in Questions(log).queues()
        if queue.kind == KIND and queue.settings.get("family") == wanted
    ]


def _next_gate(log: DecisionLog, family: Family) -> int:
    """Number of the next gate of a family, from 1 on; queues that were deleted count."""
    return 1 + max((queue.settings["gate"] for queue in gates_of(log, family)), default=0)


def spent(gate: int, alpha: float) -> float:
    """The chance of error of the k-th gate of a family, alpha 6 / (pi^2 k^2).

    The sum over all k is alpha (Basel series), so that however many gates follow one another, all
    of them together err with a chance of at most alpha (alpha spending; Foster & Stine 2008).

    Args:
        gate: k, from 1 on.
        alpha: Chance of error of all gates.
    """
    return alpha * 6 / (math.pi * gate) ** 2


def tally(log: DecisionLog, queue_id: str, alpha: float = 0.05) -> GateResult:
    """What the answers of a queue say of the new bundle.

    They count in order up to the first client that is still open. A verdict from before the queue
    was made does not count: the bundle may have been learned from it.

    Args:
        log: The log.
        queue_id: From `disagreement_queue`.
        alpha: Chance that any gate of its family promotes a bundle that is no better.

    Raises:
        SchemaError: The log has no such queue.
    """
    questions = Questions(log)
    queue = questions.queue(queue_id)
    answered = [
        (question.decision_id, verdict)
        for question, verdict in questions.answered(queue_id, prefix=True)
        if verdict.verdict_id > queue.settings["after_verdict"]
    ]
    rows = log.find([decision_id for decision_id, _ in answered])
    logged = {
        one: (action, company)
        for one, action, company in zip(rows.decision_id, rows.action, rows.company_id, strict=True)
    }
    gains = [
        gains_of(
            verdict,
            Difference(*queue.settings["answers"][decision_id]),
            *logged.get(decision_id, ("", "")),
        )
        for decision_id, verdict in answered
    ]
    least, most = np.array(gains).reshape(-1, 2).T
    exhausted = queue.answered >= queue.questions
    return judge(least, exhausted, spent(queue.settings["gate"], alpha), most)


def gains_of(
    verdict: Verdict, difference: Difference, action: str, linked: str
) -> tuple[float, float]:
    """The least and the largest reward of the new answer less that of the old one.

    They differ where the verdict leaves open which company is right, as that of an unsure person
    does: the least is what promotes the new bundle, the largest what keeps the old one.

    Args:
        verdict: On the logged decision.
        difference: The answers of both bundles.
        action: What was logged: 'link', 'no_match' or 'review'.
        linked: The company of a logged link.
    """
    truths = _possible_truths(verdict, difference, action, linked)
    gains = [
        _reward(difference.new, truth, unknown_is_right=new_is_right)
        - _reward(difference.old, truth, unknown_is_right=not new_is_right)
        for truth in truths
        for new_is_right in (False, True)
    ]
    return min(gains), max(gains)


def judge(
    gains: NDArray[np.float64],
    exhausted: bool,
    alpha: float = 0.05,
    most: NDArray[np.float64] | None = None,
) -> GateResult:
    """The state after these gains.

    Args:
        gains: Of the clients in the order of the queue, at least, shape (n,).
        exhausted: Whether no client is left to ask about.
        alpha: Chance of promoting a bundle that is no better.
        most: What the gains are at most, shape (n,); None where they are known.
    """
    span = BALANCED.correct_link - BALANCED.wrong_link
    scaled = (gains + span) / (2 * span)
    for_new = mixture_wealth(scaled, 0.5, STAKES)
    against = scaled if most is None else (most + span) / (2 * span)
    for_old = mixture_wealth(1 - against, 0.5, STAKES)
    number, mean = len(gains), float(gains.mean()) if len(gains) else math.nan
    bound = (2 * lower_bound(scaled, alpha, STAKES) - 1) * span
    better = for_new.max(initial=-np.inf) >= limit(alpha)
    worse = for_old.max(initial=-np.inf) >= limit(alpha)
    # whichever was shown first counts
    if better and not (worse and _first(for_old, alpha) < _first(for_new, alpha)):
        gain = f"reward {mean:+.3f} per client on which the bundles differ"
        why = f"{gain}, above {bound:+.3f} with {1 - alpha:.1%} confidence"
        return GateResult("promoted", number, 0, mean, bound, why)
    if worse or exhausted or number >= MOST:
        return GateResult("kept", number, 0, mean, bound, _why_kept(worse, exhausted, number))
    wealth = float(for_new[-1]) if number else 0.0
    return GateResult("open", number, more_needed(gains, wealth, alpha), mean, bound)


def more_needed(gains: NDArray[np.float64], wealth: float, alpha: float = 0.05) -> int:
    """Estimate of the answers until a bundle with gains like these is promoted, at most `MOST`.

    Args:
        gains: So far, shape (n,).
        wealth: Log wealth of the bets on the new bundle.
        alpha: Chance of promoting a bundle that is no better.
    """
    number = len(gains)
    mean = (float(gains.sum()) + _PRIOR * _EXPECTED) / (number + _PRIOR)
    square = (float((gains**2).sum()) + _PRIOR * _SQUARE) / (number + _PRIOR)
    # log wealth grows by about mean^2 / (2 E[gain^2]) per bet at the best stake (Kelly 1956)
    growth = max(mean, 0.02) ** 2 / (2 * square)
    missing = limit(alpha) + math.log(len(STAKES)) / 2 - wealth
    return int(np.clip(math.ceil(missing / growth), 1, max(MOST - number, 1)))


def _why_kept(worse: bool, exhausted: bool, number: int) -> str:
    if worse:
        return "people prefer the old bundle where the two differ"
    if exhausted:
        return (
            f"the {number:,} logged clients on which the two differ do not show that the new one "
            "is better; log more clients, or give more verdicts"
        )
    return f"{number:,} answers do not show that the new bundle is better"


def _first(wealth: NDArray[np.float64], alpha: float) -> int:
    return int((wealth >= limit(alpha)).argmax())


def _possible_truths(
    verdict: Verdict, difference: Difference, action: str, linked: str
) -> list[str]:
    """Right companies that a verdict leaves possible, '' for none."""
    if verdict.answer is Answer.COMPANY:
        return [verdict.company_id]
    if verdict.answer is Answer.NONE:
        return [""]
    if verdict.answer is Answer.ACCEPT and action != "review":
        return [linked]
    every = sorted({difference.old, difference.new, "", UNKNOWN})
    if verdict.answer is Answer.REJECT and action != "review":
        return [one for one in every if one != linked]
    return every


def _reward(answer: str, truth: str, unknown_is_right: bool) -> float:
    """Value of an answer, where a company is right or, '' , none."""
    if not answer:
        return BALANCED.missed_link if truth else BALANCED.correct_reject
    right = answer == truth and bool(truth)
    if answer == UNKNOWN and truth:
        right = unknown_is_right
    return BALANCED.correct_link if right else BALANCED.wrong_link
