"""Which clients of a log are asked about: each once, and none on whom there is a verdict.

A list that is linked again has the same clients under new ids of decisions; the hash of their
fields tells that they are the same.
"""

from collections.abc import Sequence

from sqlalchemy import select

from linkage_rl.decision_log.rows import Selection
from linkage_rl.decision_log.schema import DECISIONS
from linkage_rl.decision_log.store import DecisionLog


def judged_clients(log: DecisionLog, customer: str = "") -> set[str]:
    """Hashes of the clients on whom a verdict counts.

    Args:
        log: The log.
        customer: Whose verdicts count; '' for those of every customer.
    """
    counting = log.latest(Selection(customer=customer))
    statement = select(DECISIONS.c.decision_id, DECISIONS.c.client_hash).where(
        *log.where(Selection(customer=customer, judged=True))
    )
    with log.reading("read judged clients") as connection:
        rows = connection.execute(statement).all()
    return {row.client_hash for row in rows if row.decision_id in counting}


def first_of_each(client_hashes: Sequence[str], seen: set[str]) -> list[int]:
    """Positions of clients that have not been seen, each once; they are added to the seen ones.

    Args:
        client_hashes: Of decisions; one without a hash, '', is a client of its own.
        seen: Hashes seen before.

    >>> first_of_each(["a", "b", "a", "", ""], {"b"})
    [0, 3, 4]
    """
    found = []
    for place, one in enumerate(client_hashes):
        if not one or one not in seen:
            found.append(place)
            seen.add(one)
    return found
