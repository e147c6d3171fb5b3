"""Phone numbers as one string of digits."""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

import phonenumbers

from linkage_rl.text.cells import number_of_cell
from linkage_rl.text.memory import Remembered
from linkage_rl.text.normalise import fold_block, join, split

_REGION: Final = "JP"
_JAPAN: Final = 81
_WRONG_PREFIX: Final = "0081"
_PLAIN: Final = re.compile("0(?!10)[1-9][0-9]{8,9}")
"""Numbers that are canonical as they are; 010 is the international prefix, 00 selects a carrier,
and eight digits after the 0 are a number without its area code."""

_CIRCLED: Final = re.compile("[①-⑳㉑-㉟㊱-㊿❶-❿]")
"""A list number before the phone; folding would join its digits to it."""
_FAX_FIRST: Final = re.compile("^[^0-9]*(?:fax|ファ[ッツ]クス).*?(?=tel|phone|電話)")
_RUN: Final = re.compile(r"(?<![+(])[+(]*+[0-9](?:[-() .+]*+[0-9])*")
"""Digits with nothing but separators between them."""
_GROUP: Final = re.compile(r"\+?[0-9]+")
_WITHOUT_ZERO: Final = re.compile("[1-9][0-9]{8}|(?:[25-9]0|800)[0-9]{7,8}")
"""Numbers that lost their leading 0: nine digits, or ten of a mobile or free one."""
_MOBILE: Final = ("020", "050", "060", "070", "080", "090")
_MAX_LABEL: Final = 3
"""Digits of a list number before the phone: 1) 03-..., TEL1 03-..."""
_LANDLINE: Final = 10

_SEQUENCES: Final = frozenset(("0123456789", "01234567890", "0987654321", "09876543210"))
_ZEROS: Final = "000000"
"""After these the area code is looked up: no subscriber number has only zeros."""
_ONE_DIGIT: Final = re.compile(
    "0([0-9])\\1{9}|0([0-24579])\\2{8}|0[36]([019])\\3{7}|0[5-9]0([019])\\4{7}"
)
"""Numbers of one digit; 03-3333-3333 and 06-6666-6666 may exist."""


def canonical_phones(texts: Sequence[str]) -> list[str]:
    """National digits with the leading 0 for Japan, '+' and E.164 elsewhere, '' if unreadable.

    Of several numbers in a text the first that is one counts; dummy numbers (000-0000-0000) are
    none. `split_phones` gives all of them.

    >>> canonical_phones(["+81 3 (3580) 3311", "０３－３５８０－３３１１ 内線12"])
    ['0335803311', '0335803311']
    >>> canonical_phones(["+1 415 555 2671", "335803311.0", "03-0000-0000"])
    ['+14155552671', '0335803311', '']
    """
    return [numbers[0] if numbers else "" for numbers in split_phones(texts)]


def split_phones(texts: Sequence[str]) -> list[tuple[str, ...]]:
    """All numbers in each text as `canonical_phones` writes them, each once.

    >>> split_phones(["03-3580-3311|03-3580-3312", "代表 03-3580-3311 / 06-6345-0003", ""])
    [('0335803311', '0335803312'), ('0335803311', '0663450003'), ()]
    """
    if not any(texts):
        return [()] * len(texts)
    block = join(texts)
    if _CIRCLED.search(block):
        block = _CIRCLED.sub(" ", block)
    folded = split(fold_block(block), len(texts))
    return [_REMEMBERED[text] if text else () for text in folded]


def _phones(text: str) -> tuple[str, ...]:
    dialled = text.replace("-", "")
    if _PLAIN.fullmatch(dialled) and len(dialled) == _LANDLINE:
        found = [dialled]
    else:
        found = [number for run in _runs(text) for number in _read_run(run)]
    return tuple(number for number in dict.fromkeys(found) if number and not _is_dummy(number))


_REMEMBERED: Final = Remembered(_phones)


def _runs(text: str) -> list[str]:
    text = number_of_cell(text)
    if "fax" in text or "クス" in text:
        text = _FAX_FIRST.sub("", text)
    return _RUN.findall(text)


def _read_run(run: str) -> Iterator[str]:
    """The numbers in a run of digit groups, one after the other."""
    groups = _GROUP.findall(run)
    numbered = len(groups) > 1 and len(groups[0]) <= _MAX_LABEL and groups[0][0] not in "+08"
    # A list number, unless the groups are a number that lost its leading 0 (3-3580-3311).
    if numbered and groups[1][0] in "0+":
        groups = groups[1:]
    while groups:
        used, number = _first_number(groups)
        yield number
        groups = groups[used:]
        if groups and groups[0][0] not in "0+":
            return


def _first_number(groups: list[str]) -> tuple[int, str]:
    """How many groups the first number takes, and that number; '' if it cannot be read."""
    if groups[0].startswith("0") and (first := _domestic(groups)):
        digits = accumulate(map(len, groups))
        return next(row for row, length in enumerate(digits, 1) if length == len(first)), first
    following = next((row for row, group in enumerate(groups) if row and group[0] == "+"), None)
    return following or len(groups), _parse("".join(groups[:following]))


def _domestic(groups: list[str]) -> str:
    """The shortest joined groups that are a Japanese number; what follows is a second number."""
    joined = ""
    for group in groups:
        joined += group
        length = _LANDLINE + (joined[:3] in _MOBILE)
        if len(joined) >= length:
            return joined if len(joined) == length and _PLAIN.fullmatch(joined) else ""
    return ""


def _parse(dialled: str) -> str:
    if dialled.startswith(_WRONG_PREFIX):
        dialled = "+" + dialled.lstrip("0")
    if dialled[0] not in "+0" and not (
        dialled.startswith(str(_JAPAN)) or _WITHOUT_ZERO.fullmatch(dialled)
    ):
        return ""
    try:
        number = phonenumbers.parse(dialled, _REGION)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    if number.country_code == _JAPAN:
        phone = "0" + phonenumbers.national_significant_number(number)
        return phone if _PLAIN.fullmatch(phone) else ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_dummy(phone: str) -> bool:
    """Whether a number only fills the cell: one digit repeated, a sequence, no subscriber."""
    if phone in _SEQUENCES or _ONE_DIGIT.fullmatch(phone):
        return True
    if not phone.endswith(_ZEROS) or phone.startswith("+"):
        return False
    number = phonenumbers.parse(phone, _REGION)
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return not written.partition("-")[2].strip("-0") or not phonenumbers.is_valid_number(number)
