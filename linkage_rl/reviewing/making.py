"""Makes the queue that a form of the page asks for."""

from collections.abc import Mapping

from linkage_rl.decision_log.questions import Questions
from linkage_rl.decision_log.rows import Selection
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError


def make_queue(log: DecisionLog, form: Mapping[str, str]) -> str:
    """Make a queue.

    Args:
        log: The decision log.
        form: `kind`, `customer`, `list_id`, `size`, `goal`.

    Returns:
        Its id; '' where the log has no client to ask about.

    Raises:
        ConfigError: A field has another form.
    """
    kind = form.get("kind", "")
    selection = Selection(customer=form.get("customer", ""), list_id=form.get("list_id", ""))
    ids = [one for page in log.decisions(selection) for one in page.decision_id]
    if kind not in ("stratified", "review", "audit"):
        raise ConfigError(f"expected a kind of queue, got {kind!r:.80}; load the page again")
    return Questions(log).create(kind, {}, ids, [1.0] * len(ids)) if ids else ""
