"""Noise of any table: of persons and products, and the kinds that apply."""

from dataclasses import replace

import numpy as np
import pytest

from linkage_rl.errors import ConfigError
from linkage_rl.records import RecordBatch
from linkage_rl.tables.comparators import Schema
from linkage_rl.tables.corrupt import DIRT, NoiseRates
from linkage_rl.tables.field_noise import (
    FIELD_CHANGES,
    RATES,
    TITLE_KINDS,
    FieldRates,
    code_changed,
    corrupt_fields,
    digits_changed,
    fewer_words,
    given_names_cut,
    in_other_order,
    numbers_changed,
    shortened,
    truncated,
    word_changed,
    word_split,
)
from linkage_rl.tables.latin_forms import is_latin
from linkage_rl.tables.latin_noise import Rewrite
from linkage_rl.tables.noise_kinds import COMPANY_KINDS, FURTHER_KINDS, corrupt_kind, kinds_for

COMPANY = Schema()
PERSON = Schema("person", title=["given_name", "surname"], text=["address"])
MIA = {
    "name": "mia white",
    "name_kana": "12 national circuit narembeen",
    "name_en": "sec 301",
    "city": "nsw",
    "street": "1913-4-18",
    "postal_code": "2765000",
    "url": "5053650.com",
}
JAYED = {
    "name": "jayed millar",
    "name_kana": "3 meredith place thornbury",
    "name_en": "larnach",
    "city": "vic",
    "street": "1934-7-31",
    "postal_code": "6014000",
    "url": "1314310.com",
}
FULL = NoiseRates(kana=1, address=1, postal_code=1, phone=1, url=1, corporate_number=1)
CLEAN = replace(FULL, name_only=0.0, **dict.fromkeys(DIRT, 0.0))
NOTHING = FieldRates(text=0, other_text=0, word=0, numbers=0, digits=0, code=0, swapped=0, moved=0)


def batch(*records: dict[str, str], repeat: int = 1) -> RecordBatch:
    columns = {field: [record[field] for record in records] * repeat for field in records[0]}
    return RecordBatch([str(row) for row in range(len(records) * repeat)], columns)


def company(name: str, **fields: str) -> dict[str, str]:
    known = ("name_kana", "name_en", "prefecture", "city", "street", "postal_code", "phone")
    return {"name": name, **dict.fromkeys(known, ""), **fields}


def of_kind(
    records: RecordBatch,
    former: RecordBatch,
    kind: str,
    schema: Schema,
    moved: bool = False,
    rates: NoiseRates = CLEAN,
) -> RecordBatch:
    rng = np.random.default_rng(0)
    return corrupt_kind(records, former, kind, moved=moved, rates=rates, schema=schema, rng=rng)


def drawn(change: Rewrite, text: str, count: int = 500) -> set[str]:
    rng = np.random.default_rng(0)
    return {change(text, rng) for _ in range(count)}


@pytest.mark.parametrize(
    ("record", "further"),
    [
        (company("株式会社山田"), ()),
        (company("株式会社山田", name_kana="ヤマダ"), ("reading",)),
        (company("株式会社山田", name_en="Yamada Inc."), ("english",)),
        (company("Acme Inc.", name_en="Acme Inc."), ("wording",)),
        (company("Acme Inc.", name_en="Acme Japan"), ("english", "wording")),
    ],
)
def test_a_kind_applies_where_the_records_have_what_it_needs(
    record: dict[str, str], further: tuple[str, ...]
) -> None:
    assert kinds_for(batch(record), COMPANY) == (*COMPANY_KINDS, *further)


def test_a_kind_that_applies_to_hardly_any_record_is_left_out() -> None:
    japanese, latin = [company("株式会社山田")] * 199, company("Acme Inc.")

    assert "wording" not in kinds_for(batch(*japanese, latin), COMPANY)
    assert "wording" in kinds_for(batch(*japanese, latin, latin, latin), COMPANY)


def test_titles_of_one_word_have_no_kinds_of_words() -> None:
    assert kinds_for(batch(MIA), PERSON) == tuple(TITLE_KINDS)
    assert "word_order" not in kinds_for(batch(MIA | {"name": "madonna"}), PERSON)


@pytest.mark.parametrize("kind", [*COMPANY_KINDS, *FURTHER_KINDS])
def test_clients_of_any_company_have_a_name(kind: str) -> None:
    names = ("株式会社山田", "Acme Inc.", "X", "八幡神社", "Müller & Söhne GmbH", "山")
    records = batch(*map(company, names), repeat=30)

    clients = of_kind(records, batch(*[company("")] * len(records)), kind, COMPANY, rates=FULL)

    assert clients.ids == records.ids
    assert all(clients.column("name"))
    assert all(
        is_latin(client)
        for client, name in zip(clients.column("name"), records.column("name"), strict=True)
        if is_latin(name)
    )


def test_all_clients_have_the_kind_and_move_or_not() -> None:
    place = {"street": "1 High Street", "city": "Leeds"}
    records = batch(company("Acme Inc.", **place), repeat=50)
    former = batch(company("Zenith Ltd", street="9 Low Road", city="York"), repeat=50)
    rates = replace(CLEAN, city_only=0.0, rewritten=0.0, form_too=0.0)

    stayed = of_kind(records, former, "exact", COMPANY, moved=False, rates=rates)
    moved = of_kind(records, former, "renamed", COMPANY, moved=True, rates=rates)

    assert set(stayed.column("name")) == {"Acme Inc."}
    assert set(stayed.column("street")) == {"1 High Street, Leeds"}
    assert set(moved.column("name")) == {"Zenith Ltd"}
    assert set(moved.column("street")) == {"9 Low Road, York"}


def test_a_kind_that_does_not_apply_becomes_one_that_is_near() -> None:
    records = batch(company("株式会社山田"), company("Acme Widgets"), repeat=30)

    for kind in ("reading", "english", "wording", "renamed"):
        clients = of_kind(records, batch(*[company("")] * 60), kind, COMPANY).column("name")

        assert len(set(clients[::2])) > 1
        assert len(set(clients[1::2])) > 1


@pytest.mark.parametrize("name", ["株式会社山田", "Acme Inc."])
@pytest.mark.parametrize(
    "fields",
    [
        {"street": "東京都千代田区丸の内1-2-3", "phone": "0312345678", "postal_code": "100-0001"},
        {"prefecture": "東京都", "phone": "n/a", "postal_code": "-", "url": "http://"},
        {"prefecture": "IL", "phone": "-", "postal_code": "62701", "url": "http://acme.com/x"},
        {"street": "Suite 400", "phone": "12", "postal_code": "SW3 4UD", "url": "www."},
    ],
)
def test_a_company_keeps_the_fields_that_it_has(name: str, fields: dict[str, str]) -> None:
    records = batch(company(name, **fields), repeat=200)
    rates = replace(CLEAN, prefecture_dropped=0.5, city_only=0.5, wrong_phone=1.0)

    clients = of_kind(records, records, "typo", COMPANY, rates=rates)

    for field in ("name", "phone", "postal_code", "url"):
        assert {text != "" for text in clients.column(field)} == {records.column(field)[0] != ""}
    assert all(clients.column("street"))


def test_an_address_in_one_column_is_written_otherwise() -> None:
    records = batch(company("株式会社山田", street="東京都千代田区丸の内1丁目2番3号"), repeat=200)

    streets = set(of_kind(records, records, "exact", COMPANY).column("street"))

    assert {"東京都千代田区丸の内1-2-3", "東京都千代田区丸の内"} <= streets


def test_a_company_without_a_former_place_does_not_move() -> None:
    records = batch(company("Acme Inc.", city="Leeds"), repeat=20)

    clients = of_kind(records, batch(company("Old"), repeat=20), "exact", COMPANY, moved=True)

    assert {street.casefold() for street in clients.column("street")} == {"leeds"}


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="choose one that kinds_for returns"):
        of_kind(batch(MIA), batch(JAYED), "capitals", PERSON)
    with pytest.raises(ConfigError, match="expected a kind of name noise"):
        of_kind(batch(company("A")), batch(company("B")), "truncated", COMPANY)


@pytest.mark.parametrize("kind", [*TITLE_KINDS, *COMPANY_KINDS, *FURTHER_KINDS])
def test_fields_are_known_where_the_record_has_them(kind: str) -> None:
    empty = dict.fromkeys(MIA, "") | {"name": "X"}
    partly = MIA | {"name_en": "", "postal_code": ""}
    records, former = batch(MIA, empty, partly, repeat=50), batch(JAYED, JAYED, MIA, repeat=50)

    clients = of_kind(records, former, kind, PERSON, moved=True)
    again = of_kind(records, former, kind, PERSON, moved=True)

    assert clients.columns == again.columns
    assert set(clients.columns) == set(records.columns)
    for field, texts in records.columns.items():
        assert [text != "" for text in clients.columns[field]] == [text != "" for text in texts]


@pytest.mark.parametrize("kind", TITLE_KINDS)
def test_a_kind_of_title_noise_changes_the_title_alone(kind: str) -> None:
    records, former = batch(MIA, repeat=100), batch(JAYED, repeat=100)

    clients, labels = corrupt_fields(
        records, former, [kind] * 100, NOTHING, np.random.default_rng(0)
    )

    assert set(labels) == {kind}
    assert (set(clients.column("name")) == {"mia white"}) == (kind == "exact")
    assert all(clients.columns[field] == records.columns[field] for field in FIELD_CHANGES)


def test_a_moved_record_has_one_or_two_fields_of_the_former_one() -> None:
    rates = replace(NOTHING, moved=1.0)

    clients, labels = corrupt_fields(
        batch(MIA, repeat=200), batch(JAYED, repeat=200), ["exact"] * 200, rates,
        np.random.default_rng(0),
    )  # fmt: skip

    changed = [
        sum(clients.columns[field][row] == JAYED[field] for field in MIA) for row in range(200)
    ]
    assert set(labels) == {"exact+moved"}
    assert set(changed) == {1, 2}
    assert set(clients.column("name")) == {"mia white"}


def test_fields_change_at_their_rate() -> None:
    rates = replace(NOTHING, numbers=0.3)

    clients, _ = corrupt_fields(
        batch(MIA, repeat=2_000), batch(JAYED, repeat=2_000), ["exact"] * 2_000, rates,
        np.random.default_rng(0),
    )  # fmt: skip

    differs = [text != "1913-4-18" for text in clients.column("street")]
    assert np.mean(differs) == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize(
    ("change", "text", "expected"),
    [
        (numbers_changed, "12-99", {"13-99", "12-98", "99-12", "15-99", "12-90"}),
        (digits_changed, "1999000", {"1998000", "1909000", "9199000"}),
        (code_changed, "dscw120b.com", {"dscw210b.com", "dscw120.com"}),
        (truncated, "jones", {"jon", "jone"}),
        (shortened, "john smith", {"j smith", "j. smith"}),
        (fewer_words, "john smith", {"john", "smith"}),
        (in_other_order, "john smith", {"smith john", "smith, john"}),
        (given_names_cut, "Mia Stone, Jo Li", {"M. Stone, J. Li", "M Stone, J Li", "Mia Stone"}),
        (word_changed, "SIGMOD Conference", {"SIGMOD", "Conference", "SIGMOD Confeernce"}),
        (word_split, "pine hill", {"pi ne hill", "pineh ill", "pine hi ll"}),
    ],
)
def test_a_change_makes_these_texts(change: Rewrite, text: str, expected: set[str]) -> None:
    assert expected <= drawn(change, text, 3_000)


def test_a_schema_of_the_library_has_rates_of_its_own() -> None:
    rates = {name: RATES.get(name, FieldRates()).numbers for name in ("product", "person")}

    for name, rate in rates.items():
        clients = of_kind(
            batch(MIA, repeat=2_000), batch(MIA, repeat=2_000), "exact", replace(PERSON, name=name)
        )
        differs = [text != "1913-4-18" for text in clients.column("street")]
        assert np.mean(differs) == pytest.approx(rate, abs=0.04)


def test_numbers_stay_numbers() -> None:
    for text in drawn(numbers_changed, "0-10-65535", 3_000):
        numbers = text.split("-")

        assert len(numbers) == 3
        assert all(number == str(int(number)) for number in numbers)


def test_digits_keep_their_length() -> None:
    assert {len(text) for text in drawn(digits_changed, "4223000")} == {7}
    assert all(text.endswith("000") for text in drawn(digits_changed, "4223000"))
