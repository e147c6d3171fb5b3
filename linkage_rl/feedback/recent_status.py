"""What an audit says, for pages that ask after every click; `certification` is asked rarely."""

from dataclasses import dataclass, replace
from typing import Final
from weakref import WeakKeyDictionary

from linkage_rl.decision_log.questions import Queue
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.feedback.certification import Certification, Outcome, status

_STEP: Final = 0.01
"""Share of new answers after which an audit is looked at again."""


@dataclass(frozen=True)
class _Look:
    at: int
    """Answers of the queue at that time."""
    found: Certification


_LOOKS: Final[WeakKeyDictionary[DecisionLog, dict[str, _Look]]] = WeakKeyDictionary()


def recent_status(log: DecisionLog, queue: Queue) -> Certification:
    """What `certification.status` said at most 1 % of the answers ago, with answers counted on.

    A look reads every answer. Below 100 answers each is looked at, above it every 1 % of them, so
    that a click costs the same in a long audit as in a short one. That an outcome is seen a few
    clicks late makes it no less true.

    Args:
        log: The log.
        queue: The queue of an audit as it stands now.

    Raises:
        SchemaError: See `certification.status`.
    """
    looks = _LOOKS.setdefault(log, {})
    look = looks.get(queue.queue_id)
    if look is None or not look.at <= queue.answered <= look.at * (1 + _STEP):
        look = looks[queue.queue_id] = _Look(queue.answered, status(log, queue.queue_id))
    return _counted_on(look.found, queue.answered - look.at)


def _counted_on(found: Certification, more: int) -> Certification:
    left = found.clicks_left_estimate
    if not more or found.outcome is not Outcome.OPEN:
        return found
    return replace(
        found,
        answered=found.answered + more,
        clicks_left_estimate=None if left is None else max(left - more, min(left, 1)),
    )
