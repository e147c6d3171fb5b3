"""Decisions of a log, and logs with them, for tests."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from linkage_rl.decision_log.rows import DecisionRows
from linkage_rl.decision_log.store import DecisionLog

ONE: Final[Mapping[str, Any]] = {
    "decision_id": "",
    "decided_at": "2026-03-01T09:00:00.000Z",
    "source": "link",
    "customer": "",
    "list_id": "",
    "client_id": "",
    "client_hash": "0" * 32,
    "client": '{"name":"青空"}',
    "bundle": "b" * 16,
    "table_state": "t" * 16,
    "features": "f" * 16,
    "shown": '[["apex",0.75]]',
    "no_match": 0.25,
    "ran": 3,
    "action": "link",
    "company_id": "apex",
    "raw_confidence": 0.75,
    "confidence": 0.9,
    "link_threshold": 0.5,
    "review_threshold": 1.1,
    "greedy_action": "link",
    "propensity": 1.0,
    "exploration": "",
    "reason": "same name",
    "evidence": b"\x00\xff",
}
"""A decision; tests say what differs."""


def logged_rows(*decisions: Mapping[str, Any]) -> DecisionRows:
    """Decisions that differ from `ONE` as said; those without an id are numbered from 0."""
    rows: list[Sequence[Any]] = []
    for number, given in enumerate(decisions):
        row = {**ONE, "decision_id": f"{number:032x}", "client_id": f"c{number}", **given}
        rows.append(list(row.values()))
    return DecisionRows.of(rows)


def decisions(
    confidences: Sequence[float],
    actions: Sequence[str] | str = "link",
    list_id: str = "list",
    customer: str = "",
) -> DecisionRows:
    """Decision i of a list has the id `list_id` and i, and links the company c<i>."""
    actions = [actions] * len(confidences) if isinstance(actions, str) else actions
    return logged_rows(
        *(
            {
                "decision_id": f"{list_id}{place:06}",
                "customer": customer,
                "list_id": list_id,
                "client_id": f"k{place}",
                "client_hash": f"{list_id}{place:06}"[-32:],
                "shown": "[]",
                "action": action,
                "greedy_action": action,
                "company_id": f"c{place}" if action == "link" else "",
                "raw_confidence": confidence,
                "confidence": confidence,
                "evidence": b"",
            }
            for place, (confidence, action) in enumerate(zip(confidences, actions, strict=True))
        )
    )


def log_of(rows: DecisionRows, place: str = ":memory:") -> DecisionLog:
    """A log with these decisions."""
    log = DecisionLog.open(place)
    log.append(rows)
    return log


def falling(number: int) -> list[float]:
    """Confidences from just under 1 down to just above 1/2."""
    return [float(one) for one in np.linspace(0.999, 0.5, number)]


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
        "customer": customer,
        "list_id": "list",
        "client_id": f"k{number}",
        "client_hash": client or decision_id,
        "features": features,
        "shown": json.dumps([[one, 0.5] for one in shown]),
        "no_match": 0.1,
        "ran": 1,
        "action": action,
        "greedy_action": action,
        "company_id": shown[0] if action == "link" else "",
        "raw_confidence": 0.5,
        "confidence": 0.5,
        "link_threshold": 0.4,
        "evidence": evidence,
    }
    log.append(logged_rows(row))
    return decision_id
