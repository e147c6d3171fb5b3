"""Both languages say everything, and the right one is chosen."""

import string

import pytest

from linkage_rl.features.explanation import FIELDS
from linkage_rl.features.reasons import PHRASES
from linkage_rl.reviewing.phrases import JAPANESE as PHRASES_IN_JAPANESE
from linkage_rl.reviewing.phrases import in_japanese
from linkage_rl.reviewing.rendering import HERE
from linkage_rl.reviewing.words import ENGLISH, JAPANESE, language_of


def test_both_languages_have_the_same_texts_with_the_same_blanks() -> None:
    assert list(ENGLISH) == list(JAPANESE)
    for key, text in ENGLISH.items():
        blanks, theirs = (
            {name for _, name, _, _ in string.Formatter().parse(one) if name}
            for one in (text, JAPANESE[key])
        )
        assert blanks == theirs, key


def test_every_text_is_used() -> None:
    made = ("kind_", "field_", "answer_", "action_", "certified", "refuted", "promoted", "kept")
    paths = [*HERE.glob("*.py"), *HERE.glob("templates/*")]
    pages = "".join(path.read_text("utf-8") for path in paths if path.name != "words.py")

    assert [k for k in ENGLISH if f'"{k}"' not in pages and not k.startswith(made)] == []


def test_every_reason_and_level_has_japanese_words() -> None:
    reasons = {phrase.words for phrase in PHRASES}
    levels = {level.words for field in FIELDS.values() for level in field.levels}

    assert (reasons | levels) - PHRASES_IN_JAPANESE.keys() == set()


@pytest.mark.parametrize(
    ("english", "japanese"),
    [
        ("3 companies of this name; same phone", "同名の企業が 3 社;電話番号が一致"),
        ("company 123 is no longer in the table", "企業 123 はテーブルにありません"),
        ("something new", "something new"),
    ],
)
def test_reasons_with_numbers_are_translated(english: str, japanese: str) -> None:
    assert in_japanese(english) == japanese


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "ja", "ja"),
        ("", "ja;q=0.1, en;q=0.2", "en"),
        ("", "fr, de", "en"),
        ("", "ja;q=much", "ja"),
        ("ja", "en", "ja"),
        ("xx", "ja", "ja"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_first_accepted(
    chosen: str, accepted: str, language: str
) -> None:
    assert language_of(chosen, accepted) == language
