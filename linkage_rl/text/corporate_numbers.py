"""Corporate numbers (法人番号): thirteen digits, of which the first is a check digit."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.text import _blocks
from linkage_rl.text.cells import number_of_cell
from linkage_rl.text.normalise import fold_block, join, split

_DIGITS: Final = re.compile("(?<![0-9])[0-9](?:[-,. ]?[0-9]){12}(?![0-9]|[-,.][0-9])")
_SEPARATORS: Final = re.compile("[-,. ]")
_DUMMIES: Final = frozenset(("9" * 13, "9" + "0" * 12))


def are_valid_corporate_numbers(texts: Sequence[str]) -> NDArray[np.bool_]:
    """True for thirteen plain digits whose check digit is right; shape (N,).

    Check digit = 9 - (sum of P_n Q_n mod 9): P_n is the n-th digit from the right of the twelve,
    Q_n is 1 for odd n and 2 for even n (財務省令第70号, 2014, article 2).

    >>> are_valid_corporate_numbers(["7000012050002", "7000012050003"])
    array([ True, False])
    """
    valid: NDArray[np.bool_] = _blocks.have_check_digits(texts).view(np.bool_)
    return valid


def canonical_corporate_numbers(texts: Sequence[str]) -> list[str]:
    """Thirteen digits each, without labels and separators; '' where the number is wrong.

    9999999999999 and 9000000000000 have a right check digit, but only fill the cell.

    >>> canonical_corporate_numbers(["T7000012050002", "法人番号：7000-01-205-0002", "9" * 13])
    ['7000012050002', '7000012050002', '']
    """
    if not any(texts):
        return [""] * len(texts)
    numbers = list(texts)
    valid = are_valid_corporate_numbers(numbers).tolist()
    rows = [row for row, right in enumerate(valid) if not right and numbers[row]]
    folded = split(fold_block(join([numbers[row] for row in rows])), len(rows))
    repaired = [_found_in(text) for text in folded]
    right = are_valid_corporate_numbers(repaired).tolist()
    for row, number, is_right in zip(rows, repaired, right, strict=True):
        numbers[row] = number if is_right else ""
    return ["" if number in _DUMMIES else number for number in numbers]


def _found_in(text: str) -> str:
    """The thirteen digits in a labelled or damaged cell."""
    found = _DIGITS.search(number_of_cell(text)) if text else None
    return _SEPARATORS.sub("", found[0]) if found else ""
