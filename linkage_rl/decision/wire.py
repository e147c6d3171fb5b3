"""Reads protobuf messages of a known form, and refuses everything else.

The library onnxruntime parses a file before anyone can look at it; this reader looks first. It
needs no schema compiler, goes no deeper than its caller does, and stops after a number of entries,
so that no file can make it slow or large.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types; the two of groups are refused with all others."""
_FIXED: Final = {FIXED64: 8, FIXED32: 4}
_MAX_ENTRIES: Final = 200_000
"""Of a file: about a second. The policy of the sample has 1,000."""

NUMBER, TEXT, NUMBERS, FLOATS, TEXTS = "number", "text", "numbers", "floats", "texts"
"""Kinds of fields: an integer or float, bytes or a message, and any number of these. Floats are
counted and never read."""
_WIRE_TYPES: Final = {
    NUMBER: (VARINT, FIXED32),
    TEXT: (BYTES,),
    NUMBERS: (VARINT, BYTES),
    FLOATS: (FIXED32, FIXED64, BYTES),
    TEXTS: (BYTES,),
}

Value = int | memoryview
Fields = Mapping[int, Sequence[Value]]
"""The values of each field number of a message, in the order of the file."""


class WireError(ValueError):
    """The bytes are no message of the expected form; the text is the end of a sentence."""


class Reader:
    """Reads the messages of one file."""

    def __init__(self) -> None:
        self._left = _MAX_ENTRIES

    def message(self, data: memoryview, kinds: Mapping[int, str]) -> Fields:
        """The fields of a message.

        Args:
            data: Its bytes.
            kinds: Each field number that may occur to its kind.

        Raises:
            WireError: The bytes are no message, or a field is another one, of another kind, or
                given twice.
        """
        fields: dict[int, list[Value]] = {}
        for number, wire_type, value in _entries(data):
            self._count(1)
            kind = kinds.get(number)
            if kind is None or wire_type not in _WIRE_TYPES[kind]:
                raise WireError(f"got a field {number} that its messages do not have")
            held = fields.setdefault(number, [])
            if held and kind in (NUMBER, TEXT):
                raise WireError(f"got field {number} of a message twice")
            if kind == NUMBERS and isinstance(value, memoryview):
                held += self._unpacked(value)
            else:
                held.append(value)
        return fields

    def _unpacked(self, data: memoryview) -> Iterator[int]:
        at = 0
        while at < len(data):
            self._count(1)
            value, at = _varint(data, at)
            yield value

    def _count(self, entries: int) -> None:
        self._left -= entries
        if self._left < 0:
            raise WireError(f"it has more than {_MAX_ENTRIES} entries")


def number_in(fields: Fields, number: int, default: int = 0) -> int:
    """A field that is a number and may be absent."""
    value = fields.get(number, (default,))[0]
    return value if isinstance(value, int) else default


def text_in(fields: Fields, number: int) -> str:
    """A field that is a text; '' where absent."""
    return "".join(texts_in(fields, number))


def texts_in(fields: Fields, number: int) -> list[str]:
    """A field that is any number of texts."""
    try:
        return [str(value, "utf-8") for value in messages_in(fields, number)]
    except UnicodeDecodeError:
        raise WireError("got a name that is not UTF-8") from None


def messages_in(fields: Fields, number: int) -> list[memoryview]:
    """A field that is any number of messages or bytes."""
    return [value for value in fields.get(number, ()) if isinstance(value, memoryview)]


def numbers_in(fields: Fields, number: int) -> list[int]:
    """A field that is any number of signed integers."""
    values = [value for value in fields.get(number, ()) if isinstance(value, int)]
    return [value - (1 << 64) if value >> 63 else value for value in values]


def count_floats(fields: Fields, number: int, size: int) -> int:
    """How many floats of this many bytes a field holds."""
    values = fields.get(number, ())
    return sum(len(value) // size if isinstance(value, memoryview) else 1 for value in values)


def _entries(data: memoryview) -> Iterator[tuple[int, int, Value]]:
    """Field number, wire type and value of each entry of a message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire_type = key >> 3, key & 7
        if wire_type == VARINT:
            value, at = _varint(data, at)
            yield number, wire_type, value
            continue
        if wire_type == BYTES:
            size, at = _varint(data, at)
        elif wire_type in _FIXED:
            size = _FIXED[wire_type]
        else:
            raise WireError(f"got wire type {wire_type}")
        if size > len(data) - at:
            raise WireError("it ends within a message")
        content = data[at : at + size]
        at += size
        yield (
            number,
            wire_type,
            content if wire_type == BYTES else int.from_bytes(content, "little"),
        )


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """A number of 64 bits at a position, and the position after it."""
    value = 0
    for place in range(10):
        if at + place >= len(data):
            raise WireError("it ends within a number")
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value & ((1 << 64) - 1), at + place + 1
    raise WireError("got a number of more than 64 bits")
