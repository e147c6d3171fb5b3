"""Postal codes of Japan as seven digits."""

import re
from collections.abc import Sequence
from typing import Final

from linkage_rl.text.cells import number_of_cell
from linkage_rl.text.memory import MAX_BYTES, Remembered
from linkage_rl.text.normalise import fold_block, join

_FOLDED: Final = re.compile("[0-9\n-]*+")
"""Codes that folding leaves as they are."""
_PLAIN: Final = re.compile("([0-9]{3})-?([0-9]{4})")
_LABELLED: Final = re.compile(
    "(?<![0-9])(?<![0-9]-)([0-9]{3})(?: ?[-_.=/~] ?| )?([0-9]{4})(?![-0-9])"
)
_SPACED: Final = re.compile("[ -]")
_DIGITS: Final = re.compile("[0-9]{5,7}")
_LENGTH: Final = 7
_DUMMIES: Final = frozenset((*(str(digit) * _LENGTH for digit in range(10)), "1234567"))


def canonical_postal_codes(texts: Sequence[str]) -> list[str]:
    """Seven digits each, one or two lost leading zeros restored; '' where there is no code.

    Codes that only fill the cell (000-0000, 999-9999, 123-4567) are none.

    >>> canonical_postal_codes(["〒100-0013", "１０００００１", "600041.0", "999-9999", "Tokyo"])
    ['1000013', '1000001', '0600041', '', '']
    """
    if not any(texts):
        return [""] * len(texts)
    block = join(texts)
    if not _FOLDED.fullmatch(block):
        block = fold_block(block)
    return [_REMEMBERED[text] if text else "" for text in block.split("\n")]


def _canonical(text: str) -> str:
    found = _PLAIN.fullmatch(text) or _LABELLED.search(text)
    code = found[1] + found[2] if found else _restored(text)
    return "" if code in _DUMMIES or code.startswith("000") else code


# room for every code of Japan
_REMEMBERED: Final = Remembered(_canonical, 2 * MAX_BYTES)


def _restored(text: str) -> str:
    """The code of a cell that a spreadsheet took for a number, or typed with spaces."""
    code = _SPACED.sub("", number_of_cell(text.strip("〒() ")))
    return code.zfill(_LENGTH) if _DIGITS.fullmatch(code) else ""
