"""Values of a client: JSON texts, numbers and empty values, read as texts."""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

MAX_FIELD_LENGTH: Final = 1000
"""Characters that one field of a client may have."""
_MAX_EXACT: Final = 1 << 53
"""Above it, whole numbers that are held as floats have lost digits."""


class InvalidValueError(ValueError):
    """A value cannot be read; the text says what was expected and what came."""


class JsonNumber:
    """A number with a fraction or an exponent, or with very many digits, as the caller wrote it.

    Kept as text, since a float would change the ids 1.0 and 12345678901234567890.0.
    """

    __slots__ = ("literal",)

    def __init__(self, literal: str) -> None:
        """Keep a number.

        Args:
            literal: Its characters, such as `8381505.0` or `5.4e12`.
        """
        self.literal = literal

    def __repr__(self) -> str:
        return f"JsonNumber({self.literal[:40]!r})"


def read_text(name: str, value: Any) -> str:
    """A value as text; '' where it is missing, which null and NaN are, too.

    A number stands for its digits, as spreadsheets and data frames write postal codes and phone
    numbers; that of an id stays as the caller has written it.

    Args:
        name: The field.
        value: What JSON has for it.

    Raises:
        InvalidValueError: It is neither text nor number, or too long.

    >>> read_text("phone", 312345678), read_text("postal_code", JsonNumber("8381505.0"))
    ('312345678', '8381505')
    >>> read_text("client_id", JsonNumber("2.0")), read_text("phone", float("nan"))
    ('2.0', '')
    """
    # NaN is the one value that is not equal to itself
    if value is None or value != value:
        return ""
    reader = _READERS.get(type(value))
    if reader is None:
        raise InvalidValueError(f"expected text in {name!r}, got {describe(value)}")
    text = reader(name, value)
    if len(text) > MAX_FIELD_LENGTH:
        raise InvalidValueError(
            f"expected at most {MAX_FIELD_LENGTH} characters in {name!r}, got {len(text)}"
        )
    return text


def describe(value: object) -> str:
    """A value for a message: short texts themselves, else the kind of value."""
    if isinstance(value, str):
        return repr(shorten(value))
    kinds = {
        type(None): "null",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        JsonNumber: "a number",
        list: "a list",
        dict: "an object",
    }
    return kinds.get(type(value), type(value).__name__)


def shorten(text: str) -> str:
    """The text, or its first 40 characters."""
    return text if len(text) <= 40 else f"{text[:40]}..."


def _of_number(name: str, literal: str) -> str:
    """A number in plain digits, 5.4e3 as '5400' and 12.50 as '12.5'; that of an id as it is."""
    if name == "client_id":
        return literal
    number = float(literal)
    if math.isinf(number):
        raise InvalidValueError(f"expected text or a number of few digits in {name!r}, got more")
    if not number.is_integer():
        return repr(number)
    if abs(number) < _MAX_EXACT:
        return str(int(number))
    return str(int(Decimal(literal)))


def _of_float(name: str, number: float) -> str:
    if math.isinf(number):
        raise InvalidValueError(f"expected text or a finite number in {name!r}, got {number}")
    return _of_number(name, repr(number))


_READERS: Final[Mapping[type, Callable[[str, Any], str]]] = {
    str: lambda _, text: str(text),
    int: lambda _, number: str(number),
    float: _of_float,
    JsonNumber: lambda name, number: _of_number(name, number.literal),
}
"""Type of a value to what reads it, given the name of its field."""
