"""Text beside and in names."""

import re
import unicodedata

import numpy as np
import pytest

from linkage_rl.tables.beside_name import (
    NAME_KINDS,
    kanji_number,
    lost_character,
    number_of_kanji,
    other_numerals,
)
from linkage_rl.tables.spelling_noise import Fields, changed_by_one

AOBA = {"name": "株式会社青葉精機", "name_kana": "アオバセイキ", "former_names": "有限会社青葉鉄工"}
SHAPES = {
    "list_number": r"[^株]*[0-9①-⑳].*株式会社青葉精機",
    "trade_name": r".+[（(／/　]株式会社青葉精機[）)]?|株式会社青葉精機[（／「].+",
    "person": r"株式会社青葉精機[ 　（].*(様|代表|担当).*",
    "department": r"株式会社青葉精機[ 　]?.*(御中|ご担当者様|様)",
    "site": r"株式会社青葉精機.*(店|工場|倉庫|工事）?|現場)",
    "former_name": r"株式会社青葉精機.*旧.*有限会社青葉鉄工.?",
    "state": r"(【.+】)?株式会社青葉精機( ※.+|（.+）)?",
    "escape": r"(_x000D_)?株式会社青葉精機(_x000D_\n?|<br>)?",
    "form_twice": r".*(株式会社|㈱|株).*(株式会社|㈱|株).*",
    "english_form": r".*青葉精機.*(Co|CO|Inc|Corp).*",
    "lost_character": r"株式会社[青葉精機●?〓■□？]{4}",
    "bracketed_form": r"[（(]株式(会社)?[）)]青葉精機",
}


def drawn(kind: str, record: Fields, count: int = 60) -> set[str]:
    """Different names that a kind makes of the record."""
    rng = np.random.default_rng(0)
    return {NAME_KINDS[kind](record, rng).get("name", "") for _ in range(count)}


@pytest.mark.parametrize(("kind", "shape"), SHAPES.items())
def test_every_kind_writes_the_name_in_its_own_way(kind: str, shape: str) -> None:
    names = drawn(kind, AOBA)

    assert len(names) > 1
    assert AOBA["name"] not in names
    assert [name for name in names if not re.fullmatch(shape, name)] == []


def test_no_kind_is_left_without_a_shape() -> None:
    assert set(SHAPES) | {"other_numerals"} == set(NAME_KINDS)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("第一青葉精機", "第1青葉精機"),
        ("第２青葉精機", "第二青葉精機"),
        ("株式会社第十二青葉", "株式会社第12青葉"),
        ("24青葉株式会社", "二十四青葉株式会社"),
        ("株式会社二十四青葉", "株式会社24青葉"),
    ],
)
def test_numbers_are_written_in_the_other_script(name: str, other: str) -> None:
    assert other_numerals({"name": name}, np.random.default_rng(0)) == {"name": other}


@pytest.mark.parametrize("name", ["株式会社青葉精機", "三葉商事", "1234青葉"])
def test_names_without_a_number_have_no_other_script(name: str) -> None:
    assert other_numerals({"name": name}, np.random.default_rng(0)) == {}


def test_numbers_in_kanji_are_read_as_they_are_written() -> None:
    assert [number_of_kanji(kanji_number(number)) for number in range(100)] == list(range(100))


def test_the_form_and_short_names_lose_no_character() -> None:
    rng = np.random.default_rng(0)

    names = {lost_character({"name": "青葉株式会社精機"}, rng)["name"] for _ in range(50)}

    assert all("株式会社" in name for name in names)
    assert len({name.translate(dict.fromkeys(map(ord, "●?〓■□？"), "*")) for name in names}) == 4
    assert lost_character({"name": "株式会社青葉"}, rng) == {}


def test_a_company_without_a_former_name_gets_one_that_is_made_up() -> None:
    names = drawn("former_name", {"name": "合同会社若草"})

    assert all("旧" in name and name.startswith("合同会社若草") for name in names)
    assert len({unicodedata.normalize("NFKC", name)[-4:] for name in names}) > 5


@pytest.mark.parametrize("kind", ["form_twice", "english_form", "bracketed_form"])
def test_kinds_of_forms_do_not_apply_to_names_without_one(kind: str) -> None:
    assert drawn(kind, {"name": "若草神社"}) == {""}


def test_one_change_is_of_a_kind_that_applies() -> None:
    kinds = {kind: NAME_KINDS[kind] for kind in ("form_twice", "escape")}
    rng = np.random.default_rng(0)

    changed = [changed_by_one(kinds, {"name": "若草神社"}, rng)["name"] for _ in range(30)]

    assert all(re.search("x000D|<br>", name) for name in changed if name != "若草神社")
    assert changed.count("若草神社") < 10
