"""Kanji numerals as digits."""

import re
from functools import lru_cache
from typing import Final

_DIGITS: Final = {char: value for value, char in enumerate("〇一二三四五六七八九")} | {
    "壱": 1,
    "弐": 2,
    "参": 3,
}
_UNITS: Final = {"十": 10, "百": 100, "千": 1000}
_NUMERALS: Final = "".join(_DIGITS) + "".join(_UNITS)

# 麻布十番1丁目 is a town; 二の丸 and 一号線 are not lot numbers either.
_END: Final = "(?=$|[-号番の ])"
_TOWN: Final = f"[0-9{_NUMERALS}]+丁目|[0-9]+-[0-9]+-"
# The first numeral comes before its look-behinds, so that the scan skips all other characters.
KANJI_NUMBER: Final = re.compile(
    f"[{_NUMERALS}](?:"
    f"(?<!麻布.)[{_NUMERALS}]{{0,11}}"
    f"(?=丁目|番地|番(?!{_TOWN})|号(?!線)|条|線|地割|[-のノ][0-9{_NUMERALS}])"
    f"|(?:(?<=[-0-9].)|(?<=[0-9{_NUMERALS}][のノ].)|(?<=番地.)|(?<=番地の.)|(?<=丁目.))"
    f"[{_NUMERALS}]{{0,11}}{_END})",
    re.MULTILINE,
)
"""Kanji numerals that number something: before 丁目, 番地, 番, 号, 条, 線, 地割, at hyphens."""


@lru_cache(maxsize=4096)
def kanji_to_digits(numeral: str) -> str:
    """The number in digits, written by place (一二三) or by unit (百二十三).

    >>> kanji_to_digits("二十一"), kanji_to_digits("一〇五"), kanji_to_digits("千二百")
    ('21', '105', '1200')
    """
    if not any(char in _UNITS for char in numeral):
        return "".join(str(_DIGITS[char]) for char in numeral)
    total = digit = 0
    for char in numeral:
        if char in _UNITS:
            total += max(digit, 1) * _UNITS[char]
            digit = 0
        else:
            digit = digit * 10 + _DIGITS[char]
    return str(total + digit)


def digits_to_kanji(digits: str) -> str:
    """A number below 1,000 in kanji, by unit.

    >>> digits_to_kanji("16"), digits_to_kanji("20"), digits_to_kanji("105")
    ('十六', '二十', '百五')
    """
    text = ""
    for unit, digit in zip(("", "十", "百"), reversed(digits), strict=False):
        if digit != "0":
            text = (
                ("" if digit == "1" and unit else "〇一二三四五六七八九"[int(digit)]) + unit + text
            )
    return text or "〇"
