"""What holds for any text: nothing raises, canonical texts stay as they are, nothing is slow."""

import random
import time
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage_rl.records import FIELDS, RecordBatch
from linkage_rl.text.addresses import Addresses, canonical_addresses
from linkage_rl.text.canonical import canonical_former_cores, canonicalise
from linkage_rl.text.corporate_numbers import canonical_corporate_numbers
from linkage_rl.text.municipalities import PREFECTURES
from linkage_rl.text.names import canonical_kana, canonical_names
from linkage_rl.text.phones import canonical_phones
from linkage_rl.text.postal_codes import canonical_postal_codes
from linkage_rl.text.urls import canonical_domains

_WORDS = (
    "株式会社 (株) ㈱ 有限会社 医療法人( 旧社名: 代表取締役 支店 新宿店 御中 様 ※ → / | ・ jv 他1社"
    " 第一 co.,ltd. gmbh inc and npo ja 東京都 京都市 大阪市 中央区 上る 角 北1西 丁目 番地 号 の"
    " 大字 〒 03- +81 090 0 1- 530-0001 e+12 =\" ' .0 , http:// a@ .co.jp www. ★ [at] &amp; &#x0;"
    " _x000D_ <br> ヴ ー ゛ \ud800 \x00 \u202e \u0301 ﷽ ㍿ ① 〓 ? なし null アオバ 青葉 aoba 十 百"
    " カ) (カ"
)
PIECES = _WORDS.split(" ")
ANY_TEXT = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(categories=["Cs", "Cc", "Cf", "Mn", "Lo"]), max_size=20),
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join),
)


def kana(texts: Sequence[str]) -> list[str]:
    return canonical_kana(texts, [""] * len(texts))


def addresses(texts: Sequence[str]) -> Addresses:
    return canonical_addresses([""] * len(texts), [""] * len(texts), texts)


@pytest.mark.parametrize(
    "canonical",
    [
        canonical_phones,
        canonical_domains,
        canonical_postal_codes,
        canonical_corporate_numbers,
        kana,
    ],
)
@settings(max_examples=150, deadline=None)
@given(text=ANY_TEXT)
def test_a_canonical_identifier_is_canonical(
    canonical: Callable[[Sequence[str]], list[str]], text: str
) -> None:
    once = canonical([text])
    assert canonical(once) == once


@settings(max_examples=300, deadline=None)
@given(text=ANY_TEXT)
def test_the_canonical_name_of_a_plain_name_reads_the_same(text: str) -> None:
    plain = "青葉" + "".join(char for char in text if char.isalpha() and ord(char) > 0x3040)
    names = canonical_names([plain])
    again = canonical_names(names.name)
    assert (again.name, again.core) == (names.name, names.core)


@settings(max_examples=300, deadline=None)
@given(text=ANY_TEXT)
def test_the_place_of_a_canonical_address_is_the_same(text: str) -> None:
    for written in (text, "大阪府大阪市北区" + text):
        read = addresses([written])
        place = int(read.prefecture[0]), read.city[0]
        if all(place):
            again = addresses([PREFECTURES[place[0] - 1] + read.city[0]])
            assert (int(again.prefecture[0]), again.city[0]) == place


SIZE = 100_000
FRAGMENTS = (
    *(piece for piece in PIECES if piece),
    *(
        "(",
        "(a第1[",
        "代(",
        ",",
        "/",
        "・",
        "+",
        "((",
        "()",
        "(03)",
        "½",
        "ﷺ",
        "㈱",
        "|",
        "a|",
        "\n",
    ),
    *("休眠(", " 店", "会社 ", "fax", "12,", "1-2-", "二の", " and ", "a.b.", "a@b.", "&amp;amp;"),
)
"""Fragments that were slow, or that a pattern may begin with, again and again."""


def batch_of(*texts: str, field: str = "") -> RecordBatch:
    """A record for each text, with the text in one field, or in every field."""
    names = (field,) if field else FIELDS
    return RecordBatch([str(n) for n in range(len(texts))], dict.fromkeys(names, texts))


def seconds(text: str, field: str) -> float:
    """CPU time of one record; the best of some tries, since others use this machine."""
    best = 1.0
    for _ in range(4):
        begin = time.process_time()
        canonicalise(batch_of(text, field=field))
        best = min(best, time.process_time() - begin)
        if best < 0.02:
            break
    return best


@pytest.mark.parametrize("field", FIELDS)
def test_no_text_of_100_000_characters_costs_more_than_20_milliseconds(field: str) -> None:
    rng = random.Random(0)
    mixed = ["".join(rng.sample(FRAGMENTS, 2)) for _ in range(15)]
    canonicalise(batch_of("大宮市桜木町1"))  # reads the towns
    slow = {}
    for fragment in (*FRAGMENTS, *mixed):
        for begin, end in (("", ""), ("株式会社青葉", "(jv支店")):
            text = begin + (fragment * (SIZE // len(fragment)))[: rng.choice((SIZE, 480))] + end
            slow[begin, fragment] = seconds(text, field)
    worst = max(slow, key=lambda one: slow[one])
    assert slow[worst] < 0.02, worst


def test_many_former_names_cost_no_more() -> None:
    text = "|".join(f"{number:x}社" for number in range(20_000))

    assert seconds(text, "former_names") < 0.02
    assert len(canonical_former_cores([text])[0]) > 500
