import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage_rl.text.characters import EXPANDS, EXPANSIONS, FOLD, KANJI, ONE_WIDTH, UNSURE
from linkage_rl.text.code_tables import codes_of
from linkage_rl.text.kana import read_acronym, read_kana_block
from linkage_rl.text.normalise import MAX_CHARS, as_written, core_block, fold
from linkage_rl.text.numbers import kanji_to_digits

anything = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs", "Cc", "Cf", "Mn"]),
        st.sampled_from("ｶﾞﾊﾟー－-ー㈱㍿ 　\n\tアがﾞ゛゜1１一()（"),
    ),
    max_size=40,
)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("ＡＢＣ　１２３", "abc 123"),
        ("ｻｰﾋﾞｽ ﾊﾟﾝ", "サービス パン"),
        ("か\u3099き\u309a", "がき"),
        ("㈱①Ⅲ㌔", "(株)1iiiキロ"),
        ("サ－ビス １ー２ 1−2 Ａ―Ｂ", "サービス 1-2 1-2 a-b"),
        ("ア--- ーーー", "アーーー ---"),
        ("【甲】〔乙〕［丙］", "(甲)(乙)(丙)"),
        ("O’Neill “x”", 'o\'neill "x"'),
        ("Ｃａｆé Ｓｔｒａße", "cafe strasse"),
        ("a\u200bb\ufeff\x00c\ud800", "abc"),
        ("葛\U000e0100飾", "葛飾"),
        ("  a \n\t b  ", "a b"),
        ("髙﨑", "髙﨑"),
        ("", ""),
    ],
)
def test_text_is_folded_to_one_spelling(written: str, folded: str) -> None:
    assert fold([written]) == [folded]


@given(st.lists(anything, max_size=5))
def test_texts_as_written_are_in_compatible_form_without_spaces(texts: list[str]) -> None:
    lines = [text.replace("\n", " ") for text in texts]
    normal = [unicodedata.normalize("NFKC", line).replace(" ", "") for line in lines]

    assert as_written(texts) == normal
    # the words go after the spaces
    assert as_written([f"株式 会社{text}" for text in texts], ["株式会社"]) == [
        unicodedata.normalize("NFKC", f"株式会社{line}").replace(" ", "").replace("株式会社", "")
        for line in lines
    ]


def test_what_may_join_the_character_before_it_is_not_read_alone() -> None:
    parts = [
        unicodedata.decomposition(chr(code)).split()
        for code in range(sys.maxunicode)
        if unicodedata.decomposition(chr(code))[:1] not in ("", "<")
    ]
    second = {int(pair[1], 16) for pair in parts if len(pair) == 2}
    jamo = {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}

    assert len(second) > 50
    assert (codes_of(ONE_WIDTH)[[*second, *jamo]] == UNSURE).all()


@given(st.lists(anything, max_size=5))
def test_folding_keeps_the_number_of_texts_and_folding_twice_changes_nothing(
    texts: list[str],
) -> None:
    once = fold(texts)

    assert len(once) == len(texts)
    assert fold(once) == once


@given(st.lists(anything, min_size=1, max_size=5))
def test_a_text_folds_the_same_in_a_batch(texts: list[str]) -> None:
    assert fold(texts) == [fold([text])[0] for text in texts]


@given(anything)
def test_a_core_is_its_own_core(text: str) -> None:
    core = core_block(fold([text])[0])

    assert core_block(core) == core


@given(anything)
def test_a_reading_is_its_own_reading(text: str) -> None:
    reading = read_kana_block(fold([text])[0])

    assert read_kana_block(read_kana_block(reading)) == read_kana_block(reading)


def test_the_fold_table_has_no_second_step() -> None:
    folded = codes_of(FOLD)

    assert (folded[folded] == folded).all()
    assert not EXPANDS[[ord(char) for text in EXPANSIONS.values() for char in text]].any()


def test_no_standard_kanji_is_itself_a_variant() -> None:
    assert not set(KANJI.values()) & set(KANJI)


def test_a_long_text_is_cut() -> None:
    assert fold(["山" * 10_000]) == ["山" * MAX_CHARS]


@pytest.mark.parametrize(
    ("kana", "reading"),
    [
        ("ジェイエフイー", "ジエイエフイ"),
        ("じぇい えふ・いー", "ジエイエフイ"),
        ("ヴァイオリン", "バイオリン"),
        ("ハナヂ ツヅク ヲ", "ハナジツズクオ"),
        ("カブシキガイシャヤマダ", "ヤマダ"),
        ("ヤマダユウゲンガイシャ", "ヤマダ"),
        ("シャカイフクシホウジンノユリカイ", "ノユリカイ"),
    ],
)
def test_readings_that_sound_the_same_are_spelled_the_same(kana: str, reading: str) -> None:
    assert read_kana_block(fold([kana])[0]) == reading


def test_an_acronym_reads_as_the_table_spells_it() -> None:
    assert read_acronym("jfe") == read_kana_block("ジェイエフイー")
    assert read_acronym("nissan") == ""


@pytest.mark.parametrize(
    ("numeral", "digits"),
    [("十", "10"), ("二十一", "21"), ("百五", "105"), ("一〇五", "105"), ("千二百", "1200")],
)
def test_a_kanji_numeral_is_a_number(numeral: str, digits: str) -> None:
    assert kanji_to_digits(numeral) == digits
