"""Case sets: what they hold, and how they are cut, joined, saved and loaded."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from linkage_rl.decision.cases import CaseSet, join_cases
from linkage_rl.errors import CandidateIndexError, ConfigError, SchemaError
from tests.cases_factory import Candidate, Client, typed_cases, without_pairs


def three_cases() -> CaseSet:
    return typed_cases(
        [
            Client([Candidate("acme", 0b01, 0.9), Candidate("apex", 0b10, 0.8, right=True)]),
            Client([], has_row=False),
            Client([Candidate("zeta", 0b11, 0.7, right=True)]),
        ]
    )


def companies_by_client(cases: CaseSet) -> dict[str, list[str]]:
    ids = cases.company_ids(np.arange(cases.pairs))
    return {
        client: ids[cases.starts[row] : cases.starts[row + 1]]
        for row, client in enumerate(cases.clients.take(np.arange(len(cases))))
    }


def assert_equal(left: CaseSet, right: CaseSet) -> None:
    assert left.blockers == right.blockers
    assert companies_by_client(left) == companies_by_client(right)
    for name in (
        "starts",
        "retrieval_score",
        "features",
        "is_right",
        "query",
        "dataset",
        "available",
    ):
        assert np.array_equal(getattr(left, name), getattr(right, name))


def test_pairs_belong_to_their_cases() -> None:
    cases = three_cases()

    assert (len(cases), cases.pairs) == (3, 3)
    assert cases.case_of_pair.tolist() == [0, 0, 2]
    assert companies_by_client(cases) == {"c0": ["acme", "apex"], "c1": [], "c2": ["zeta"]}


def test_no_pair_has_no_company() -> None:
    assert three_cases().company_ids(np.array([2, -1, 0])) == ["zeta", "", "acme"]
    assert without_pairs(three_cases()).company_ids(np.array([-1, -1])) == ["", ""]


def test_cases_are_taken_in_any_order_and_as_often_as_given() -> None:
    taken = three_cases().take(np.array([2, 0, 0]))

    assert taken.clients.take(np.arange(3)) == ["c2", "c0", "c0"]
    assert taken.company_ids(np.arange(5)) == ["zeta", "acme", "apex", "acme", "apex"]
    assert taken.is_right.tolist() == [True, False, True, False, True]
    assert taken.starts.tolist() == [0, 1, 3, 5]


def test_taking_no_case_leaves_none() -> None:
    none = three_cases().take(np.zeros(0, dtype=np.int64))

    assert (len(none), none.pairs) == (0, 0)


def test_a_saved_set_is_loaded_as_it_was(tmp_path: Path) -> None:
    three_cases().save(tmp_path / "cases")

    assert_equal(CaseSet.load(tmp_path / "cases"), three_cases())


def test_an_older_set_with_offsets_of_64_bits_is_loaded_or_refused(tmp_path: Path) -> None:
    three_cases().save(tmp_path / "cases")
    path = next((tmp_path / "cases").glob("*.offsets.npy"))
    offsets = np.load(path).astype(np.int64)
    np.save(path, offsets)
    assert_equal(CaseSet.load(tmp_path / "cases"), three_cases())

    offsets[-1] += 1 << 32
    np.save(path, offsets)
    with pytest.raises(CandidateIndexError, match="expected columns of at most"):
        CaseSet.load(tmp_path / "cases")


def test_folders_can_be_texts(tmp_path: Path) -> None:
    three_cases().save(str(tmp_path / "cases"))

    assert_equal(CaseSet.load(str(tmp_path / "cases")), three_cases())


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"saved cases with a cases\.json, got .*nowhere"):
        CaseSet.load(tmp_path / "nowhere")


def test_a_set_without_any_pair_is_saved_and_loaded(tmp_path: Path) -> None:
    empty = without_pairs(three_cases())

    empty.save(tmp_path)

    assert_equal(CaseSet.load(tmp_path), empty)


def test_a_loaded_set_is_mapped_and_can_be_cut(tmp_path: Path) -> None:
    three_cases().save(tmp_path)

    loaded = CaseSet.load(tmp_path)

    assert isinstance(loaded.features, np.memmap)
    assert_equal(loaded.take(np.array([2, 0])), three_cases().take(np.array([2, 0])))


def test_joined_sets_keep_their_pairs_and_get_a_dataset() -> None:
    joined = join_cases([three_cases(), three_cases().take(np.array([2]))], [5, 8])

    assert len(joined) == 4
    assert joined.dataset.tolist() == [5, 5, 5, 8]
    assert joined.starts.tolist() == [0, 2, 2, 3, 4]
    assert joined.company_ids(np.arange(4)) == ["acme", "apex", "zeta", "zeta"]
    assert joined.company_texts.take(joined.pair_company) == [
        "company acme",
        "company apex",
        "company zeta",
        "company zeta",
    ]


def test_joining_the_pieces_of_a_set_gives_the_set() -> None:
    cases = three_cases()

    pieces = join_cases([cases.take(np.array([row])) for row in range(3)], [0, 0, 0])

    assert_equal(pieces, cases)


def test_a_single_part_only_gets_its_dataset() -> None:
    cases = three_cases()

    joined = join_cases([cases], [3])

    assert joined.features is cases.features
    assert joined.dataset.tolist() == [3, 3, 3]


def test_sets_of_other_blockers_cannot_be_joined() -> None:
    other = replace(three_cases(), blockers=("name", "kana"))

    with pytest.raises(SchemaError, match=r"need the same blockers, got \('name', 'ngram'\)"):
        join_cases([three_cases(), other], [0, 1])


@pytest.mark.parametrize("name", ["retrieval_score", "features", "query", "dataset"])
def test_arrays_that_do_not_fit_are_refused(name: str) -> None:
    cases = three_cases()

    with pytest.raises(SchemaError, match=rf"cases need 3 (pairs|cases) in '{name}', got 2"):
        replace(cases, **{name: getattr(cases, name)[:2]})
