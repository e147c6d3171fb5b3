"""Phone numbers as one string of digits."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import phonenumbers

from linkage_rl.text.normalise import fold

_REGION: Final = "JP"
_JAPAN: Final = 81
_EXTENSION: Final = re.compile("(?:内線|代表|代|ext|#|x)[^0-9+]*[0-9]*.*$|\\(代表?\\)")
_SEPARATOR: Final = re.compile("[^0-9+]+")
_TOO_SHORT: Final = 6


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
    dialled = _SEPARATOR.sub("", _EXTENSION.sub("", text))
    if len(dialled) < _TOO_SHORT:
        return ""
    try:
        number = phonenumbers.parse(dialled, _REGION)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    if number.country_code == _JAPAN:
        return "0" + phonenumbers.national_significant_number(number)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
