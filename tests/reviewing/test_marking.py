"""Characters in which two texts differ."""

import time

import pytest

from linkage_rl.reviewing.marking import LONGEST, marked


def differing(text: str, other: str) -> str:
    """The text with differing characters in brackets."""
    return "".join(
        f"[{piece.text}]" if piece.differs else piece.text for piece in marked(text, other).pieces
    )


@pytest.mark.parametrize(
    ("text", "other", "shown"),
    [
        ("青空商事", "青空商事", "青空商事"),
        ("青空商会", "青空商事", "青空商[会]"),
        ("株式会社青空", "青空", "[株式会社]青空"),
        ("ＡＢＣ", "abc", "ＡＢＣ"),
        ("2-38", "2－38", "2-38"),
        ("2‐38", "2−38", "2‐38"),
        ("㈱青空", "㈲青空", "[㈱]青空"),
        ("青空", "", "青空"),
        ("03-3222-0001", "03-3222-0009", "03-3222-000[1]"),
        ("06-6345-0002", "03-3222-0001", "0[6]-[6]3[45]-000[2]"),
        ("大阪市北区梅田1-1-3", "千代田区神保町2-38", "[大阪市北区梅田1-1-3]"),
        ("東京都千代田区神田2-38", "神田2-38", "[東京都千代田区]神田2-38"),
        ("", "青空", ""),
    ],
)
def test_what_the_other_lacks_is_marked(text: str, other: str, shown: str) -> None:
    assert differing(text, other) == shown


@pytest.mark.parametrize(
    ("text", "other", "shown"),
    [
        ("株式会社武石電機", "（株）白石電機", "株式会社[武]石電機"),
        ("青空商事合同会社", "株式会社 青空商事", "青空商事合同会社"),
        ("医療法人社団さくら会", "さくら会", "医療法人社団さくら会"),
        ("㈱青空", "青空株式会社大阪支店", "㈱青空"),
        ("青空株式会社大阪支店", "㈱青空", "青空株式会社[大阪支店]"),
        ("ガード(有)", "ｶﾞｰﾄﾞ", "ガード(有)"),
        ("ｶﾞｰﾄﾞﾏﾝ", "カードマン", "[ｶﾞ]ｰﾄﾞﾏﾝ"),
        ("青空 商事", "青空商事", "青空 商事"),
        ("Acme Trading K.K.", "ACME TRADING CO., LTD.", "Acme Trading K.K."),
        ("株式会社", "青空", "[株式会社]"),
    ],
)
def test_the_legal_form_of_a_name_is_not_compared(text: str, other: str, shown: str) -> None:
    pieces = marked(text, other, is_name=True).pieces

    assert "".join(f"[{one.text}]" if one.differs else one.text for one in pieces) == shown


def test_an_invisible_character_is_a_piece_of_its_own() -> None:
    pieces = marked("a" + chr(0x200B) + "b", "ab").pieces

    assert [(piece.text, piece.code) for piece in pieces] == [
        ("a", False),
        ("U+200B", True),
        ("b", False),
    ]


def test_two_long_texts_take_no_time() -> None:
    begin = time.perf_counter()

    found = marked("ab" * 500_000, "ba" * 500_000)

    assert time.perf_counter() - begin < 0.5
    assert found.left_out == 1_000_000 - LONGEST
