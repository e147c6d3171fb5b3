"""Undoes what spreadsheets do to a number, and knows the words that stand for a missing value."""

import re
from typing import Final

_FORMULA: Final = re.compile("^=? ?[\"'](.*)[\"']$")
_FLOAT: Final = re.compile(r"([0-9]+)\.0*")
_EXPONENT: Final = re.compile(r"([0-9])\.([0-9]+)e\+?([0-9]{1,2})")
_THOUSANDS: Final = re.compile("[0-9]{1,3}(?:,[0-9]{3})+(?:[.]0*)?")

_MISSING: Final = (
    "null nil none nan n/a na #n/a #na #value! #ref! #name? undefined unknown tbd - -- --- . ? x"
    " xxx なし ナシ 無し 無 不明 未定 未登録 未入力 未記入 未設定 未取得 該当なし 該当無し 空欄"
    " 非公開 記載なし 登録なし 情報なし 同上 ー"
)
MISSING: Final = frozenset(_MISSING.split())
"""Folded words of a cell without a value."""


_NO_NAME: Final = (MISSING - {"x", "xxx", "tbd", "同上"}) | {
    "テスト",
    "test",
    "サンプル",
    "sample",
    "ダミー",
    "dummy",
}
NO_NAME: Final = frozenset(
    spelling for word in _NO_NAME for spelling in (word, f"({word})", f"{word}.", f"<{word}>")
)
"""Folded cells without a name: a word for a missing value, alone or in brackets, and test rows."""


def number_of_cell(text: str) -> str:
    """A folded cell without the marks of a spreadsheet; other texts are unchanged.

    A number in scientific notation is restored only where it shows every digit.

    >>> [number_of_cell(text) for text in ("312345678.0", '="0600041"', "'5300001", "5,012,345")]
    ['312345678', '0600041', '5300001', '5012345']
    >>> number_of_cell("3.12345678e+08"), number_of_cell("7.0e+12")
    ('312345678', '7.0e+12')
    """
    if found := _FORMULA.match(text):
        text = found[1]
    text = text.strip(" '\"")
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if found := _FLOAT.fullmatch(text):
        return found[1]
    found = _EXPONENT.fullmatch(text)
    if found and len(found[2]) == int(found[3]):
        return found[1] + found[2]
    return text
