"""Keys found in sorted hashes, weights summed over postings, bits packed: against plain numpy."""

import pickle
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.candidates import _keys, _propose
from linkage_rl.candidates.blockers import NgramBlocker
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.narrow import numbers_at
from linkage_rl.decision import _pairs
from tests.small_table import clients, company_rows

LAST = 2**64 - 1
RANDOM = np.random.default_rng(5)


def spread(size: int) -> NDArray[np.uint64]:
    return RANDOM.integers(1, LAST, size, dtype=np.uint64, endpoint=True)


HASHES = {
    "none": np.zeros(0, dtype=np.uint64),
    "one": np.array([7], dtype=np.uint64),
    "even": spread(5000),
    "repeated": np.repeat(spread(50), RANDOM.integers(1, 300, 50)),
    "low": np.arange(1, 3000, dtype=np.uint64),
    "high": LAST - np.arange(3000, dtype=np.uint64),
    "both ends": np.array([1] * 900 + [LAST] * 900, dtype=np.uint64),
    "one key": np.full(2000, 1 << 63, dtype=np.uint64),
}


@pytest.mark.parametrize("name", HASHES)
def test_keys_are_counted_however_unevenly_they_lie(name: str) -> None:
    keys = np.sort(HASHES[name])
    near = np.concatenate([keys[::7], keys[::11] + np.uint64(1), keys[::13] - np.uint64(1)])
    wanted = np.concatenate([near, spread(200), np.array([1, 2, 1 << 63, LAST], dtype=np.uint64)])
    wanted = wanted[wanted > 0]
    counts = np.zeros((len(wanted), 2), dtype=np.int64)

    _keys.KeyCounts([(keys, keys[::3].copy()), (keys, keys[:0])]).add([wanted, wanted], counts)

    held, left_out = Counter(keys.tolist()), Counter(keys[::3].tolist())
    assert _keys.count_keys(keys, wanted).tolist() == [held[key] for key in wanted.tolist()]
    assert counts.tolist() == [[held[key] - left_out[key], held[key]] for key in wanted.tolist()]


def test_keys_are_counted_alike_from_the_runs_of_their_distinct_ones() -> None:
    keys = np.sort(RANDOM.integers(1, 2**63, 40, dtype=np.uint64))
    sizes = RANDOM.integers(1, 60, 40)
    every = np.repeat(keys, sizes)
    none, wanted = every[:0], np.concatenate([keys, keys + np.uint64(1), keys[:1] - np.uint64(1)])
    counts = np.zeros((len(wanted), 3), dtype=np.int64)

    _keys.KeyCounts(
        [
            (every, every[::7].copy()),
            (keys, every[::7].copy(), np.cumsum(sizes)),
            (none, none, sizes[:0]),
        ]
    ).add([wanted] * 3, counts)

    assert counts[:, 0].sum() == sizes.sum() - len(every[::7])
    assert (counts[:, 0] == counts[:, 1]).all()
    assert not counts[:, 2].any()


def test_ends_of_another_number_of_keys_are_refused() -> None:
    keys = np.arange(1, 4, dtype=np.uint64)

    with pytest.raises(ValueError, match="expected ends of 3 keys, got 2"):
        _keys.KeyCounts([(keys, keys[:0], np.array([1, 3]))])


def test_the_key_0_of_clients_that_lack_it_counts_nothing() -> None:
    counts = np.zeros((1, 1), dtype=np.int64)

    _keys.KeyCounts([(np.zeros(3, dtype=np.uint64), np.zeros(0, dtype=np.uint64))]).add(
        [np.zeros(1, dtype=np.uint64)], counts
    )

    assert not counts.any()


def test_more_indexes_than_are_counted_at_once_are_refused() -> None:
    nothing = np.zeros(0, dtype=np.uint64)

    with pytest.raises(ValueError, match="at most 32 key indexes, got 33"):
        _keys.KeyCounts([(nothing, nothing)] * 33)


@pytest.fixture(scope="module")
def names() -> CompanyIndex:
    """2,000 companies of names over few characters, so that all share n-grams with many."""
    letters = RANDOM.choice([*"山川田中大小木本石上"], (2000, 6))
    rows = {f"c{row}": {"name": "".join(name[: 2 + row % 5])} for row, name in enumerate(letters)}
    return CompanyIndex.build([company_rows(rows)])


@pytest.mark.parametrize("blocker", [NgramBlocker(), NgramBlocker(budget=300, documents=5)])
def test_names_of_most_weight_are_those_of_a_plain_sum(
    names: CompanyIndex, blocker: NgramBlocker
) -> None:
    segment = names.base
    asking = clients(*({"name": name} for name in ("山川田中", "大小木本石", "中山", "上上上")))
    wanted = []
    for client in range(len(asking)):
        ends = asking.encoded.gram_offsets[3 * client : 3 * client + 4]
        grams = asking.encoded.grams[ends[0] : ends[3]]
        sizes = np.diff(segment.gram_starts)[grams]
        mass = np.zeros(len(segment.documents), dtype=np.float32)
        left, met = blocker.budget, []
        for gram in grams[np.argsort(sizes, kind="stable")]:
            begin, end = segment.gram_starts[gram : gram + 2]
            postings = numbers_at(segment.postings, np.arange(begin, min(end, begin + left)))
            left -= len(postings)
            mass[postings] += segment.idf[gram] * segment.idf[gram]
            met += [doc for doc in postings.tolist() if doc not in met]
        values = mass[met] / segment.document_norms[met]
        best = np.array(met)[np.argsort(-values, kind="stable")[: blocker.documents]]
        wanted.append(set(np.flatnonzero(np.isin(segment.rows["doc"], best)).tolist()))

    found = names.propose(blocker, asking, np.arange(len(asking)), 2000).rows

    assert [set(rows[rows >= 0].tolist()) for rows in found] == wanted


def test_chosen_clients_in_any_order_get_what_they_get_by_themselves(names: CompanyIndex) -> None:
    asking = clients(*({"name": name} for name in ("山川田中", "", "中山", "上上上")))
    chosen = np.array([3, 0, 0, 2])

    together = names.propose(NgramBlocker(), asking, chosen, 9)

    for place, client in enumerate(chosen):
        alone = names.propose(NgramBlocker(), asking, np.array([client]), 9)
        assert np.array_equal(together.rows[place], alone.rows[0])
        assert np.array_equal(together.retrieval_score[place], alone.retrieval_score[0])


def test_an_index_that_has_searched_can_be_pickled(names: CompanyIndex) -> None:
    asking = clients({"name": "山川田中"}, {"name": "中山"})
    first = names.propose(NgramBlocker(), asking, np.arange(2), 9)
    counts = names.name_frequencies(asking)

    again, asking_again = pickle.loads(pickle.dumps((names, asking)))

    second = again.propose(NgramBlocker(), asking_again, np.arange(2), 9)
    assert np.array_equal(first.rows, second.rows)
    assert np.array_equal(counts, again.name_frequencies(asking_again))


def test_a_free_slot_holds_no_document_and_no_weight() -> None:
    free = np.array([_propose.FREE], dtype=np.int64)

    assert free.view(np.int32)[0] == -1
    assert free.view(np.float32)[1] == 0


def test_columns_become_bits_from_the_lowest_on() -> None:
    columns = [np.array([0, 1, 1], dtype=np.uint8), np.array([2, 0, 1], dtype=np.uint8)]

    assert _pairs.as_bits(columns, 3).tolist() == [2, 1, 3]
    assert _pairs.as_bits([], 2).tolist() == [0, 0]
    with pytest.raises(ValueError, match="expected 2 values in a column, got 3"):
        _pairs.as_bits(columns, 2)


def test_pairs_without_features_get_the_next_rows() -> None:
    feature_rows = np.array([1, -1, 0, -1], dtype=np.int64)

    clients_of, rows = _pairs.number_new(
        np.array([0, 0, 3, 4]), np.array([9, 8, 7, 6]), feature_rows, 2
    )

    assert clients_of.tolist() == [1, 2]
    assert rows.tolist() == [8, 6]
    assert feature_rows.tolist() == [1, 2, 0, 3]


@pytest.mark.parametrize(
    ("columns", "width"), [([3, 3], 1), ([3], 2), ([3, 2], 2), ([4, 3], 2), ([], 0)]
)
def test_keys_of_other_sizes_are_not_counted(columns: list[int], width: int) -> None:
    nothing = np.zeros(0, dtype=np.uint64)
    counting = _keys.KeyCounts([(spread(5), nothing), (spread(5), nothing)])
    wanted = [np.ones(size, dtype=np.uint64) for size in columns]

    with pytest.raises(ValueError, match=r"expected .*keys"):
        counting.add(wanted, np.zeros((3, width), dtype=np.int64))


@pytest.mark.parametrize(
    ("asking", "rows", "scores"),
    [
        ([0], (2, 3), (2, 3)),
        ([0, 1], (2, 3), (2, 2)),
        ([0, 2], (2, 3), (2, 3)),
        ([-1], (1, 3), (1, 3)),
    ],
)
def test_proposals_of_other_sizes_are_not_merged(
    asking: list[int], rows: tuple[int, int], scores: tuple[int, int]
) -> None:
    none = np.zeros(0, dtype=np.int64)
    nothing = (none, none.astype(np.uint16), none.astype(np.float32), none)

    with pytest.raises(ValueError, match="expected"):
        _pairs.merge(
            np.zeros(3, dtype=np.int64),
            *nothing,
            np.array(asking),
            np.zeros(rows, dtype=np.int64),
            np.zeros(scores, dtype=np.float32),
            0,
        )
