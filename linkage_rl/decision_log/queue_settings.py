"""What the settings of review queues hold of clients: no id in plain text that the log hashes."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, exists, select, update

from linkage_rl.decision_log.privacy import Privacy
from linkage_rl.decision_log.schema import QUESTIONS, QUEUES


def stored_settings(settings: Mapping[str, Any], privacy: Privacy) -> str:
    """Settings of a queue as JSON, the client of its selection as the log holds it.

    Raises:
        ConfigError: The client is to be hashed, and the key of the log is not known.
    """
    selection = settings.get("selection")
    if isinstance(selection, Mapping) and selection.get("client_id"):
        client_id = privacy.stored_id(str(selection["client_id"]))
        settings = {**settings, "selection": {**selection, "client_id": client_id}}
    return json.dumps(settings)


def queues_asking(connection: Connection, decision_ids: Sequence[str]) -> list[str]:
    """Ids of the queues that ask about some of these decisions."""
    asking = select(QUESTIONS.c.queue_id).where(QUESTIONS.c.decision_id.in_(decision_ids))
    return list(connection.execute(asking.distinct().order_by(QUESTIONS.c.queue_id)).scalars())


def forget_in_queues(
    connection: Connection, queue_ids: Sequence[str], decision_ids: Collection[str]
) -> None:
    """Delete queues that have no question left, and these decisions from settings of the others.

    Args:
        connection: A transaction, in which the questions were deleted.
        queue_ids: Queues that asked about the decisions, from `queues_asking`.
        decision_ids: The decisions.
    """
    mine = QUEUES.c.queue_id.in_(queue_ids)
    asks = exists().where(QUESTIONS.c.queue_id == QUEUES.c.queue_id)
    connection.execute(delete(QUEUES).where(mine, ~asks))
    left = connection.execute(select(QUEUES.c.queue_id, QUEUES.c.settings).where(mine)).all()
    for queue_id, text in left:
        kept = json.dumps(_without(json.loads(text), decision_ids))
        if kept != text:
            this = QUEUES.c.queue_id == queue_id
            connection.execute(update(QUEUES).where(this).values(settings=kept))


def _without(settings: Any, decision_ids: Collection[str]) -> Any:
    """JSON without these ids as keys of objects and items of lists."""
    if isinstance(settings, dict):
        kept = settings.items()
        return {key: _without(one, decision_ids) for key, one in kept if key not in decision_ids}
    if isinstance(settings, list):
        return [
            _without(one, decision_ids)
            for one in settings
            if not (isinstance(one, str) and one in decision_ids)
        ]
    return settings
