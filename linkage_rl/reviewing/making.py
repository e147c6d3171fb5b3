"""Makes the queue that a form of the page asks for."""

import secrets
from collections.abc import Mapping
from typing import Final

from linkage_rl.decision_log.rows import Selection
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError
from linkage_rl.feedback.queues import audit_queue, review_queue, stratified_queue

CONFIDENCE: Final = 0.95
"""Chance that what an audit says is right, for audits that are made on the page."""
MOST: Final = 1_000_000
"""Clients of one queue."""
LEAST_GOAL: Final = 0.5
MOST_GOAL: Final = 0.999
"""Range of the precision that an audit is made for."""


def make_queue(log: DecisionLog, form: Mapping[str, str]) -> str:
    """Make a queue.

    Args:
        log: The decision log.
        form: `kind`, `customer`, `list_id`, `size`, `goal`.

    Returns:
        Its id.

    Raises:
        ConfigError: A field lies outside its range, or there is no client to ask about.
    """
    kind = form.get("kind", "")
    selection = Selection(customer=form.get("customer", ""), list_id=form.get("list_id", ""))
    seed = secrets.randbits(32)
    if kind == "stratified":
        return stratified_queue(log, selection, _size(form), seed)
    if kind == "review":
        return review_queue(log, selection)
    if kind == "audit":
        return audit_queue(log, selection, _goal(form), CONFIDENCE, seed)
    raise ConfigError(f"expected a kind of queue, got {kind!r:.80}; load the page again")


def _size(form: Mapping[str, str]) -> int:
    text = form.get("size", "").strip()
    # of a longer number Python makes no integer
    size = int(text) if text.isdecimal() and len(text) < 10 else 0
    if not 1 <= size <= MOST:
        raise ConfigError(
            f"expected a whole number of clients from 1 to {MOST:,}, got {text!r:.40}; choose "
            "another one"
        )
    return size


def _goal(form: Mapping[str, str]) -> float:
    text = form.get("goal", "").strip()
    try:
        goal = float(text)
    except ValueError:
        goal = 0.0
    # no comparison holds for NaN
    if not LEAST_GOAL <= goal <= MOST_GOAL:
        raise ConfigError(
            f"expected a precision to certify from {LEAST_GOAL} to {MOST_GOAL}, got "
            f"{text!r:.40}; choose another one"
        )
    return goal
