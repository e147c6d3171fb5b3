"""Bodies in JSON and in JSON Lines: their clients, and what is said of those that are neither."""

import json
from dataclasses import replace
from typing import Any, Final

from serving.attributes import NOBODY, origin_of
from serving.content_type import is_damaged
from serving.errors import RequestError
from serving.json_steps import LONG_TEXT, decode_in_steps
from serving.requests import (
    CLIENT_KEYS,
    InvalidClient,
    LinkageRequest,
    Mode,
    check_count,
    parse_mode,
    validate,
)
from serving.values import JsonNumber, describe

_DECODER: Final = json.JSONDecoder(parse_float=JsonNumber)
_DECODER_OF_LONG_NUMBERS: Final = json.JSONDecoder(parse_float=JsonNumber, parse_int=JsonNumber)
"""Keeps whole numbers as texts, too: Python converts none of more than 4,300 digits."""
_EXAMPLE: Final = '{"mode": "bulk_linkage", "clients": [...]}'


def parse_json(text: str) -> Any:
    """The value of a JSON text; a number with a fraction or an exponent is a `JsonNumber`.

    Raises:
        RequestError: It is not JSON, or is nested too deeply.
    """
    decode = decode_in_steps if len(text) > LONG_TEXT else json.JSONDecoder.decode
    for decoder in (_DECODER, _DECODER_OF_LONG_NUMBERS):
        try:
            return decode(decoder, text)
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            raise RequestError(f"expected JSON, got an error at {place}: {error.msg}") from None
        except RecursionError:
            raise RequestError(
                "expected JSON, got one nested too deeply; send plain lists"
            ) from None
        except ValueError:
            # a number of too many digits, which the other decoder keeps as it is
            continue
    raise RequestError("expected JSON, got a number of too many digits")


def read_json(text: str, mode: str, max_clients: int) -> LinkageRequest:
    """The request of a JSON body.

    Args:
        text: The body.
        mode: The mode where the body names none.
        max_clients: Clients that one request may hold.

    Raises:
        RequestError: The body cannot be read at all.
    """
    content = _parse_body(text, mode)
    mode = parse_mode(content.get("mode", mode))
    if mode == "info":
        return validate(mode, [], max_clients)
    clients = content.get("clients", [content["client"]] if "client" in content else None)
    if not isinstance(clients, list):
        raise RequestError(_without_list(mode, content))
    if mode == "linkage" and len(clients) != 1:
        raise RequestError(
            f"mode 'linkage' expects one client, got {len(clients)}; use 'bulk_linkage' for lists"
        )
    request, origin = validate(mode, clients, max_clients), origin_of(content)
    return request if origin is NOBODY else replace(request, origin=origin)


def json_lines(text: str, mode: Mode, max_clients: int, damage: str = "") -> list[Any]:
    """The clients of a body in JSON Lines: every line is one, also a blank one.

    Args:
        text: The body.
        mode: Mode of the request.
        max_clients: Clients that one request may hold.
        damage: What is wrong with damaged lines; '' where none does.

    Raises:
        TooLargeError: There are more lines.
    """
    # not `splitlines`, which also splits at characters that JSON allows within texts
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not lines[-1].strip():
        # what follows the last line break is no line
        lines.pop()
    check_count(mode, len(lines), max_clients)
    return [_parse_line(line, number, damage) for number, line in enumerate(lines, start=1)]


def _parse_body(text: str, mode: str) -> dict[str, Any]:
    if not text.strip():
        if mode == "info":
            return {}
        raise RequestError(f"expected an object like {_EXAMPLE}, got an empty body")
    try:
        content = parse_json(text)
    except RequestError:
        if _is_json_lines(text):
            raise RequestError(
                "expected one JSON object, got one on each line; send JSON Lines with the "
                "Content-Type application/jsonlines"
            ) from None
        raise
    if not isinstance(content, dict):
        raise RequestError(
            f"expected an object like {_EXAMPLE}, got {describe(content)}; put the clients into "
            "its list 'clients'"
        )
    return content


def _is_json_lines(text: str) -> bool:
    """Whether the first of several lines is an object by itself."""
    first, _, rest = text.strip().partition("\n")
    if not rest:
        return False
    try:
        return isinstance(parse_json(first), dict)
    except RequestError:
        return False


def _without_list(mode: str, content: dict[str, Any]) -> str:
    if "clients" in content:
        return (
            f"mode {mode!r} expects a list in 'clients', got {describe(content['clients'])}; "
            "see /openapi.json"
        )
    if set(content) & set(CLIENT_KEYS):
        return (
            f"mode {mode!r} expects a list in 'clients', got the fields of one client; send them "
            "as 'client', or JSON Lines with the Content-Type application/jsonlines"
        )
    return f"mode {mode!r} expects a list in 'clients', got none; see /openapi.json"


def _parse_line(line: str, number: int, damage: str) -> Any:
    if not line.strip():
        return InvalidClient(f"line {number}: expected a client, got a blank line")
    try:
        client = parse_json(line)
    except RequestError as error:
        return InvalidClient(f"line {number}: {error}")
    if not isinstance(client, dict):
        return client
    if damage and is_damaged(line):
        given = client.get("client_id")
        known = isinstance(given, str) and not is_damaged(given)
        return InvalidClient(f"line {number}: {damage}", given if known else None)
    if isinstance(client.get("clients"), list):
        return InvalidClient(
            f"line {number}: expected the fields of one client, got a list 'clients'; send it with "
            "the Content-Type application/json"
        )
    return client
