"""How far a queue is, towards its end or towards the goal that it is answered for."""

from dataclasses import dataclass

from linkage_rl.decision_log.questions import Queue
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.feedback import gate
from linkage_rl.feedback.certification import Certification, Outcome
from linkage_rl.feedback.recent_status import recent_status
from linkage_rl.reviewing.words import Words


@dataclass(frozen=True)
class Progress:
    """How far a queue is."""

    answered: int
    total: int
    """Answers that are needed, as far as it is known."""
    text: str


def progress_of(log: DecisionLog, queue: Queue, words: Words) -> Progress:
    """How far a queue is, in words."""
    if queue.kind == "audit":
        return _audited(recent_status(log, queue), queue, words)
    if queue.kind == gate.KIND:
        return _gated(gate.tally(log, queue.queue_id), queue, words)
    return _counted(queue, words)


def _counted(queue: Queue, words: Words) -> Progress:
    text = words("progress", answered=f"{queue.answered:,}", questions=f"{queue.questions:,}")
    return Progress(queue.answered, queue.questions, text)


def _audited(audit: Certification, queue: Queue, words: Words) -> Progress:
    """Clicks until the precision is certified or refuted, and what is certain until now."""
    goal = _percent(audit.goal)
    if audit.outcome is not Outcome.OPEN:
        text = words(str(audit.outcome), goal=goal)
        return Progress(audit.answered, audit.answered, text)
    bound = words("bound", bound=_percent(audit.bound))
    left = audit.clicks_left_estimate
    if left is None:
        counted = _counted(queue, words)
        return Progress(counted.answered, counted.total, f"{counted.text} · {bound}")
    total = audit.answered + left
    text = words("progress_goal", answered=f"{audit.answered:,}", total=f"{total:,}", goal=goal)
    return Progress(audit.answered, total, f"{text} · {bound}")


def _gated(result: gate.GateResult, queue: Queue, words: Words) -> Progress:
    """Answers until the new bundle is promoted or the old one is kept."""
    if result.state != "open":
        return Progress(result.answers, result.answers, words(result.state))
    total = min(result.answers + result.more_needed, queue.questions)
    text = words("progress_gate", answered=f"{result.answers:,}", total=f"{total:,}")
    return Progress(result.answers, total, text)


def _percent(share: float) -> str:
    """'95 %', '97.5 %'; rounded down, so that no bound is said too high."""
    return f"{int(share * 1000 + 1e-9) / 10:g} %"
