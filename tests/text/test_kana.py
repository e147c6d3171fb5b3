"""Readings, with the legal form wherever a list puts it."""

import pytest

from linkage_rl.text.names import canonical_kana


@pytest.mark.parametrize(
    ("written", "reading"),
    [
        ("ｶ)ﾔﾏﾀﾞ", "ヤマダ"),
        ("ヤマダ(カ", "ヤマダ"),
        ("（カ）ヤマダ", "ヤマダ"),
        ("ユ)ヤマダ", "ヤマダ"),
        ("ヤマダ（ユウ）", "ヤマダユウ"),
        ("カブシキガイシャヤマダ", "ヤマダ"),
        ("シャ)ヤマダキョウカイ", "ヤマダキヨウカイ"),
        ("カ", "カ"),
        ("カマタ", "カマタ"),
    ],
)
def test_the_legal_form_is_no_part_of_the_reading(written: str, reading: str) -> None:
    assert canonical_kana([written], [""]) == [reading]
