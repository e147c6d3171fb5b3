"""Usual names, which are read in one pass, read as all others do."""

import random
import unicodedata
from typing import Final

import numpy as np
import pytest

from linkage_rl.text.corporate_numbers import are_valid_corporate_numbers
from linkage_rl.text.kana import read_kana, read_kana_block
from linkage_rl.text.names import Names, canonical_names, read_step_by_step
from linkage_rl.text.normalise import as_written, fold_block, join, split
from linkage_rl.text.usual_names import read_usual_names

_WORDS: Final = (
    "株式会社 (株) （株） ㈱ 有限会社 合同会社 （有） 医療法人( 旧社名: 代表取締役 支店 新宿店 御中"
    " 様 ※ → / | ・ jv 他1社 第一 co.,ltd. gmbh and npo 号 03- 1- .0 a@ ★ &amp; _x000D_ <br> ヴ"
    " ー ゛ 十 \ud800 \x00 \u202e \u0301 ﷽ ㍿ ① 〓 ? なし アオバ 青葉 aoba カ) (カ - ‐ － no.12 a1"
    " ａｂ the trading ltd inc. (有 株) 會社 有限 会社 ｶﾞ ﾊﾟ が\u3099 ２ x& &株式会社 ・有限会社"
    " 社長 ブランド・ \n 農事組合法人 d.b.a. 本社 センター 学園 と 가 \u11a8 \U0002f800 きょう"
)
PIECES: Final = [*_WORDS.split(" "), " ", " ", "\u3000"]


def drawn_names(count: int, seed: int) -> list[str]:
    """Names that few lists have, and names of the usual kind with something in them."""
    rng = random.Random(seed)
    names = ["".join(rng.choices(PIECES, k=rng.randrange(7))) for _ in range(count // 2)]
    for _ in range(count // 2):
        letters = list(
            rng.choice(("株式会社青葉", "Aoba Foods有限会社", "㈱ 青葉", "合同会社Ab c"))
        )
        letters.insert(rng.randrange(len(letters) + 1), rng.choice(PIECES))
        names.append("".join(letters))
    return names


def equal(one: Names, other: Names) -> bool:
    return (
        (one.name, one.core, one.stem) == (other.name, other.core, other.stem)
        and np.array_equal(one.legal_form, other.legal_form)
        and np.array_equal(one.legal_side, other.legal_side)
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_usual_name_reads_as_it_does_step_by_step(seed: int) -> None:
    names = drawn_names(2000, seed)

    different = [
        name for name in names[::4] if not equal(canonical_names([name]), read_step_by_step([name]))
    ]
    assert different == []
    assert equal(canonical_names(names), read_step_by_step(names))
    assert len(read_usual_names(names).others) < len(names) - 200


@pytest.mark.parametrize(
    ("name", "core"),
    [
        ("株式会社青葉商事", "青葉商事"),
        ("（有）青葉", "青葉"),
        ("青葉㈱", "青葉"),
        ("㈱ 青葉", "青葉"),
        ("ＡＯＢＡ　ＦＯＯＤＳ合同会社", "aobafoods"),
        ("サ－ビス有限会社", "サービス"),
    ],
)
def test_usual_names_have_a_form_at_one_edge(name: str, core: str) -> None:
    usual = read_usual_names([name])

    assert usual.core == [core]
    assert usual.others == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "青葉商事",
        "株式会社",
        "株式会社青葉 ※休眠",
        "青葉 株式会社",
        "㈱ 青葉 商事",
        "㈱" * 200,
        "12)㈱青葉",
    ],
)
def test_all_others_are_left_to_be_read_step_by_step(name: str) -> None:
    usual = read_usual_names([name])

    assert usual.name == usual.core == [""]
    assert usual.others == ([0] if name else [])


@pytest.mark.parametrize("seed", range(2))
def test_texts_read_one_character_at_a_time_are_those_of_the_whole(seed: int) -> None:
    texts = drawn_names(2000, seed)

    folded = split(read_kana_block(fold_block(join(texts))), len(texts))
    assert read_kana(texts) == folded
    normal = unicodedata.normalize("NFKC", join(texts)).replace(" ", "")
    assert as_written(texts) == split(normal, len(texts))


def test_a_missing_text_is_refused() -> None:
    missing: list[str] = [None]  # type: ignore[list-item]

    for read in (read_usual_names, read_kana, as_written, are_valid_corporate_numbers):
        with pytest.raises(TypeError, match="expected texts, got None"):
            read(missing)
