"""Writings that fall together, and marks that tell names apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage_rl.text.likeness import marks, read_alike
from linkage_rl.text.municipalities import mentioned_prefectures


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("アドビユロー岩泉", "アドビユロ岩泉"),
        ("古野電機", "古野電気"),
        ("立元車輌整備", "立元車両整備"),
        ("メデイア綜合研究所", "メデイア総合研究所"),
        ("ヴイーナス", "ビナス"),
        ("井之上", "井上"),
    ],
)
def test_spellings_of_one_name_become_equal(one: str, other: str) -> None:
    assert read_alike([one]) == read_alike([other])


@pytest.mark.parametrize(
    ("one", "other"), [("日本電気", "日本電子"), ("建設", "建築"), ("工業", "興業")]
)
def test_different_words_stay_different(one: str, other: str) -> None:
    assert read_alike([one]) != read_alike([other])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("第二十四", "第24"),
        ("一〇五", "105"),
        ("十", "10"),
        ("〇十", "10"),
        ("二十九十", "110"),
        ("十" * 12, "120"),
        ("九" * 30 + "十九", "9" * 30 + "9"),
        ("〇〇七", "007"),
        ("九九十十", "1000"),
    ],
)
def test_kanji_numerals_are_read_by_place_or_by_unit(written: str, read: str) -> None:
    assert read_alike([written]) == [read]
    assert marks([written]) == [read.replace("第", "")]


def test_voiced_kana_are_read_as_they_sound() -> None:
    assert read_alike(["ヴァヴィヴュヴゔ", "ヴイ", "ヂヅヲ"]) == ["バビビユブブ", "ビ", "ジズオ"]


@given(st.lists(st.text(max_size=20), max_size=5))
def test_every_text_has_its_line(texts: list[str]) -> None:
    assert len(read_alike(texts)) == len(marks(texts)) == len(texts)


@given(st.text(st.characters(exclude_characters="\n"), max_size=20))
def test_reading_twice_changes_nothing(text: str) -> None:
    once = read_alike([text])

    assert read_alike(once) == once


def test_the_first_prefecture_counts() -> None:
    names = ["東京都大阪会", "北海道開発", "京都市観光協会", "東京都市開発", ""]

    assert mentioned_prefectures(names).tolist() == [13, 1, 26, 13, 0]
