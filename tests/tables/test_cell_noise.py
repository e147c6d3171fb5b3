"""Damaged and shared cells."""

import re
from collections import Counter

import numpy as np
import pytest

from linkage_rl.tables.cell_noise import (
    CELL_KINDS,
    DIGITS,
    IDENTIFIERS,
    SHARED_KINDS,
    call_centres,
    filling,
    portals,
)
from linkage_rl.text.urls import SHARED_HOSTS

OTARU = {"phone": "0134-22-7651", "postal_code": "047-0032", "corporate_number": "5430001048276"}


def drawn(kind: str, record: dict[str, str]) -> set[tuple[str, str]]:
    """Fields and texts that a kind makes of the record."""
    rng = np.random.default_rng(0)
    return {item for _ in range(80) for item in CELL_KINDS[kind](record, rng).items()}


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("as_float", {"134227651.0", "470032.0", "5430001048276.0"}),
        ("leading_zeros_lost", {"134227651", "470032", "5430001048276"}),
        ("exponent", {"1.34228E+08", "4.70032E+05", "5.43000E+12"}),
        ("thousands", {"134,227,651", "470,032", "5,430,001,048,276"}),
    ],
)
def test_spreadsheets_read_digits_as_numbers(kind: str, cells: set[str]) -> None:
    assert {text for _, text in drawn(kind, OTARU)} == cells
    assert {field for field, _ in drawn(kind, OTARU)} == set(DIGITS)


def test_a_formula_keeps_the_text() -> None:
    assert {("phone", '="0134-22-7651"'), ("postal_code", "'047-0032")} < drawn("formula", OTARU)


def test_an_invoice_number_is_a_letter_and_the_corporate_number() -> None:
    texts = {text for _, text in drawn("invoice_number", OTARU)}

    assert texts == {"T5430001048276", "T-5430001048276", "Ｔ5430001048276"}


@pytest.mark.parametrize("kind", ["several_phones", "extension"])
def test_the_number_of_the_company_comes_first(kind: str) -> None:
    texts = [text for _, text in drawn(kind, OTARU)]

    assert len(texts) > 5
    assert all(re.search("[0-9-]{10,}", text)[0] == "0134-22-7651" for text in texts)  # type: ignore[index]


@pytest.mark.parametrize("kind", CELL_KINDS)
def test_nothing_happens_to_empty_cells(kind: str) -> None:
    assert drawn(kind, {"phone": "", "name": "小樽"}) == set()


@pytest.mark.parametrize("kind", SHARED_KINDS)
def test_shared_values_fill_empty_identifiers_only(kind: str) -> None:
    rng, full = np.random.default_rng(0), dict.fromkeys(IDENTIFIERS, "known")

    filled = [SHARED_KINDS[kind]({}, rng) for _ in range(40)]

    assert SHARED_KINDS[kind](full, rng) == {}
    assert {len(fields) for fields in filled} == {1}
    assert {field for fields in filled for field in fields} <= set(IDENTIFIERS)
    assert len({text for fields in filled for text in fields.values()}) > 2


def test_a_few_of_the_values_are_shared_by_many() -> None:
    rng, fill = np.random.default_rng(0), filling(("phone",), call_centres(50, seed=3))

    counts = Counter(fill({}, rng)["phone"] for _ in range(2_000))

    assert 0.2 < counts.most_common(1)[0][1] / 2_000 < 0.35
    assert len(counts) == 50


def test_portals_and_call_centres_are_made_up_and_follow_the_seed() -> None:
    hosts = [url.split("/")[2].removeprefix("www.") for url in portals(50, seed=1)]

    assert len(set(hosts)) == 50
    assert not SHARED_HOSTS & set(hosts)
    assert portals(50, seed=1) == portals(50, seed=1) != portals(50, seed=2)
    assert all(re.fullmatch("0[0-9]+-[0-9]+-[0-9]+", phone) for phone in call_centres(50, seed=1))
