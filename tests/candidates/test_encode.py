"""Records as fixed-width numbers, and their n-grams."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.candidates import _text
from linkage_rl.candidates.encode import (
    GRAM_BUCKETS,
    ROW,
    document_keys,
    encode,
    gram_lists,
    hash_texts,
)
from linkage_rl.text.canonical import canonicalise
from tests.small_table import COMPANIES, client_records, records


def grams(text: str, field: int = 0) -> set[int]:
    _, buckets = _text.gram_lists([[""]] * field + [[text]], GRAM_BUCKETS - 1)
    return set(buckets.tolist())


def packed_blocks(blocks: list[str]) -> NDArray[np.uint16]:
    clients = canonicalise(client_records(*[{}] * len(blocks)))
    packed: NDArray[np.uint16] = encode(replace(clients, block=blocks)).rows["block"]
    return packed


def test_hashes_are_the_same_on_every_machine() -> None:
    hashes = hash_texts(["", "青空商事", "JFE"])

    assert hashes.tolist() == [0, 13006260888038864964, 11521028540152759711]


def test_equal_texts_have_equal_hashes_and_others_have_not() -> None:
    texts = ["青空", "青空", "空青", "青", "青空 ", "aozora"]

    hashes = hash_texts(texts)

    assert hashes[0] == hashes[1]
    assert len(set(hashes.tolist())) == 5


def test_a_salt_makes_fields_differ_but_the_empty_text_is_always_zero() -> None:
    assert hash_texts(["青空", ""], salt=1)[0] != hash_texts(["青空", ""], salt=2)[0]
    assert hash_texts([""], salt=7)[0] == 0


def test_a_record_takes_72_bytes() -> None:
    assert ROW.itemsize == 72


def test_missing_fields_are_zero_and_a_missing_postal_code_is_minus_one() -> None:
    row = encode(canonicalise(client_records({}))).rows[0]

    assert row["postal"] == -1
    assert not any(np.any(row[name]) for name in ROW.names or () if name != "postal")


def test_fields_are_packed_as_numbers() -> None:
    row = encode(canonicalise(records(COMPANIES))).rows[0]

    assert row["postal"] == 1010051
    assert row["prefecture"] == 13
    assert row["block"].tolist() == [2, 38, 0]
    assert row["phone_area"] == 33
    assert row["office"] == 100
    assert row["corporate"] != 0


def test_towns_of_one_name_in_two_cities_are_different_towns() -> None:
    rows = encode(
        canonicalise(
            client_records(
                {"prefecture": "東京都", "city": "中央区", "street": "本町1-2"},
                {"prefecture": "千葉県", "city": "船橋市", "street": "本町1-2"},
            )
        )
    ).rows

    assert rows["town"][0] != rows["town"][1]


@pytest.mark.parametrize(
    ("block", "numbers"),
    [
        ("", [0, 0, 0]),
        ("2", [2, 0, 0]),
        ("2-38", [2, 38, 0]),
        ("1-2-3-405", [1, 2, 3]),
        ("32767", [32767, 0, 0]),
    ],
)
def test_a_block_is_read_as_its_first_three_numbers(block: str, numbers: list[int]) -> None:
    assert packed_blocks([block]).tolist() == [numbers]


def test_lots_named_by_letters_or_huge_numbers_get_codes_above_all_numbers() -> None:
    codes = packed_blocks(["甲-1", "乙-1", "99999", "99998", "12甲"])[:, 0]

    assert (codes >= 0x8000).all()
    assert len(set(codes.tolist())) == 5


def test_ideographs_make_pairs_with_the_edges_of_the_name() -> None:
    # ^青 青空 空$, of which 青山 shares the first and 大空 the last
    assert len(grams("青空")) == 3
    assert len(grams("青空") & grams("青山")) == 1
    assert len(grams("青空") & grams("大空")) == 1


def test_kana_and_latin_letters_make_triples() -> None:
    # ^アオ アオゾ オゾラ ゾラ$
    assert len(grams("アオゾラ")) == 4
    assert len(grams("アオゾラ") & grams("アオソラ")) == 1


def test_each_gram_counts_once_and_they_are_sorted() -> None:
    _, buckets = _text.gram_lists([["東東東東"]], GRAM_BUCKETS - 1)

    # ^東 東東 東$
    assert len(buckets) == 3
    assert sorted(buckets.tolist()) == buckets.tolist()


def test_one_character_has_grams_and_no_character_has_none() -> None:
    assert len(grams("東")) == 2
    assert len(grams("a")) == 1
    assert grams("") == set()


def test_fields_do_not_share_buckets() -> None:
    assert not grams("アオゾラ", field=0) & grams("アオゾラ", field=1)


def test_the_grams_of_a_document_lie_field_by_field() -> None:
    offsets, buckets = gram_lists(["青空", "東"], ["アオゾラ", ""], ["", "acme"])

    assert offsets.tolist() == [0, 3, 7, 7, 9, 9, 13]
    assert set(buckets[0:3].tolist()) == grams("青空")
    assert set(buckets[3:7].tolist()) == grams("アオゾラ", 1)
    assert set(buckets[9:13].tolist()) == grams("acme", 2)


def test_records_that_share_core_and_readings_share_a_document() -> None:
    tokyo, osaka, llc, takahashi = document_keys(canonicalise(records(COMPANIES)))[:4]

    assert tokyo == osaka == llc
    assert tokyo != takahashi


def test_columns_of_different_lengths_are_refused() -> None:
    clients = canonicalise(client_records({"name": "青空"}, {"name": "大空"}))

    with pytest.raises(ValueError, match="expected 2 records in each column"):
        encode(replace(clients, town=[""]))
    for field in ("core", "kana", "latin"):
        short: dict[str, Any] = {field: [""]}
        with pytest.raises(ValueError, match=r"expected [12] texts in each column"):
            encode(replace(clients, **short))
    with pytest.raises(ValueError, match=r"expected 2 texts in each column, got \[2, 3\]"):
        _text.hash_columns((["a", "b"], ["c", "d", "e"]), 0)
    with pytest.raises(ValueError, match=r"expected 2 texts in each column, got \[2, 1\]"):
        _text.joined((["a", "b"], ["c"]), (0,))


def test_a_missing_text_is_refused() -> None:
    clients = canonicalise(client_records({"name": "青空", "city": "中央区"}))
    missing: list[Any] = [None]

    for field in ("name", "city", "town", "phone", "corporate_number", "postal_code", "block"):
        lacking: dict[str, Any] = {field: missing}
        with pytest.raises(TypeError, match="NoneType"):
            encode(replace(clients, **lacking))
    with pytest.raises(TypeError, match="NoneType"):
        hash_texts(missing)
    with pytest.raises(TypeError, match="NoneType"):
        _text.joined((["a"], missing), (0,))
    with pytest.raises(TypeError, match="NoneType"):
        gram_lists(["a"], missing, [""])
