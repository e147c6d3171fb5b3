"""Phone numbers as one string of digits."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import phonenumbers

from linkage_rl.text.normalise import fold

_REGION: Final = "JP"
_JAPAN: Final = 81
_WRONG_PREFIX: Final = "0081"
_SURROUNDINGS: Final = re.compile(
    "(?<=[0-9]) *(?:[/,;~]|fax|内線|代表|ext|#|x|\\(代).*$|^[^0-9+(]+"
)
"""What follows the first number (a second number, an extension), and words before it."""
_SEPARATOR: Final = re.compile("[^0-9+]+")
_NATIONAL_LENGTHS: Final = (9, 10)
"""Digits after the leading 0; eight of them are a number without its area code."""
_PLAIN: Final = re.compile("0(?!10)[1-9][0-9]{8,9}")
"""Numbers that are canonical as they are; 010 is the international prefix, 00 selects a carrier."""


def canonical_phones(texts: Sequence[str]) -> list[str]:
    """National digits with the leading 0 for Japan, '+' and E.164 elsewhere, '' if unreadable.

    >>> canonical_phones(["+81 3 (3580) 3311", "０３－３５８０－３３１１ 内線12"])
    ['0335803311', '0335803311']
    >>> canonical_phones(["+1 415 555 2671"])
    ['+14155552671']
    """
    if not any(texts):
        return [""] * len(texts)
    return [_canonical_phone(text) if text else "" for text in fold(texts)]


@lru_cache(maxsize=262_144)
def _canonical_phone(text: str) -> str:
    dialled = _SEPARATOR.sub("", _SURROUNDINGS.sub("", text))
    if _PLAIN.fullmatch(dialled):
        return dialled
    if dialled.startswith(_WRONG_PREFIX):
        dialled = "+" + dialled.lstrip("0")
    try:
        number = phonenumbers.parse(dialled, _REGION)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    if number.country_code == _JAPAN:
        national = phonenumbers.national_significant_number(number)
        return "0" + national if len(national) in _NATIONAL_LENGTHS else ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
