"""Decisions for tests of the log."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from linkage_rl.decision_log.rows import DecisionRows

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
