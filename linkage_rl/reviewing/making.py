"""Makes the queue that a form of the page asks for."""

import secrets
from collections.abc import Mapping

from linkage_rl.decision_log.rows import Selection
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError
from linkage_rl.feedback.queues import audit_queue, review_queue, stratified_queue

CONFIDENCE = 0.95
"""Chance that what an audit says is right, for audits that are made on the page."""


def make_queue(log: DecisionLog, form: Mapping[str, str]) -> str:
    """Make a queue.

    Args:
        log: The decision log.
        form: `kind`, `customer`, `list_id`, `size`, `goal`.

    Returns:
        Its id.

    Raises:
        ConfigError: A field has another form, or there is no client to ask about.
    """
    kind = form.get("kind", "")
    selection = Selection(customer=form.get("customer", ""), list_id=form.get("list_id", ""))
    seed = secrets.randbits(32)
    if kind == "stratified":
        return stratified_queue(log, selection, int(_number(form, "size")), seed)
    if kind == "review":
        return review_queue(log, selection)
    if kind == "audit":
        return audit_queue(log, selection, _number(form, "goal"), CONFIDENCE, seed)
    raise ConfigError(f"expected a kind of queue, got {kind!r:.80}; load the page again")


def _number(form: Mapping[str, str], name: str) -> float:
    text = form.get(name, "")
    try:
        number = float(text)
        int(number)
    except (ValueError, OverflowError):
        raise ConfigError(f"expected a number in {name}, got {text!r:.80}") from None
    return number
