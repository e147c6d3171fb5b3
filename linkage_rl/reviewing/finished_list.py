"""A finished list as a decision log of its own, to look at on the same pages."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from linkage_rl.decision_log.rows import SHOWN, DecisionRows
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import SchemaError
from linkage_rl.linked_columns import COLUMNS, EXPLANATION, RUN_COLUMNS
from linkage_rl.reviewing.result_file import CANDIDATES, Row, blocks, result_rows
from linkage_rl.tables.ddl import stamp
from linkage_rl.tables.headers import recognise
from linkage_rl.tables.schema import ColumnMapping

_NEEDED: Final = ("client_id", "decision", "company_id", "confidence")
_NOT_OWN: Final = {*COLUMNS, *RUN_COLUMNS, CANDIDATES, EXPLANATION.name, "decision_id"}
_ACTIONS: Final = ("link", "no_match", "review")


@contextmanager
def open_finished_list(path: str, columns: ColumnMapping) -> Iterator[DecisionLog]:
    """The rows of a result of `link` as decisions, in a temporary file that goes with the block.

    Args:
        path: CSV, JSON Lines or Parquet file that `link` has written.
        columns: Columns of the client list that was linked.

    Raises:
        InputFileError: The file is missing or damaged.
        SchemaError: It is no result of `link`.
    """
    with (
        tempfile.TemporaryDirectory(prefix="linkage-review-") as folder,
        DecisionLog.open(str(Path(folder) / "list.db")) as log,
    ):
        first = 0
        for block in blocks(result_rows(Path(path).expanduser())):
            log.append(_decisions(block, first, path, columns))
            first += len(block)
        yield log


def _decisions(rows: Sequence[Row], first: int, path: str, columns: ColumnMapping) -> DecisionRows:
    """Rows of a result as logged decisions, whose ids are the numbers of the rows."""
    lacking = [name for name in _NEEDED if name not in rows[0]]
    if lacking:
        raise SchemaError(
            f"expected a result of link in {path}, got a file without the columns {lacking}; give "
            "the file that link has written"
        )
    fields = _fields(list(rows[0]), columns)
    now, number = stamp(), len(rows)
    confidence = [_share(row["confidence"]) for row in rows]
    action = [_action(row, first + place, path) for place, row in enumerate(rows)]
    shown = [_shown(row) for row in rows]
    return DecisionRows(
        decision_id=[f"{first + place + 1:032}" for place in range(number)],
        decided_at=[_text(row, "linked_at")[:24] or now for row in rows],
        source=["link"] * number,
        customer=[""] * number,
        list_id=[_text(row, "run_id")[:128] for row in rows],
        client_id=[_text(row, "client_id") for row in rows],
        client_hash=[""] * number,
        client=[_client(row, fields) for row in rows],
        bundle=[_text(row, "bundle")[:16] for row in rows],
        table_state=[_text(row, "table_state")[:32] for row in rows],
        features=[""] * number,
        shown=[json.dumps(one, ensure_ascii=False) for one in shown],
        no_match=[max(0.0, 1.0 - sum(share for _, share in one)) if one else 0.0 for one in shown],
        ran=[0] * number,
        action=action,
        company_id=[_text(row, "company_id") for row in rows],
        raw_confidence=confidence,
        confidence=confidence,
        # a result does not say them
        link_threshold=[2.0] * number,
        review_threshold=[2.0] * number,
        greedy_action=action,
        propensity=[1.0] * number,
        exploration=[""] * number,
        reason=[_text(row, "reason") for row in rows],
        evidence=[b""] * number,
    )


def _fields(header: Sequence[str], columns: ColumnMapping) -> dict[str, str]:
    """Each column of the client to its field, or to its own name where it holds no field."""
    own = [name for name in header if name not in _NOT_OWN]
    mapping = recognise(columns, own, "client_id").mapping
    named = {
        theirs: field
        for field, theirs in mapping.of_clients(own, "the linked list", needs_id=False).items()
        if field != "company_id"
    }
    return {name: named.get(name, name) for name in own}


def _client(row: Row, fields: Mapping[str, str]) -> str:
    texts = {field: _text(row, column) for column, field in fields.items()}
    present = {field: text for field, text in texts.items() if text}
    return json.dumps(present, ensure_ascii=False)


def _shown(row: Row) -> list[tuple[str, float]]:
    """Company id and share of the candidates; without any the linked company alone."""
    entries: Any = row.get(CANDIDATES) or []
    found = [(_text(one, "id"), _share(one.get("share", ""))) for one in entries]
    present = [(company, share) for company, share in found if company][:SHOWN]
    linked = _text(row, "company_id")
    return present or ([(linked, _share(row["confidence"]))] if linked else [])


def _action(row: Row, place: int, path: str) -> str:
    action = _text(row, "decision")
    if action not in _ACTIONS:
        raise SchemaError(
            f"expected a decision among {list(_ACTIONS)} in {path}, got {action!r:.80} in row "
            f"{place + 1}; give the file that link has written"
        )
    return action


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def _share(value: object) -> float:
    """A number in [0, 1]; 0 for anything else."""
    try:
        number = float(str(value))
    except ValueError:
        return 0.0
    return number if 0 <= number <= 1 else 0.0
