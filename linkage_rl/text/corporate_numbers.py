"""Corporate numbers (法人番号): thirteen digits, the first one checks the other twelve."""

from collections.abc import Sequence
from typing import Final

from linkage_rl.text.normalise import fold

_LENGTH: Final = 13
_WEIGHTS: Final = (2, 1) * 6


def is_valid_corporate_number(text: str) -> bool:
    """True for thirteen plain digits whose check digit is right.

    Check digit = 9 - (sum of P_n Q_n mod 9): P_n is the n-th digit from the right of the twelve,
    Q_n is 1 for odd n and 2 for even n (財務省令第70号, 2014, article 2).

    >>> is_valid_corporate_number("7000012050002"), is_valid_corporate_number("7000012050003")
    (True, False)
    """
    if len(text) != _LENGTH or not (text.isascii() and text.isdigit()):
        return False
    weighted = sum(int(digit) * weight for digit, weight in zip(text[1:], _WEIGHTS, strict=True))
    return int(text[0]) == 9 - weighted % 9


def canonical_corporate_numbers(texts: Sequence[str]) -> list[str]:
    """Thirteen digits each, without width, hyphens and spaces; '' where the number is wrong."""
    if not any(texts):
        return [""] * len(texts)
    numbers = [text.replace("-", "").replace(" ", "").lstrip("t") for text in fold(texts)]
    return [number if is_valid_corporate_number(number) else "" for number in numbers]
