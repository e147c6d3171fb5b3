"""Client noise."""

import unicodedata

import numpy as np
import pytest

from linkage_rl.errors import ConfigError
from linkage_rl.records import RecordBatch
from linkage_rl.tables.corrupt import DIRT, NoiseRates, corrupt
from linkage_rl.tables.spelling_noise import half_width, misspell, shorten_form

YAMADA = {
    "name": "株式会社山田製作所",
    "name_kana": "ヤマダセイサクショ",
    "name_en": "",
    "postal_code": "1000001",
    "prefecture": "東京都",
    "city": "千代田区",
    "street": "丸の内１丁目２番３号大和ビル４階",
    "phone": "03-2345-6789",
    "url": "https://www.yamada.co.jp/",
    "corporate_number": "7000012050002",
}
FORMER = YAMADA | {"name": "有限会社山田", "city": "港区", "phone": "03-9999-9999"}

CERTAIN = dict.fromkeys(
    ("legal_form", "width_space", "extra_text", "typo", "renamed", "reading", "english"), 0.0
)
EVERY_FIELD = {"address": 1.0, "postal_code": 1.0, "phone": 1.0, "url": 1.0, "kana": 1.0}
AS_IT_IS = {"moved": 0.0, "city_only": 0.0, "rewritten": 0.0, "building_dropped": 0.0} | {
    "prefecture_dropped": 0.0,
    "wrong_phone": 0.0,
    "name_only": 0.0,
    **dict.fromkeys(DIRT, 0.0),
}


def batch(record: dict[str, str], count: int) -> RecordBatch:
    return RecordBatch(
        [str(row) for row in range(count)],
        {field: [text] * count for field, text in record.items()},
    )


def corrupted(count: int = 200, **rates: float) -> tuple[RecordBatch, list[str]]:
    """Many clients of one company; rates of name noise that are not given are 0."""
    names = CERTAIN | {"exact": 0.0 if set(rates) & set(CERTAIN) else 1.0}
    noise = NoiseRates(**(names | EVERY_FIELD | AS_IT_IS | rates))
    rng = np.random.default_rng(0)
    return corrupt(batch(YAMADA, count), batch(FORMER, count), noise, rng)


def folded(texts: object) -> set[str]:
    assert isinstance(texts, list)
    return {unicodedata.normalize("NFKC", text) for text in texts}


def test_without_noise_only_the_width_and_the_punctuation_differ() -> None:
    clients, kinds = corrupted()

    assert set(kinds) == {"exact"}
    assert folded(clients.column("name")) == {"株式会社山田製作所"}
    assert folded(clients.column("street")) == {"東京都千代田区丸の内1丁目2番3号大和ビル4階"}
    assert folded(clients.column("postal_code")) == {"1000001", "100-0001", "〒100-0001"}
    assert folded(clients.column("phone")) == {"03-2345-6789", "0323456789", "03(2345)6789"}


def test_the_legal_form_is_dropped_or_abbreviated() -> None:
    clients, _ = corrupted(legal_form=1.0)

    assert folded(clients.column("name")) == {"山田製作所", "(株)山田製作所"}


def test_a_renamed_client_has_its_former_name_and_a_moved_one_its_former_place() -> None:
    clients, kinds = corrupted(renamed=1.0, moved=1.0, form_too=0.0)

    assert set(kinds) == {"renamed+moved"}
    assert folded(clients.column("name")) == {"有限会社山田"}
    assert all("港区" in street for street in clients.column("street"))


def test_clients_of_a_company_with_former_names_use_them_at_the_given_rate() -> None:
    records, rng = batch(YAMADA | {"former_names": "有限会社山田"}, 2_000), np.random.default_rng(0)
    noise = NoiseRates(**(CERTAIN | EVERY_FIELD | AS_IT_IS | {"exact": 1.0, "old_name": 0.25}))

    clients, kinds = corrupt(records, batch(FORMER, 2_000), noise, rng)

    assert kinds.count("renamed") / 2_000 == pytest.approx(0.25, abs=0.03)
    assert folded(clients.column("name")) == {
        "株式会社山田製作所",
        "有限会社山田",
        "(有)山田",
        "山田",
    }


def test_fields_are_missing_at_the_given_rate() -> None:
    clients, _ = corrupted(count=2_000, phone=0.25, address=0.0)

    known = sum(phone != "" for phone in clients.column("phone"))
    assert known / 2_000 == pytest.approx(0.25, abs=0.03)
    assert set(clients.column("street")) == {""}


def test_a_rewritten_address_keeps_its_numbers() -> None:
    clients, _ = corrupted(rewritten=1.0, building_dropped=1.0)

    assert folded(clients.column("street")) == {
        "東京都千代田区丸の内1-2-3",
        "東京都千代田区丸の内一丁目2番3号",
    }


def test_equal_seeds_give_equal_clients() -> None:
    first, _ = corrupted(typo=1.0)
    again, _ = corrupted(typo=1.0)

    assert first.columns == again.columns


@pytest.mark.parametrize("rate", DIRT)
def test_dirt_is_added_at_its_rate_and_named(rate: str) -> None:
    noise = {"url": 0.0, "exact": 1.0, rate: 0.3}

    clean, _ = corrupted(count=1_000, **(noise | {rate: 0.0}))
    clients, kinds = corrupted(count=1_000, **noise)

    differs = [
        any(clients.column(field)[row] != clean.column(field)[row] for field in clean.columns)
        for row in range(1_000)
    ]
    assert sum(differs) / 1_000 == pytest.approx(0.3, abs=0.05)
    assert [kind == f"exact+{rate}" for kind in kinds] == differs


def test_of_some_clients_only_the_name_is_known_or_the_prefecture_as_well() -> None:
    clients, kinds = corrupted(count=1_000, name_only=0.2, exact=1.0)

    known = [
        {field for field, texts in clients.columns.items() if texts[row]}
        for row, kind in enumerate(kinds)
        if kind.endswith("+name_only")
    ]
    assert len(known) / 1_000 == pytest.approx(0.2, abs=0.04)
    assert known.count({"name"}) / len(known) == pytest.approx(0.5, abs=0.15)
    assert all(fields in ({"name"}, {"name", "street"}) for fields in known)
    assert "東京都" in clients.column("street")


@pytest.mark.parametrize("name", ["山田", "髙橋工業", "サービス", "Ａ", "アイウエオカキ"])
def test_a_misspelt_name_differs_by_one_typo(name: str) -> None:
    rng = np.random.default_rng(0)

    slips = {misspell(name, rng) for _ in range(50)}

    assert max(abs(len(slip) - len(name)) for slip in slips) == 1
    assert "" not in slips
    assert slips != {name}


def test_a_name_without_legal_form_keeps_its_name() -> None:
    assert shorten_form("八幡神社", np.random.default_rng(0)) == "八幡神社"


def test_voiced_kana_take_two_half_width_characters() -> None:
    assert half_width("カ）ガパードー") == "ｶ)ｶﾞﾊﾟｰﾄﾞｰ"


def test_rates_of_name_noise_must_add_up() -> None:
    with pytest.raises(ConfigError, match="add up to 1"):
        NoiseRates(exact=0.9)
