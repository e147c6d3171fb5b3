"""Decisions in a log, for tests of learning from them."""

import json
from collections.abc import Sequence

from linkage_rl.decision_log.rows import DecisionRows
from linkage_rl.decision_log.store import DecisionLog


def logged_link(
    log: DecisionLog,
    number: int,
    shown: Sequence[str],
    evidence: bytes = b"",
    features: str = "f",
    action: str = "link",
    customer: str = "",
    client: str = "",
) -> str:
    """Log one decision on a client, by default a link to the first shown company.

    Args:
        log: The log.
        number: Makes the ids.
        shown: Companies, the best first.
        evidence: What the policy saw.
        features: What its numbers mean.
        action: What was decided.
        customer: Whose client it is.
        client: Hash of the client's fields; '' for a client of its own.

    Returns:
        Its id.
    """
    decision_id = f"{number:032x}"
    row = {
        "decision_id": decision_id,
        "decided_at": "2026-01-01T00:00:00.000Z",
        "source": "link",
        "customer": customer,
        "list_id": "list",
        "client_id": f"k{number}",
        "client_hash": client or f"{number:032x}",
        "client": "{}",
        "bundle": "b" * 16,
        "table_state": "t",
        "features": features,
        "shown": json.dumps([[one, 0.5] for one in shown]),
        "no_match": 0.1,
        "ran": 1,
        "action": action,
        "company_id": shown[0] if action == "link" else "",
        "raw_confidence": 0.5,
        "confidence": 0.5,
        "link_threshold": 0.4,
        "review_threshold": 1.1,
        "greedy_action": action,
        "propensity": 1.0,
        "exploration": "",
        "reason": "",
        "evidence": evidence,
    }
    log.append(DecisionRows.of([tuple(row.values())]))
    return decision_id
