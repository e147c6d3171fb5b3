"""Bodies of captured requests and answers: JSON, JSON Lines and CSV, as the server takes them."""

import csv
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from io import StringIO
from typing import Any, Final

from linkage_rl.records import FIELDS

Body = Mapping[str, Any]
Client = dict[str, str]

_CSV_TYPES: Final = ("text/csv", "application/csv")
_JSON_TYPES: Final = ("application/json", "text/json")
_SEPARATORS: Final = (",", ";", "\t")
_KNOWN: Final = frozenset(("client_id", *FIELDS, "address"))
_ANSWER_COLUMNS: Final = (
    *("client_id", "decision", "company_id", "confidence"),
    *(f"company_{name}" for name in FIELDS),
    *("reason", "model", "model_version", "stale", "decision_id"),
)
"""Columns of an answer in CSV; one to a request without a header has none, either."""
_LARGEST_EXPONENT: Final = 308
"""Of a number of a request: the server answers a client with a larger one by an error."""


def read_clients(
    text: str, media: str, csv_columns: Sequence[str]
) -> tuple[list[Client | None], Body]:
    """The clients of a request, and what the request says besides them.

    Args:
        text: The body.
        media: Its media type, '' where it is not known.
        csv_columns: Columns of CSV without a header.

    Returns:
        The filled fields of each client, None for one that is no object; and the body, if it is a
        JSON object.

    Raises:
        ValueError: The body cannot be read.
    """
    if media in _CSV_TYPES:
        return [_client(row) for row in _csv_rows(text, csv_columns)], {}
    if media not in _JSON_TYPES and _has_lines(text):
        return [_client(one) for one in _json_lines(text)], {}
    body = _json(text)
    if not isinstance(body, dict):
        raise ValueError("the request is no JSON object")
    clients = body.get("clients", [body["client"]] if "client" in body else [])
    return [_client(one) for one in clients], body


def read_answers(text: str, media: str) -> list[dict[str, Any]]:
    """The answers of a response, one per client; [] for one that holds none.

    Raises:
        ValueError: The body cannot be read.
    """
    if media in _CSV_TYPES:
        return _csv_answers(text)
    if media not in _JSON_TYPES and _has_lines(text):
        return [_flat(one) for one in _json_lines(text) if isinstance(one, dict)]
    body = _json(text)
    if not isinstance(body, dict):
        raise ValueError("the answer is no JSON object")
    shared = {name: body[name] for name in ("model",) if name in body}
    return [_flat({**shared, **one}) for one in body.get("results", ())]


def _flat(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer with the version of its model as `model_version`, as CSV has it."""
    model = answer.get("model")
    version = model.get("version", "") if isinstance(model, dict) else ""
    return {"model_version": version, **answer}


def _csv_answers(text: str) -> list[dict[str, Any]]:
    rows = list(csv.reader(StringIO(text, newline="")))
    header: Sequence[str] = _ANSWER_COLUMNS
    if rows and rows[0][:2] == ["client_id", "decision"]:
        header, rows = rows[0], rows[1:]
    return [dict(zip(header, row, strict=False)) for row in rows]


def _csv_rows(text: str, csv_columns: Sequence[str]) -> list[dict[str, str] | None]:
    text = text.lstrip("\r\n")
    for separator in _SEPARATORS:
        rows = list(csv.reader(StringIO(text, newline=""), delimiter=separator))
        header = [name.strip() for name in rows[0]] if rows else []
        if _KNOWN & set(header):
            return _fitting(rows[1:], header)
    if not csv_columns:
        raise ValueError("the request is CSV without a header; give csv_columns=")
    return _fitting(list(csv.reader(StringIO(text, newline=""))), csv_columns)


def _fitting(rows: list[list[str]], header: Sequence[str]) -> list[dict[str, str] | None]:
    return [
        dict(zip(header, row, strict=True)) if len(row) == len(header) else None for row in rows
    ]


def _has_lines(text: str) -> bool:
    """Whether the first line of a body is a JSON object by itself."""
    first, _, _ = text.strip().partition("\n")
    try:
        found = _json(first)
    except ValueError:
        return False
    return isinstance(found, dict) and not {"clients", "client", "results"} & set(found)


def _json_lines(text: str) -> list[Any]:
    lines = text.replace("\r\n", "\n").split("\n")
    if not lines[-1].strip():
        lines.pop()
    return [_json(line) if line.strip() else None for line in lines]


def _json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def _client(given: object) -> Client | None:
    """The filled fields of a client that the server knows; a whole address is the street."""
    if not isinstance(given, dict):
        return None
    texts = {name: _text(name, given[name]) for name in _KNOWN & set(given)}
    address = texts.pop("address", "")
    texts["street"] = texts.get("street") or address
    return {name: text for name, text in texts.items() if text}


def _text(name: str, value: object) -> str:
    """A value as text; a number stands for its digits, 8381505.0 for 8381505.

    >>> _text("postal_code", Decimal("8381505.0")), _text("phone", None)
    ('8381505', '')
    """
    if value is None or isinstance(value, (bool, list, dict)) or value != value:
        return ""
    if isinstance(value, Decimal) and name != "client_id" and _is_short_and_whole(value):
        return str(int(value))
    return str(value)


def _is_short_and_whole(number: Decimal) -> bool:
    """Whether a number is whole and no larger than a float: the digits of 1e10000000 take hours."""
    return number.adjusted() <= _LARGEST_EXPONENT and number == number.to_integral_value()
