"""Reads values of environment variables, and says which one is wrong and why.

Standard library only, as `settings.py`.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

_T = TypeVar("_T")


class SettingError(Exception):
    """An environment variable has a value that the server cannot start with."""


def read_variable(
    environ: Mapping[str, str], name: str, parse: Callable[[str], _T], default: _T
) -> _T:
    """The value of a variable, `default` where it is not set or empty.

    Raises:
        SettingError: `parse` has refused it with a ValueError; the message names the variable.
    """
    text = environ.get(name, "").rstrip("\r\n")
    if not text:
        return default
    try:
        return parse(text)
    except ValueError as error:
        raise SettingError(f"{name}: {error}, got {text[:200]!r}; fix the variable") from None


def whole_number(maximum: int | None, minimum: int = 1) -> Callable[[str], int]:
    """Reads whole numbers from `minimum` on."""
    expected = f"from {minimum} to {maximum}" if maximum else f"of {minimum} or more"

    def parse(text: str) -> int:
        # the length first, since Python refuses to read thousands of digits
        if not text.isdecimal() or len(text) > 18:
            raise ValueError(f"expected a whole number {expected}")
        if int(text) < minimum or (maximum and int(text) > maximum):
            raise ValueError(f"expected a whole number {expected}")
        return int(text)

    return parse


def column_names(text: str) -> tuple[str, ...]:
    """Names between commas; an empty one stands for a column, too."""
    return tuple(name.strip() for name in text.split(",")) if text.strip(" ,") else ()


def positive(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError("expected a number above 0")
    return value


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ValueError("expected a number from 0 to 1")
    return value


def switch(text: str) -> bool:
    """Whether it is true."""
    known = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in known:
        raise ValueError("expected true or false")
    return known[text.lower()]
