"""Long JSON texts, read and written in steps.

Reading or writing a text is one call of the standard library, in which no other thread, and so no
other request, is served. A text of some megabytes is one of many calls here.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

LONG_TEXT: Final = 1 << 15
"""Characters above which a text is read in steps."""
STEP: Final = 100
"""Elements of a list that are written in one call."""
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_BLANK: Final = " \t\n\r"
_BLANKS: Final = re.compile(f"[{_BLANK}]*")


def decode_in_steps(decoder: json.JSONDecoder, text: str) -> Any:
    """The value of a JSON text, as `decoder.decode` gives it; the elements of lists one by one.

    Raises:
        ValueError: As from `decoder.decode`.
    """
    try:
        return _Text(decoder, text).whole()
    except (IndexError, _UnexpectedError, json.JSONDecodeError):
        # for its message, or its own opinion
        return decoder.decode(text)


def encode_in_steps(shared: dict[str, Any], name: str, elements: Sequence[Any]) -> bytes:
    """An object as JSON in UTF-8, its last value a list that may be long.

    Args:
        shared: The other values of the object.
        name: Key of the list.
        elements: The list.
    """
    if len(elements) <= STEP:
        return to_json({**shared, name: elements})
    head = to_json({**shared, name: []})
    return b"".join([head[:-2], *_joined(elements), head[-2:]])


def to_json(value: object) -> bytes:
    """JSON in UTF-8; an unpaired surrogate in a client's text becomes its escape."""
    return _ENCODER.encode(value).encode("utf-8", "backslashreplace")


def _joined(elements: Sequence[Any]) -> Iterable[bytes]:
    for begin in range(0, len(elements), STEP):
        if begin:
            yield b","
        yield to_json(elements[begin : begin + STEP])[1:-1]


class _UnexpectedError(Exception):
    """The text is not what is read in steps."""


class _Text:
    """A container at the top of a text, and those in its values."""

    def __init__(self, decoder: json.JSONDecoder, text: str) -> None:
        self._decoder = decoder
        # `raw_decode` without its own call and message
        self._scan: Callable[[str, int], tuple[Any, int]] = decoder.scan_once  # type: ignore[attr-defined]
        self._text = text
        self._place = 0

    def whole(self) -> Any:
        value = self._value(2)
        self._skip()
        if self._place != len(self._text):
            raise _UnexpectedError
        return value

    def _value(self, depth: int) -> Any:
        """The next value; containers are read in steps to some depth."""
        begin = self._skip()
        if depth and begin == "{":
            return self._object(depth)
        if depth and begin == "[":
            return self._list()
        value, self._place = self._decoder.raw_decode(self._text, self._place)
        return value

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self._place += 1
        if self._skip() == "}":
            self._place += 1
            return found
        while True:
            if self._skip() != '"':
                raise _UnexpectedError
            key, self._place = self._decoder.raw_decode(self._text, self._place)
            if self._skip() != ":":
                raise _UnexpectedError
            self._place += 1
            found[key] = self._value(depth - 1)
            if self._ends("}"):
                return found

    def _list(self) -> list[Any]:
        found: list[Any] = []
        self._place += 1
        if self._skip() == "]":
            self._place += 1
            return found
        text, place, scan = self._text, self._place, self._scan
        while True:
            try:
                value, place = scan(text, place)
            except StopIteration:
                raise _UnexpectedError from None
            found.append(value)
            if text[place] not in ",]":
                place = self._behind_blanks(place)
            end = text[place]
            place += 1
            if end == "]":
                self._place = place
                return found
            if end != ",":
                raise _UnexpectedError
            if text[place] in _BLANK:
                place = self._behind_blanks(place)

    def _behind_blanks(self, place: int) -> int:
        match = _BLANKS.match(self._text, place)
        return place if match is None else match.end()

    def _ends(self, end: str) -> bool:
        """Whether the container ends here; else passes the comma."""
        found = self._skip()
        if found not in (end, ","):
            raise _UnexpectedError
        self._place += 1
        return found == end

    def _skip(self) -> str:
        """Pass blanks; returns the character behind them."""
        self._place = self._behind_blanks(self._place)
        return self._text[self._place] if self._place < len(self._text) else ""
