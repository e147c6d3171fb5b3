"""The list stage on prepared cases: what it reads, and its answers beside the truth."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.candidates.strings import StringColumn
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.list_stage import CLIENT_FEATURES, PAIR_FEATURES
from linkage_rl.evaluation.list_mode import first_pass, list_answers
from linkage_rl.records import SHORTLIST, Decisions, Shortlist
from tests.cases_factory import Candidate, Client, typed_cases


class BestMate:
    """Takes what a mate of equal core thinks, else the client's own."""

    def logits(
        self, pairs: NDArray[np.float32], clients: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        value = pairs[:, PAIR_FEATURES.index("share")]
        value = value + pairs[:, PAIR_FEATURES.index("highest_core")]
        no_match = clients[:, CLIENT_FEATURES.index("no_match")]
        return np.log(value + 1e-6), np.log(no_match + 1e-6)


def two_mates() -> CaseSet:
    """Client c1 has the same core as c0, but only c0 has acme, which is right for both."""
    cases = typed_cases(
        [
            Client([Candidate("acme", 0b01, 0.9, right=True), Candidate("apex", 0b01, 0.5)]),
            Client([Candidate("zeta", 0b01, 0.3)]),
            Client([Candidate("zeta", 0b01, 0.3)], has_row=False),
        ]
    )
    keys = np.zeros((3, 4), dtype=np.uint64)
    keys[:2, 0] = 7
    return replace(cases, keys=keys, truth=StringColumn.from_texts(["acme", "other|acme", ""]))


def decisions() -> Decisions:
    none = Shortlist.empty(3)
    none.candidate[0, :2], none.share[0, :2], none.tied[0, :2] = (0, 1), (0.8, 0.1), 1
    none.candidate[1, 0], none.share[1, 0], none.tied[1, 0] = 2, 0.2, 1
    none.candidate[2, 0], none.share[2, 0], none.tied[2, 0] = 3, 0.2, 1
    none.no_match[:] = (0.1, 0.8, 0.8)
    zero = np.zeros(3, dtype=np.float32)
    return Decisions(
        np.zeros(3, np.int8), none.candidate[:, 0], zero, np.ones(3, np.int16),
        np.ones(3, np.uint16), zero, none,
    )  # fmt: skip


def test_the_first_pass_names_companies_instead_of_pairs() -> None:
    cases = two_mates()
    first = first_pass(decisions(), cases)
    assert first.candidates[:, 0].tolist() == cases.pair_company[[0, 2, 3]].tolist()
    assert first.candidates.shape == (3, SHORTLIST)
    assert np.array_equal(first.keys, cases.keys)


def test_a_company_that_no_blocker_proposed_is_judged_by_the_truth() -> None:
    answers = list_answers(BestMate(), decisions(), two_mates())
    assert answers.pair.tolist() == [0, -1, 3], "c1 has no pair with acme"
    assert answers.right.tolist() == [True, True, False]
    assert answers.has_candidate.all()
    assert answers.confidence[1] == pytest.approx(0.8 / 1.8, abs=0.01)


def test_clients_of_two_lists_are_no_mates() -> None:
    cases = replace(two_mates(), dataset=np.array([0, 1, 1], dtype=np.int16))
    assert list_answers(BestMate(), decisions(), cases).pair.tolist() == [0, 2, 3]


def test_decisions_without_a_shortlist_are_refused() -> None:
    with pytest.raises(ValueError, match="shortlist=True"):
        first_pass(replace(decisions(), shortlist=None), two_mates())
