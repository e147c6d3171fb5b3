"""Request bodies to clients, and responses to bytes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from serving.content_type import (
    CSV,
    JSON,
    JSON_LINES,
    ContentType,
    decode_marking,
    decode_strictly,
    is_gzip,
    wrong_charset,
)
from serving.csv_answer import csv_lines, csv_text
from serving.csv_body import CsvBody, read_csv
from serving.errors import RequestError
from serving.json_body import json_lines, read_json
from serving.json_steps import encode_in_steps, to_json
from serving.requests import InvalidClient, LinkageRequest, Mode, parse_mode, validate
from serving.responses import LinkageResponse, as_table

_JSON_ESCAPES: Final = {
    character.encode(): f"\\u{ord(character):04x}".encode() for character in "\x85\u2028\u2029"
}
"""Characters that JSON allows within texts, but at which some readers of lines begin a new one."""


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
        mode: The mode of CSV and JSON Lines, and of JSON that names none.
        max_clients: Clients that one request may hold.
        csv_columns: Columns of CSV without a header.

    Raises:
        RequestError: The body cannot be parsed at all.
    """
    if content_type.media == JSON:
        return read_json(decode_strictly(body, content_type.charset), mode, max_clients)
    known = parse_mode(mode)
    if known == "info":
        return validate(known, [], max_clients)
    text, fault = _decode_lines(body, content_type.charset)
    damage = wrong_charset(content_type.charset) if fault else ""
    parsed = _parse_list(text, content_type, known, max_clients, csv_columns, damage)
    if fault and all(isinstance(client, InvalidClient) for client in parsed.clients):
        raise fault
    return validate(known, parsed.clients, max_clients, parsed.unknown_columns, parsed.header)


def encode(response: LinkageResponse, content_type: ContentType) -> tuple[bytes, str]:
    """The response as bytes, and their Content-Type header."""
    return _ENCODERS[content_type.media](response, content_type)


def _decode_lines(body: bytes, charset: str) -> tuple[str, RequestError | None]:
    """The text of a list, and what is wrong with it if some of its lines are damaged."""
    try:
        return decode_strictly(body, charset), None
    except RequestError as fault:
        if is_gzip(body):
            raise
        try:
            return decode_marking(body, charset), fault
        except UnicodeDecodeError:
            raise fault from None


def _parse_list(
    text: str,
    content_type: ContentType,
    mode: Mode,
    max_clients: int,
    csv_columns: Sequence[str],
    damage: str,
) -> CsvBody:
    if content_type.media == JSON_LINES:
        return CsvBody(json_lines(text, mode, max_clients, damage))
    return read_csv(text, content_type.header, csv_columns, mode, max_clients, damage)


def _encode_json(response: LinkageResponse, content_type: ContentType) -> tuple[bytes, str]:
    if response.info is not None:
        return to_json(response.content()), JSON
    shared = response.content()
    results = shared.pop("results")
    return encode_in_steps(shared, "results", results), JSON


def _encode_json_lines(response: LinkageResponse, content_type: ContentType) -> tuple[bytes, str]:
    if response.info is not None:
        return to_json(response.content()) + b"\n", JSON_LINES
    shared = response.shared()
    lines = [to_json(result | shared) for result in response.results]
    text = b"".join(line + b"\n" for line in lines)
    for character, escape in _JSON_ESCAPES.items():
        text = text.replace(character, escape)
    return text, JSON_LINES


def _encode_csv(response: LinkageResponse, content_type: ContentType) -> tuple[bytes, str]:
    header, rows = as_table(response)
    text = csv_lines(list(rows)) if content_type.header is False else csv_text([header, *rows])
    return text.encode("utf-8", "backslashreplace"), f"{CSV}; charset=utf-8"


_ENCODERS: Final[Mapping[str, Callable[[LinkageResponse, ContentType], tuple[bytes, str]]]] = {
    JSON: _encode_json,
    JSON_LINES: _encode_json_lines,
    CSV: _encode_csv,
}
