"""Noise of names, addresses and cells in Latin script."""

from collections.abc import Callable

import numpy as np
import pytest

from linkage_rl.records import FIELDS, RecordBatch
from linkage_rl.tables.corrupt import DIRT, NoiseRates, corrupt
from linkage_rl.tables.latin_address import (
    latin_phone,
    latin_postal_code,
    street_rewritten,
)
from linkage_rl.tables.latin_dirt import LATIN_DIRT
from linkage_rl.tables.latin_forms import change_latin_form, cut_latin_form, is_latin
from linkage_rl.tables.latin_noise import (
    LATIN_CHANGES,
    Rewrite,
    abbreviated,
    in_other_case,
    mistyped,
    reordered,
    spaced_otherwise,
    without_marks,
    word_dropped,
)
from linkage_rl.tables.spelling_noise import core_of, shorten_form

NAMES = (
    *("Acme Widgets, Inc.", "Müller & Söhne GmbH", "The International Manufacturing Company"),
    *("ACME HOLDINGS PLC", "Société Générale S.A.", "Johnson Brothers", "eBay", "X", "3M"),
    *("Kowalski Sp. z o.o. (UK)", "ＦＴＯＥ　Ｄｒｅａｍｓ", "Газпром", "A&B Co., Ltd.", "Ø"),
)
ACME = {
    "name": "Acme Widgets, Inc.",
    "name_kana": "",
    "name_en": "",
    "postal_code": "62701-1234",
    "prefecture": "IL",
    "city": "Springfield",
    "street": "12 North Main Street, Suite 400",
    "phone": "(217) 555-0123",
    "url": "https://www.acme.com/",
    "corporate_number": "",
    "former_names": "",
}
AS_IT_IS = {
    **dict.fromkeys(("moved", "city_only", "rewritten", "building_dropped"), 0.0),
    **dict.fromkeys(("prefecture_dropped", "wrong_phone", "name_only", *DIRT), 0.0),
    **dict.fromkeys(("address", "postal_code", "phone", "url", "corporate_number"), 1.0),
}


def drawn(change: Rewrite, text: str, count: int = 300) -> set[str]:
    """The texts that a change makes of a text."""
    rng = np.random.default_rng(0)
    return {change(text, rng) for _ in range(count)}


def clients(record: dict[str, str] = ACME, rates: dict[str, float] | None = None) -> RecordBatch:
    batch = RecordBatch(
        [str(row) for row in range(300)],
        {field: [record.get(field, "")] * 300 for field in FIELDS},
    )
    noise = NoiseRates(**(AS_IT_IS | (rates or {})))
    return corrupt(batch, batch, noise, np.random.default_rng(0))[0]


@pytest.mark.parametrize(
    ("text", "latin"),
    [("Müller", True), ("山田", False), ("ACE㈱", False), ("ﾔﾏﾀﾞ", False), ("ＡＣＥ", True)],
)
def test_kana_kanji_and_japanese_signs_are_not_latin(text: str, latin: bool) -> None:
    assert is_latin(text) == latin


@pytest.mark.parametrize(
    ("name", "core", "form", "remark"),
    [
        ("Acme Widgets, Inc.", "Acme Widgets", "Inc.", ""),
        ("Acme Co., Ltd.", "Acme", "Co., Ltd.", ""),
        ("Kowalski Sp. z o. o. (UK)", "Kowalski", "Sp. z o. o.", " (UK)"),
        ("Meyer GmbH & Co. KG", "Meyer", "GmbH & Co. KG", ""),
        ("Johnson Brothers", "Johnson Brothers", "", ""),
        ("Limited", "Limited", "", ""),
        ("", "", "", ""),
    ],
)
def test_a_name_is_cut_at_its_legal_form(name: str, core: str, form: str, remark: str) -> None:
    parts = cut_latin_form(name)

    assert (parts.core, parts.form, parts.remark) == (core, form, remark)


def test_a_legal_form_is_left_out_abbreviated_or_spelled_out_with_or_without_a_comma() -> None:
    assert drawn(change_latin_form, "Acme, Inc.") == {
        *("Acme", "Acme Inc", "Acme, Inc", "Acme Incorporated", "Acme, Incorporated"),
    }
    assert "ACME LIMITED" in drawn(change_latin_form, "ACME LTD")


def test_a_name_without_legal_form_gets_one() -> None:
    assert {"eBay Inc.", "eBay, Ltd"} <= drawn(change_latin_form, "eBay")


def test_the_functions_of_japanese_names_know_latin_legal_forms() -> None:
    assert core_of("Acme Widgets, Inc.") == "Acme Widgets"
    assert "Acme Widgets" in drawn(shorten_form, "Acme Widgets, Inc.")
    assert drawn(shorten_form, "eBay") == {"eBay"}


@pytest.mark.parametrize(
    ("change", "text", "expected"),
    [
        (in_other_case, "King's Road Cafe", {"KING'S ROAD CAFE", "king's road cafe"}),
        (spaced_otherwise, "Acme-Widgets", {"AcmeWidgets", "Acme Widgets", "Acme  Widgets"}),
        (spaced_otherwise, "PowerPoint", {"Power Point", "Power-Point"}),
        (abbreviated, "Acme International", {"Acme Intl", "Acme Int'l", "Acme Intl."}),
        (abbreviated, "ACME MFG", {"ACME MANUFACTURING"}),
        (abbreviated, "Smith and Jones", {"Smith & Jones", "Smith + Jones"}),
        (reordered, "John Smith", {"Smith, John", "Smith John"}),
        (reordered, "The Widget Company", {"Widget Company", "Widget Company, The"}),
        (reordered, "Smith & Sons", {"Sons & Smith"}),
        (word_dropped, "Field of Dreams", {"of Dreams", "Field Dreams", "Field"}),
        (without_marks, "Müller", {"Muller", "Mueller"}),
    ],
)
def test_a_change_makes_these_texts(change: Rewrite, text: str, expected: set[str]) -> None:
    assert drawn(change, text) == expected


def test_a_typo_changes_drops_doubles_or_swaps_one_letter() -> None:
    slips = drawn(mistyped, "Acme", 2_000)

    assert {"Ame", "Accme", "Amce", "Axme", "Acne"} <= slips
    assert all(abs(len(slip) - 4) <= 1 for slip in slips)
    assert {"Muller", "Mueller"} <= drawn(mistyped, "Müller")


@pytest.mark.parametrize("kind", LATIN_CHANGES)
@pytest.mark.parametrize("name", NAMES)
def test_no_kind_empties_a_name_or_writes_japanese(kind: str, name: str) -> None:
    rng, true = np.random.default_rng(0), ACME | {"name": name}

    names = {LATIN_CHANGES[kind](true, rng) for _ in range(50)}

    assert all(text.strip() and is_latin(text) for text in names)
    assert names != {name}


def test_a_reading_or_an_english_name_that_is_not_known_becomes_another_kind() -> None:
    rng, kinds = np.random.default_rng(0), {"reading": 1.0, "english": 0.0}
    batch = RecordBatch(["a"] * 50, {field: [ACME.get(field, "")] * 50 for field in FIELDS})
    none = dict.fromkeys(("exact", "legal_form", "width_space", "extra_text", "typo"), 0.0)

    read = corrupt(batch, batch, NoiseRates(**(none | {"renamed": 0.0} | kinds)), rng)[1]
    kinds = {"reading": 0.0, "english": 1.0}
    english = corrupt(batch, batch, NoiseRates(**(none | {"renamed": 0.0} | kinds)), rng)[1]

    assert {label.split("+")[0] for label in read} == {"width_space"}
    assert {label.split("+")[0] for label in english} == {"wording"}


def test_an_address_has_its_parts_in_the_usual_order() -> None:
    full = "12 North Main Street, Suite 400, Springfield, IL"

    assert set(clients().column("street")) == {full, f"{full} 62701-1234"}


def test_the_parts_of_an_address_are_left_out_or_rewritten() -> None:
    known = {"postal_code": "", "street": "12 North Main Street, Suite 400"}
    rates = {"prefecture_dropped": 1.0, "building_dropped": 1.0}

    short = clients(ACME | known, rates)
    rewritten = clients(ACME | known, rates | {"rewritten": 1.0})

    assert set(short.column("street")) == {"12 North Main Street, Springfield"}
    assert {"12 N Main St, Springfield", "12 N MAIN ST, SPRINGFIELD"} <= set(
        rewritten.column("street")
    )
    assert set(clients(ACME | known, {"city_only": 1.0}).column("street")) == {"Springfield, IL"}


@pytest.mark.parametrize(
    ("street", "expected"),
    [
        ("5 King's Rd.", "5 King's Road"),
        ("1 St. Mary Avenue", "1 St. Mary Ave"),
        ("3 Hauptstraße", "3 Hauptstr."),
        ("7 Oak St", "7 Oak Street"),
    ],
)
def test_the_words_of_a_street_are_abbreviated_or_spelled_out(street: str, expected: str) -> None:
    assert expected in drawn(street_rewritten, street)


def test_a_telephone_number_keeps_its_digits() -> None:
    written = drawn(lambda phone, rng: latin_phone(phone, 0.0, rng), "+49 89 1234567")

    assert written == {
        *("+49 89 1234567", "+49891234567", "+49.89.1234567", "+49-89-1234567", "089 1234567")
    }
    assert drawn(latin_postal_code, "62701-1234") == {"62701-1234", "627011234", "62701"}
    assert drawn(latin_postal_code, "") == {""}


@pytest.mark.parametrize("rate", LATIN_DIRT)
def test_dirt_of_a_latin_record_is_not_japanese(rate: str) -> None:
    record = ACME | {"name": "Société Générale S.A.", "url": "", "former_names": "Old Bank"}

    noisy = clients(record, {rate: 1.0})

    assert set(LATIN_DIRT) == set(DIRT)
    assert all(is_latin(text) for texts in noisy.columns.values() for text in texts)
    assert noisy.columns != clients(record).columns


def test_a_japanese_name_abroad_has_an_address_in_latin_order() -> None:
    noisy = clients(ACME | {"name": "株式会社エース", "postal_code": ""})

    assert set(noisy.column("street")) == {"12 North Main Street, Suite 400, Springfield, IL"}


@pytest.mark.parametrize("function", [mistyped, spaced_otherwise, abbreviated, word_dropped])
def test_an_empty_text_stays_empty(function: Callable[[str, np.random.Generator], str]) -> None:
    assert drawn(function, "", 5) == {""}
