"""Ways of writing an address."""

import numpy as np
import pytest

from linkage_rl.tables.address_noise import ADDRESS_KINDS, parts_of

SAKAI = {
    "postal_code": "590-0075",
    "prefecture": "大阪府",
    "city": "堺市堺区",
    "street": "大阪府堺市堺区南花田口町2-3",
}
KASUMI = {"street": "東京都千代田区霞ヶ関3-2", "prefecture": "東京都", "city": "千代田区"}


def drawn(kind: str, record: dict[str, str]) -> set[str]:
    """Different addresses that a kind makes of the record, '' where it does not apply."""
    rng = np.random.default_rng(0)
    return {ADDRESS_KINDS[kind](record, rng).get("street", "") for _ in range(80)}


@pytest.mark.parametrize(
    ("kind", "addresses"),
    [
        ("prefecture_left_out", {"堺市堺区南花田口町2-3"}),
        ("city_left_out", {"大阪府南花田口町2-3"}),
        ("ward_left_out", {"大阪府堺市南花田口町2-3"}),
        ("ward_alone", {"大阪府堺区南花田口町2-3", "堺区南花田口町2-3"}),
        ("other_ke", {""}),
    ],
)
def test_parts_are_left_out(kind: str, addresses: set[str]) -> None:
    assert drawn(kind, SAKAI) == addresses


def test_something_stands_before_the_whole_address() -> None:
    addresses = drawn("something_before", SAKAI)

    assert all(address.endswith(SAKAI["street"]) for address in addresses)
    assert {"住所：" + SAKAI["street"], "日本、〒590-0075 " + SAKAI["street"]} < addresses
    assert SAKAI["street"] not in addresses


def test_the_prefecture_loses_its_last_character() -> None:
    assert "大阪堺市堺区南花田口町2-3" in drawn("prefecture_shortened", SAKAI)
    assert drawn("prefecture_shortened", {"street": "北海道江別市1", "prefecture": "北海道"}) == {
        ""
    }


def test_commas_stand_between_the_parts() -> None:
    assert {"大阪府、堺市堺区、南花田口町2-3", "大阪府,堺市堺区,南花田口町2-3"} < drawn(
        "commas", SAKAI
    )


def test_ke_has_three_spellings() -> None:
    assert drawn("other_ke", KASUMI) == {"東京都千代田区霞ケ関3-2", "東京都千代田区霞が関3-2"}
    assert drawn("other_ke", {"street": "東京都港区オケヤ町1"}) == {""}


def test_an_ordinary_city_has_no_ward_to_leave_out() -> None:
    assert drawn("ward_alone", KASUMI) == drawn("ward_left_out", KASUMI) == {""}


@pytest.mark.parametrize(
    ("record", "parts"),
    [
        (SAKAI, ("大阪府", "堺市堺区", "南花田口町2-3")),
        (SAKAI | {"street": "堺市堺区南花田口町"}, ("", "堺市堺区", "南花田口町")),
        (SAKAI | {"street": "兵庫県西宮市1-2"}, ("兵庫県", "", "西宮市1-2")),
        ({"street": "奈良県生駒市2-1"}, ("奈良県", "", "生駒市2-1")),
        ({"street": ""}, ("", "", "")),
    ],
)
def test_an_address_is_cut_where_its_record_says(
    record: dict[str, str], parts: tuple[str, str, str]
) -> None:
    assert parts_of(record) == parts


@pytest.mark.parametrize("kind", ADDRESS_KINDS)
def test_an_unknown_address_stays_unknown(kind: str) -> None:
    assert drawn(kind, SAKAI | {"street": ""}) == {""}
