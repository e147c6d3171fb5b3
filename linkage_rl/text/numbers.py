"""Kanji numerals as digits."""

import re
from typing import Final

from linkage_rl.text import _blocks
from linkage_rl.text.code_tables import flags_of
from linkage_rl.text.memory import Remembered

_DIGITS: Final = {char: value for value, char in enumerate("〇一二三四五六七八九")} | {
    "壱": 1,
    "弐": 2,
    "参": 3,
}
_UNITS: Final = {"十": 10, "百": 100, "千": 1000}
_NUMERALS: Final = "".join(_DIGITS) + "".join(_UNITS)
NUMERALS: Final = flags_of(_NUMERALS)
"""Kanji numerals."""

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


def kanji_to_digits(numeral: str) -> str:
    """The number in digits, written by place (一二三) or by unit (百二十三).

    >>> kanji_to_digits("二十一"), kanji_to_digits("一〇五"), kanji_to_digits("千二百")
    ('21', '105', '1200')
    """
    return _REMEMBERED[numeral]


def _read(numeral: str) -> str:
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


_REMEMBERED: Final = Remembered(_read, max_bytes=1 << 20)


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


_TEN: Final = "(?:[二三四五六七八九]?十)"
_ONE: Final = "[一二三四五六七八九]"
_IN_NAME: Final = re.compile(
    f"第({_TEN}{_ONE}?|{_ONE})"
    f"|(?<![〇一二三四五六七八九十百千])([二三四五六七八九]?百{_TEN}?{_ONE}?|{_TEN}{_ONE}?)"
    f"(?![〇一二三四五六七八九十百千万])|({_ONE})(?=号)"
)
NUMERAL_FLAGS: Final = flags_of("第十百号")


def read_numerals(names: list[str]) -> list[str]:
    """Folded names with numbers in digits: 第一 and 第1, 二十四 and 24 are one.

    A single kanji without 第 or 号 is no number (三井, 十河), nor is 一二三, which a company may
    be called beside another called 123.

    >>> read_numerals(["第一丸山", "二十四丸山", "丸山十一号", "三井", "第一三共", "十八"])
    ['第1丸山', '24丸山', '丸山11号', '三井', '第1三共', '十八']
    """
    rows = _blocks.lines_with("\n".join(names), NUMERAL_FLAGS)
    if rows:
        names = list(names)
    for row in rows:
        read = _IN_NAME.sub(_digits_of, names[row])
        # 株式会社十八 and 株式会社18 are two companies: nothing but the number tells them apart.
        names[row] = names[row] if read.isdecimal() else read
    return names


def _digits_of(found: re.Match[str]) -> str:
    if found[1]:
        return "第" + kanji_to_digits(found[1])
    numeral = found[2] or found[3]
    return kanji_to_digits(numeral) if found[3] or len(numeral) > 1 else numeral
