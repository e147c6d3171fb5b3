"""A log with decisions that only a sample of them is drawn by."""

from collections.abc import Sequence

import numpy as np

from linkage_rl.decision_log.rows import DecisionRows
from linkage_rl.decision_log.store import DecisionLog


def decisions(
    confidences: Sequence[float],
    actions: Sequence[str] | str = "link",
    list_id: str = "list",
    customer: str = "",
) -> DecisionRows:
    """Decision i of a list has the id `list_id` and i, and links the company c<i>."""
    number = len(confidences)
    actions = [actions] * number if isinstance(actions, str) else actions
    every: dict[str, object] = {
        "decided_at": "2026-01-31T12:00:00.000Z",
        "source": "link",
        "customer": customer,
        "list_id": list_id,
        "client": "{}",
        "bundle": "0" * 16,
        "table_state": "",
        "features": "",
        "shown": "[]",
        "no_match": 0.1,
        "ran": 0,
        "link_threshold": 0.5,
        "review_threshold": 2.0,
        "propensity": 1.0,
        "exploration": "",
        "reason": "",
        "evidence": b"",
    }
    columns = {name: [value] * number for name, value in every.items()}
    columns |= {
        "decision_id": [f"{list_id}{place:06}" for place in range(number)],
        "client_hash": [f"{list_id}{place:06}"[-32:] for place in range(number)],
        "client_id": [f"k{place}" for place in range(number)],
        "action": list(actions),
        "greedy_action": list(actions),
        "company_id": [
            f"c{place}" if action == "link" else "" for place, action in enumerate(actions)
        ],
        "raw_confidence": list(confidences),
        "confidence": list(confidences),
    }
    return DecisionRows(**columns)  # type: ignore[arg-type]


def log_of(rows: DecisionRows, place: str = ":memory:") -> DecisionLog:
    """A log with these decisions."""
    log = DecisionLog.open(place)
    log.append(rows)
    return log


def falling(number: int) -> list[float]:
    """Confidences from just under 1 down to just above 1/2."""
    return [float(one) for one in np.linspace(0.999, 0.5, number)]
