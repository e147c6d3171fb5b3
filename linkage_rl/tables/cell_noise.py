"""Cells of phones, postal codes, numbers and URLs: damaged by spreadsheets, shared, or dummies.

Each kind is a function of a record and a random generator; it returns the fields that it changes,
none where it does not apply.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np

from linkage_rl.tables.spelling_noise import Change, Fields, one_of
from linkage_rl.tables.vocabulary import romanised, vocabulary

DIGITS: Final = ("phone", "postal_code", "corporate_number")
"""Fields that hold digits."""
IDENTIFIERS: Final = ("url", "phone", "corporate_number", "name_kana")
"""Fields that people fill with a dummy where they know nothing."""


def as_float(record: Fields, rng: np.random.Generator) -> Fields:
    """Digits read as a number and written with a decimal: 312345678.0."""
    return _of_digits(record, rng, lambda digits: f"{int(digits)}.0")


def leading_zeros_lost(record: Fields, rng: np.random.Generator) -> Fields:
    """Digits read as a number: 312345678."""
    return _of_digits(record, rng, lambda digits: str(int(digits)))


def exponent(record: Fields, rng: np.random.Generator) -> Fields:
    """Digits as a spreadsheet shows long numbers: 6.00041E+05; of long ones the end is lost."""
    return _of_digits(record, rng, lambda digits: f"{int(digits):.5E}")


def thousands(record: Fields, rng: np.random.Generator) -> Fields:
    """Digits read as a number and written with commas: 7,000,012,050,002."""
    return _of_digits(record, rng, lambda digits: f"{int(digits):,}")


def formula(record: Fields, rng: np.random.Generator) -> Fields:
    """A formula or an apostrophe that keeps a spreadsheet from reading a number: ="03-1234"."""
    known = [field for field in DIGITS if record.get(field)]
    if not known:
        return {}
    field = one_of(known, rng)
    return {field: one_of((f'="{record[field]}"', f"'{record[field]}"), rng)}


def invoice_number(record: Fields, rng: np.random.Generator) -> Fields:
    """The registration number of an invoice in place of the corporate number: T and 13 digits."""
    number = record.get("corporate_number", "")
    return (
        {"corporate_number": one_of((f"T{number}", f"T-{number}", f"Ｔ{number}"), rng)}
        if number
        else {}
    )


def several_phones(record: Fields, rng: np.random.Generator) -> Fields:
    """More than one telephone number in the cell; the first is the company's."""
    phone = record.get("phone", "")
    if not phone:
        return {}
    drawn = int(rng.integers(10**8))
    other = f"090-{drawn // 10**4:04}-{drawn % 10**4:04}"
    ways = (
        *(f"{phone} / {other}", f"{phone}、{other}", f"{phone}\n{other}", f"{phone}　{other}"),
        *(f"TEL {phone} 携帯 {other}", f"{phone}({other})"),
    )
    return {"phone": one_of(ways, rng)}


def extension(record: Fields, rng: np.random.Generator) -> Fields:
    """An extension or a label in the cell of the telephone number."""
    phone, number = record.get("phone", ""), int(rng.integers(10, 9999))
    ways = (
        *(f"{phone} 内線{number}", f"{phone}（内{number}）", f"{phone} ext.{number}"),
        *(f"{phone}（代）", f"TEL：{phone}", f"電話 {phone}", f"{phone}(代表)"),
    )
    return {"phone": one_of(ways, rng)} if phone else {}


def _of_digits(record: Fields, rng: np.random.Generator, rewrite: Callable[[str], str]) -> Fields:
    """One of the fields of digits after it was rewritten."""
    known = {field: re.sub("[^0-9]", "", record.get(field, "")) for field in DIGITS}
    fields = [field for field, digits in known.items() if digits]
    if not fields:
        return {}
    field = one_of(fields, rng)
    return {field: rewrite(known[field])}


CELL_KINDS: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "as_float": as_float,
        "leading_zeros_lost": leading_zeros_lost,
        "exponent": exponent,
        "thousands": thousands,
        "formula": formula,
        "invoice_number": invoice_number,
        "several_phones": several_phones,
        "extension": extension,
    }
)
"""Kind of damage of a cell to what it does."""


def filling(fields: Sequence[str], values: Sequence[str]) -> Change:
    """A change that fills one of these fields, where it is empty, with one of these values.

    Args:
        fields: Tried in random order.
        values: The first are drawn most often: of 50, the first takes a quarter.
    """

    def fill(record: Fields, rng: np.random.Generator) -> Fields:
        empty = [field for field in fields if not record.get(field)]
        if not empty:
            return {}
        return {one_of(empty, rng): values[int(rng.random() ** 3 * len(values))]}

    return fill


def portals(count: int, seed: int) -> tuple[str, ...]:
    """URLs on made-up portals, each to be shared by many companies; on no list of known hosts."""
    rng = np.random.default_rng(seed)
    words = [one_of(vocabulary()["kata"].readings, rng) for _ in range(count)]
    tails = ("-navi.jp", "-job.com", "-town.net", "-portal.co.jp", "guide.com")
    return tuple(
        f"https://www.{word}{number}{one_of(tails, rng)}/"
        for number, word in enumerate(romanised(words))
    )


def portal_page(record: Fields, rng: np.random.Generator) -> Fields:
    """The company's page on a portal where its own URL is not known, or the portal alone."""
    if record.get("url"):
        return {}
    host = PORTALS[int(rng.random() ** 3 * len(PORTALS))]
    page = romanised([one_of(vocabulary()["kata"].readings, rng)])[0]
    below = host.replace("www.", f"{page}.")
    return {"url": one_of((host, f"{host}{page}/", f"{host}shop/{page}", below), rng)}


def call_centres(count: int, seed: int) -> tuple[str, ...]:
    """Telephone numbers that look like any other, each to be shared by many companies."""
    drawn = np.random.default_rng(seed).integers(10**6, 10**7, (count, 2)).tolist()
    return tuple(
        f"0{(3, 6)[first % 2]}-{3000 + first % 6000}-{second % 10**4:04}"
        if first % 3
        else f"0120-{first % 900 + 100}-{second % 1000:03}"
        for first, second in drawn
    )


PORTALS: Final = portals(50, seed=0)
DUMMY_PHONES: Final = ("000-0000-0000", "0120-000-000", "03-0000-0000", "00-0000-0000")
DUMMY_NUMBERS: Final = ("9999999999999", "0000000000000", "1234567890123")
MISSING_WORDS: Final = ("なし", "NULL", "不明", "N/A", "-", "未登録", "無し", "該当なし")
PUBLIC_PAGES: Final = (
    "https://www.facebook.com/",
    "https://www.instagram.com/",
    "https://ameblo.jp/",
    "https://twitter.com/",
)
FREE_MAIL: Final = ("info@gmail.com", "shop@yahoo.co.jp", "kaisha@gmail.com", "mail@icloud.com")
UNKNOWN_KANA: Final = (
    "フメイ",
    "カイシャ",
    "ミトウロク",
    "トリヒキサキ",
    "オキャクサマ",
    "カナ",
    "テスト",
)

SHARED_KINDS: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "public_page": filling(("url",), PUBLIC_PAGES),
        "free_mail": filling(("url",), FREE_MAIL),
        "portal": portal_page,
        "call_centre": filling(("phone",), call_centres(50, seed=0)),
        "dummy_phone": filling(("phone",), DUMMY_PHONES),
        "dummy_number": filling(("corporate_number",), DUMMY_NUMBERS),
        "unknown_kana": filling(("name_kana",), UNKNOWN_KANA),
        "missing_word": filling(IDENTIFIERS, MISSING_WORDS),
    }
)
"""Kind of shared value in an empty identifier to what fills it."""
