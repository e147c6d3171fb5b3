"""Content types: bytes to clients, and answers to bytes."""

import csv
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Any, Final

from serving.errors import NotAcceptableError, RequestError, UnsupportedTypeError
from serving.requests import KNOWN, Fault, Inquiry, inquiry, mode_of
from serving.responses import Answer, table_of

JSON: Final = "application/json"
JSON_LINES: Final = "application/jsonlines"
CSV: Final = "text/csv"
_SAME: Final[Mapping[str, str]] = {
    JSON: JSON,
    "text/json": JSON,
    JSON_LINES: JSON_LINES,
    "application/x-jsonlines": JSON_LINES,
    "application/jsonl": JSON_LINES,
    "application/x-ndjson": JSON_LINES,
    CSV: CSV,
    "application/csv": CSV,
}
# a field too long is the fault of one client; the default makes it one of the whole list
csv.field_size_limit(sys.maxsize)
_CHARSETS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("utf-8", "utf8", "ascii", "us-ascii"), "utf-8-sig"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "cp932", "windows-31j"), "cp932"),
    **dict.fromkeys(("euc-jp", "euc_jp"), "euc_jp"),
    **dict.fromkeys(("utf-16", "utf16"), "utf-16"),
}
"""Charset to the codec that reads it; that of UTF-8 skips a byte order mark."""


@dataclass(frozen=True)
class Form:
    """A media type with its parameters, such as `text/csv; charset=cp932; header=absent`."""

    media: str
    charset: str = "utf-8-sig"
    header: bool = True
    """Whether CSV has a first line with the names of its columns."""

    @classmethod
    def of(cls, content_type: str) -> "Form":
        """The form that a Content-Type names; JSON where there is none.

        Raises:
            UnsupportedTypeError: It is none of those that the server knows.
        """
        if not content_type:
            return cls(JSON)
        message = Message()
        message["content-type"] = content_type.encode("ascii", "replace").decode("ascii")
        media = _SAME.get(message.get_content_type(), "")
        charset = str(message.get_param("charset", "utf-8")).lower()
        if not media or charset not in _CHARSETS:
            raise UnsupportedTypeError(
                f"expected a Content-Type among {[JSON, CSV, JSON_LINES]} in a known charset, got "
                f"{content_type[:80]!r}; send one of these"
            )
        return cls(
            media, _CHARSETS[charset], str(message.get_param("header", "present")) != "absent"
        )


def accepted(accept: str, asked: Form) -> Form:
    """The form of the answer: that of the request where the caller does not mind.

    Raises:
        NotAcceptableError: The header allows none of the known forms.
    """
    choices = [part.strip() for part in accept.split(",") if part.strip()]
    if not choices:
        return asked
    # a quality of 0 forbids (RFC 9110, section 12.4.2)
    wanted = [choice for choice in choices if _quality(choice) > 0]
    for choice in sorted(wanted, key=_quality, reverse=True):
        media = choice.split(";")[0].strip().lower()
        if media in ("*/*", "application/*") or _SAME.get(media) == asked.media:
            return asked
        if media in _SAME:
            return Form(_SAME[media], header=asked.header)
        if media == "text/*":
            return Form(CSV)
    raise NotAcceptableError(
        f"expected an Accept header with one of {[JSON, CSV, JSON_LINES]}, got {accept[:80]!r}"
    )


def decode(
    body: bytes, form: Form, mode: str, most: int, csv_columns: Sequence[str] = ()
) -> Inquiry:
    """What a request asks.

    Args:
        body: The request's body.
        form: Its content type.
        mode: What CSV and JSON Lines ask for, since they cannot say so themselves.
        most: Clients that one request may hold.
        csv_columns: Columns of CSV without a header.

    Raises:
        RequestError: The body cannot be read, so that no client of it can.
    """
    try:
        text = body.decode(form.charset)
    except UnicodeDecodeError as error:
        raise RequestError(
            f"expected a body in {error.encoding}, got other bytes at position {error.start}; "
            "encode it so, or name its charset in the Content-Type"
        ) from None
    if form.media == JSON:
        return _from_json(text, most)
    clients = _lines(text) if form.media == JSON_LINES else _rows(text, form, csv_columns)
    return inquiry(mode_of(mode), clients, most)


def encode(answer: Answer, form: Form) -> tuple[bytes, str]:
    """The answer as bytes, and their Content-Type."""
    return _ENCODERS[form.media](answer, form)


def to_json(value: object) -> bytes:
    """JSON in UTF-8; a lone surrogate of a client's text becomes its escape."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        RequestError: It is no JSON, nested too deeply, or holds a number without end.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise RequestError(
            f"expected JSON, got a fault at line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except RecursionError:
        raise RequestError("expected JSON, got one nested too deeply; send plain lists") from None
    except ValueError:
        raise RequestError("expected JSON, got a number of too many digits") from None


def _from_json(text: str, most: int) -> Inquiry:
    asked = parse_json(text)
    if not isinstance(asked, dict):
        raise RequestError(
            'expected an object like {"mode": "bulk_linkage", "clients": [...]}, got another value'
        )
    mode = mode_of(asked.get("mode", "bulk_linkage"))
    if mode == "info":
        return inquiry(mode, [], most)
    clients = asked.get("clients", [asked["client"]] if "client" in asked else None)
    if not isinstance(clients, list):
        raise RequestError(
            f"mode {mode!r} expects a list in 'clients', got none; see /openapi.json"
        )
    if mode == "linkage" and len(clients) != 1:
        raise RequestError(
            f"mode 'linkage' expects one client, got {len(clients)}; use 'bulk_linkage' for lists"
        )
    return inquiry(mode, clients, most)


def _lines(text: str) -> list[Any]:
    # `splitlines` also breaks at characters that may stand within JSON texts
    clients: list[Any] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                clients.append(parse_json(line))
            except RequestError as error:
                clients.append(Fault(f"line {number}: {error}"))
    return clients


def _rows(text: str, form: Form, csv_columns: Sequence[str]) -> list[Any]:
    """Rows of CSV as objects; lines of another length are faults of their own."""
    # strict, since a quote left open would swallow the clients after it in silence
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    clients: list[Any] = []
    try:
        columns = [name.strip() for name in next(reader, ())] if form.header else [*csv_columns]
        if not set(columns) & set(KNOWN):
            raise RequestError(
                f"expected CSV with a header of columns among {list(KNOWN)}, got {columns[:8]}; "
                "send one, or set LINKAGE_CSV_COLUMNS and send 'text/csv; header=absent'"
            )
        for row in reader:
            if len(row) == len(columns):
                clients.append({k: v for k, v in zip(columns, row, strict=True) if k in KNOWN})
            elif row:
                wrong = f"expected {len(columns)} columns, got {len(row)}"
                clients.append(Fault(f"line {reader.line_num}: {wrong}"))
    except csv.Error as error:
        raise RequestError(
            f"expected CSV, got a fault at line {reader.line_num}: {error}; double the quotes "
            "within a quoted field, and close it"
        ) from None
    return clients


def _json_answer(answer: Answer, form: Form) -> tuple[bytes, str]:
    return to_json(answer.content()), JSON


def _json_lines_answer(answer: Answer, form: Form) -> tuple[bytes, str]:
    shared = answer.shared()
    lines = [to_json(result | shared) for result in answer.results] or [to_json(answer.content())]
    return b"\n".join(lines) + b"\n", JSON_LINES


def _csv_answer(answer: Answer, form: Form) -> tuple[bytes, str]:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    header, rows = table_of(answer)
    if form.header:
        writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue().encode("utf-8", "replace"), f"{CSV}; charset=utf-8"


_ENCODERS: Final[Mapping[str, Callable[[Answer, Form], tuple[bytes, str]]]] = {
    JSON: _json_answer,
    JSON_LINES: _json_lines_answer,
    CSV: _csv_answer,
}


def _quality(choice: str) -> float:
    for parameter in choice.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
