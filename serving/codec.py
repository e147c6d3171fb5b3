"""Content types: request bodies to clients, and responses to bytes."""

import csv
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Any, Final

from serving.errors import NotAcceptableError, RequestError, UnsupportedTypeError
from serving.requests import CLIENT_KEYS, InvalidClient, LinkageRequest, parse_mode, validate
from serving.responses import LinkageResponse, as_table

JSON: Final = "application/json"
JSON_LINES: Final = "application/jsonlines"
CSV: Final = "text/csv"
_MEDIA_TYPES: Final[Mapping[str, str]] = {
    JSON: JSON,
    "text/json": JSON,
    JSON_LINES: JSON_LINES,
    "application/x-jsonlines": JSON_LINES,
    "application/jsonl": JSON_LINES,
    "application/x-ndjson": JSON_LINES,
    CSV: CSV,
    "application/csv": CSV,
}
"""Names in use for the three media types."""
# too long a field is the error of one client; by default it would fail the complete list
csv.field_size_limit(sys.maxsize)
_CHARSETS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("utf-8", "utf8", "ascii", "us-ascii"), "utf-8-sig"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "cp932", "windows-31j"), "cp932"),
    **dict.fromkeys(("euc-jp", "euc_jp"), "euc_jp"),
    **dict.fromkeys(("utf-16", "utf16"), "utf-16"),
}
"""Charset to its Python codec; that of UTF-8 skips a byte order mark."""


@dataclass(frozen=True)
class ContentType:
    """A media type with its parameters, such as `text/csv; charset=cp932; header=absent`."""

    media: str
    charset: str = "utf-8-sig"
    header: bool = True
    """Whether CSV has a first line with the names of its columns."""

    @classmethod
    def parse(cls, content_type: str) -> "ContentType":
        """The content type that a Content-Type header names; JSON where there is no header.

        Raises:
            UnsupportedTypeError: The server does not know the media type or the charset.
        """
        if not content_type:
            return cls(JSON)
        message = Message()
        message["content-type"] = content_type.encode("ascii", "replace").decode("ascii")
        media = _MEDIA_TYPES.get(message.get_content_type(), "")
        charset = str(message.get_param("charset", "utf-8")).lower()
        if not media or charset not in _CHARSETS:
            raise UnsupportedTypeError(
                f"expected a Content-Type among {[JSON, CSV, JSON_LINES]} in a known charset, got "
                f"{content_type[:80]!r}; send one of these"
            )
        return cls(
            media, _CHARSETS[charset], str(message.get_param("header", "present")) != "absent"
        )


def negotiate(accept: str, requested: ContentType) -> ContentType:
    """The content type of the response: the request's own unless the caller prefers another.

    Raises:
        NotAcceptableError: The Accept header allows none of the known types.
    """
    choices = [part.strip() for part in accept.split(",") if part.strip()]
    if not choices:
        return requested
    # a quality of 0 forbids (RFC 9110, section 12.4.2)
    allowed = [choice for choice in choices if _quality(choice) > 0]
    for choice in sorted(allowed, key=_quality, reverse=True):
        media = choice.split(";")[0].strip().lower()
        if media in ("*/*", "application/*") or _MEDIA_TYPES.get(media) == requested.media:
            return requested
        if media in _MEDIA_TYPES:
            return ContentType(_MEDIA_TYPES[media], header=requested.header)
        if media == "text/*":
            return ContentType(CSV)
    raise NotAcceptableError(
        f"expected an Accept header with one of {[JSON, CSV, JSON_LINES]}, got {accept[:80]!r}"
    )


def decode(
    body: bytes,
    content_type: ContentType,
    mode: str,
    max_clients: int,
    csv_columns: Sequence[str] = (),
) -> LinkageRequest:
    """Parse a request body.

    Args:
        body: The bytes of the body.
        content_type: Its content type.
        mode: The mode of CSV and JSON Lines, which cannot carry it themselves.
        max_clients: Clients that one request may hold.
        csv_columns: Columns of CSV without a header.

    Raises:
        RequestError: The body cannot be parsed at all.
    """
    try:
        text = body.decode(content_type.charset)
    except UnicodeDecodeError as error:
        raise RequestError(
            f"expected a body in {error.encoding}, got other bytes at position {error.start}; "
            "encode it so, or name its charset in the Content-Type"
        ) from None
    if content_type.media == JSON:
        return _parse_json_request(text, max_clients)
    if content_type.media == JSON_LINES:
        clients = _parse_json_lines(text)
    else:
        clients = _parse_csv(text, content_type, csv_columns)
    return validate(parse_mode(mode), clients, max_clients)


def encode(response: LinkageResponse, content_type: ContentType) -> tuple[bytes, str]:
    """The response as bytes, and their Content-Type header."""
    return _ENCODERS[content_type.media](response, content_type)


def to_json(value: object) -> bytes:
    """JSON in UTF-8; an unpaired surrogate in a client's text becomes its escape."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        RequestError: It is not JSON, is nested too deeply, or holds a number with too many digits.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise RequestError(
            f"expected JSON, got an error at line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except RecursionError:
        raise RequestError("expected JSON, got one nested too deeply; send plain lists") from None
    except ValueError:
        raise RequestError("expected JSON, got a number of too many digits") from None


def _parse_json_request(text: str, max_clients: int) -> LinkageRequest:
    content = parse_json(text)
    if not isinstance(content, dict):
        raise RequestError(
            'expected an object like {"mode": "bulk_linkage", "clients": [...]}, got another value'
        )
    mode = parse_mode(content.get("mode", "bulk_linkage"))
    if mode == "info":
        return validate(mode, [], max_clients)
    clients = content.get("clients", [content["client"]] if "client" in content else None)
    if not isinstance(clients, list):
        raise RequestError(
            f"mode {mode!r} expects a list in 'clients', got none; see /openapi.json"
        )
    if mode == "linkage" and len(clients) != 1:
        raise RequestError(
            f"mode 'linkage' expects one client, got {len(clients)}; use 'bulk_linkage' for lists"
        )
    return validate(mode, clients, max_clients)


def _parse_json_lines(text: str) -> list[Any]:
    # not `splitlines`, which also splits at characters that JSON allows within texts
    clients: list[Any] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                clients.append(parse_json(line))
            except RequestError as error:
                clients.append(InvalidClient(f"line {number}: {error}"))
    return clients


def _parse_csv(text: str, content_type: ContentType, csv_columns: Sequence[str]) -> list[Any]:
    """Rows of CSV as objects; a row with the wrong number of fields is an invalid client."""
    # strict, since an unclosed quote would silently swallow the clients after it
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = list(csv_columns)
        if content_type.header:
            columns = [name.strip() for name in next(reader, ())]
        if not set(columns) & set(CLIENT_KEYS):
            raise RequestError(
                f"expected CSV with a header of columns among {list(CLIENT_KEYS)}, got "
                f"{columns[:8]}; send one, or set LINKAGE_CSV_COLUMNS and send "
                "'text/csv; header=absent'"
            )
        return [_csv_client(row, columns, reader.line_num) for row in reader if row]
    except csv.Error as error:
        raise RequestError(
            f"expected CSV, got an error at line {reader.line_num}: {error}; double the quotes "
            "within a quoted field, and close it"
        ) from None


def _csv_client(
    row: Sequence[str], columns: Sequence[str], line: int
) -> dict[str, str] | InvalidClient:
    if len(row) != len(columns):
        return InvalidClient(f"line {line}: expected {len(columns)} columns, got {len(row)}")
    return {name: text for name, text in zip(columns, row, strict=True) if name in CLIENT_KEYS}


def _encode_json(response: LinkageResponse, content_type: ContentType) -> tuple[bytes, str]:
    return to_json(response.content()), JSON


def _encode_json_lines(response: LinkageResponse, content_type: ContentType) -> tuple[bytes, str]:
    shared = response.shared()
    lines = [to_json(result | shared) for result in response.results]
    return b"\n".join(lines or [to_json(response.content())]) + b"\n", JSON_LINES


def _encode_csv(response: LinkageResponse, content_type: ContentType) -> tuple[bytes, str]:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    header, rows = as_table(response)
    if content_type.header:
        writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue().encode("utf-8", "replace"), f"{CSV}; charset=utf-8"


_ENCODERS: Final[Mapping[str, Callable[[LinkageResponse, ContentType], tuple[bytes, str]]]] = {
    JSON: _encode_json,
    JSON_LINES: _encode_json_lines,
    CSV: _encode_csv,
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
