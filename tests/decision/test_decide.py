"""The loop from candidates to decisions."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.decide import (
    Decider,
    PreparedPool,
    Thresholds,
    decide_cases,
    decide_cases_raw,
    raw_confidence,
)
from linkage_rl.decision.observation import View
from linkage_rl.records import DecisionKind, Decisions, Observation
from tests.cases_factory import Candidate, Client, typed_cases, without_pairs

VIEW = View(max_candidates=2, costs=(0.01, 0.02), allow_review=True)
NO_MATCH, REVIEW, RUN_NAME, RUN_NGRAM = 2, 3, 4, 5
CASES = typed_cases(
    [
        Client([Candidate("apex", 0b01, 0.9)]),
        Client([Candidate("acme", 0b10, 0.6), Candidate("zeta", 0b10, 0.5)]),
        Client([], available=0b10),
        Client([], available=0b00),
    ]
)
LINK, NO_LINK, TO_REVIEW = DecisionKind.LINK, DecisionKind.NO_MATCH, DecisionKind.REVIEW


@dataclass
class Careful:
    """Runs name, then ngram unless a candidate is there; links above 0.55, else no match."""

    review: bool = False

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        wishes = np.zeros((len(observation), VIEW.layout.size), dtype=np.float32)
        retrieval_score = observation.candidates[:, :, 0]
        seen = retrieval_score.max(axis=1) > 0
        wishes[:, :2] = np.where(retrieval_score > 0, 10 * retrieval_score, -1e8)
        wishes[:, NO_MATCH] = 5.5
        wishes[:, REVIEW] = 100 if self.review else -1e8
        wishes[:, RUN_NAME] = 30
        wishes[:, RUN_NGRAM] = np.where(seen, -1e8, 20)
        return np.where(observation.action_mask, wishes, -1e8).astype(np.float32)


class Stubborn:
    """Prefers to run the first blocker, even when it has run or does not apply."""

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        wishes = np.zeros((len(observation), VIEW.layout.size), dtype=np.float32)
        wishes[:, RUN_NAME] = 1
        return wishes


def decide(
    calibration: Calibration | None = None,
    thresholds: Thresholds | None = None,
    policy: Careful | Stubborn | None = None,
) -> Decisions:
    decider = Decider(policy or Careful(), VIEW, calibration, thresholds)
    return decider.decide(PreparedPool(CASES, VIEW), len(CASES))


def test_each_client_runs_until_its_policy_stops() -> None:
    decisions = decide()

    assert decisions.ran.tolist() == [0b01, 0b11, 0b10, 0b00]
    assert decisions.cost == pytest.approx([0.01, 0.03, 0.02, 0])


def test_the_policys_last_action_is_the_decision() -> None:
    decisions = decide()

    assert decisions.kind.tolist() == [LINK, LINK, NO_LINK, NO_LINK]
    assert CASES.company_ids(decisions.candidate) == ["apex", "acme", "", ""]


def test_confidence_is_the_softmax_of_the_best_slot_among_links_and_no_match() -> None:
    confidence = decide().confidence

    # logits: apex 9, no match 5.5; acme 6, zeta 5, no match 5.5
    assert confidence[0] == pytest.approx(1 / (1 + np.exp(-3.5)))
    assert confidence[1] == pytest.approx(1 / (1 + np.exp(-1.0) + np.exp(-0.5)))
    assert confidence[2:].tolist() == [0, 0]


def test_review_is_kept_when_the_policy_asks_for_it() -> None:
    decisions = decide(policy=Careful(review=True))

    assert decisions.kind.tolist() == [TO_REVIEW] * 4
    assert not decisions.ran.any()


@pytest.mark.parametrize(
    ("thresholds", "kinds"),
    [
        (Thresholds(link=0.5), [LINK, LINK, NO_LINK, NO_LINK]),
        (Thresholds(link=0.9), [LINK, NO_LINK, NO_LINK, NO_LINK]),
        (Thresholds(link=0.9, review=0.4), [LINK, TO_REVIEW, NO_LINK, NO_LINK]),
        (Thresholds(link=0.99), [NO_LINK] * 4),
        (Thresholds(link=0.0), [LINK, LINK, NO_LINK, NO_LINK]),
    ],
)
def test_thresholds_turn_confidence_into_decisions(
    thresholds: Thresholds, kinds: list[DecisionKind]
) -> None:
    decisions = decide(thresholds=thresholds)

    assert decisions.kind.tolist() == kinds
    # the best candidate is kept, since thresholds are moved over it
    assert CASES.company_ids(decisions.candidate) == ["apex", "acme", "", ""]


def test_thresholds_apply_to_the_calibrated_confidence() -> None:
    halved = Calibration(np.array([0.0, 1.0]), np.array([0.0, 0.5]))

    decisions = decide(calibration=halved, thresholds=Thresholds(link=0.48))

    assert decisions.confidence[0] == pytest.approx(0.5 / (1 + np.exp(-3.5)))
    assert decisions.kind.tolist() == [LINK, NO_LINK, NO_LINK, NO_LINK]


def test_a_client_without_candidates_has_no_confidence_however_calibrated() -> None:
    always_half = Calibration(np.array([0.0, 1.0]), np.array([0.5, 0.5]))

    decisions = decide(calibration=always_half, thresholds=Thresholds(link=0.3))

    assert decisions.confidence.tolist() == [0.5, 0.5, 0, 0]
    assert decisions.kind.tolist() == [LINK, LINK, NO_LINK, NO_LINK]


def test_a_policy_that_insists_on_an_illegal_blocker_is_stopped() -> None:
    decisions = decide(policy=Stubborn())

    assert decisions.ran.tolist() == [0b01, 0b01, 0b00, 0b00]


def test_deciding_in_rounds_decides_each_client_as_if_it_were_the_only_one() -> None:
    together = decide()

    for row in range(len(CASES)):
        single = decide_cases(Decider(Careful(), VIEW), CASES.take(np.array([row])))
        assert single.kind[0] == together.kind[row]
        assert single.confidence[0] == together.confidence[row]
        assert single.ran[0] == together.ran[row]


def test_no_clients_and_no_candidates_are_decided() -> None:
    pool = PreparedPool(without_pairs(CASES), VIEW)

    assert len(Decider(Careful(), VIEW).decide(pool, 0)) == 0
    assert not Decider(Careful(), VIEW).decide(pool, 4).kind.any()


def test_huge_logits_do_not_overflow() -> None:
    logits = np.array([[1e8, -1e8, 0, 0, 0, 0]], dtype=np.float32)

    apart = np.array([[0, 1]], dtype=np.int8)

    slot, confidence, tied = raw_confidence(logits, apart)

    assert (slot[0], confidence[0], tied[0]) == (0, 1, 1)


def test_raw_decisions_are_those_before_calibration_and_thresholds() -> None:
    halved = Calibration(np.array([0.0, 1.0]), np.array([0.0, 0.5]))
    decider = Decider(Careful(), VIEW, halved, Thresholds(link=0.9))

    raw, decided = decide_cases_raw(decider, CASES), decide_cases(decider, CASES)

    assert raw.kind.tolist() == [LINK, LINK, NO_LINK, NO_LINK]
    assert decided.kind.tolist() == [NO_LINK] * 4
    assert decided.confidence == pytest.approx(raw.confidence / 2)


def test_confidence_is_that_of_the_tied_candidates_shared_among_them() -> None:
    """Of three candidates the client cannot tell the first two apart; the policy prefers one."""
    logits = np.log(np.array([[0.5, 0.2, 0.2, 0.1]], dtype=np.float32))

    slot, confidence, tied = raw_confidence(logits, np.array([[0, 0, 2]], np.int8))

    assert (slot[0], tied[0]) == (0, 2)
    assert confidence[0] == pytest.approx(0.7)


def test_tied_candidates_never_get_more_than_their_share() -> None:
    twins = typed_cases([Client([Candidate("acme", 0b01, 0.9), Candidate("apex", 0b01, 0.9)])])
    sure = Calibration(np.array([0.0, 1.0]), np.array([0.9, 1.0]))

    for calibration in (None, sure):
        decided = decide_cases(Decider(Careful(), VIEW, calibration), twins)
        assert decided.tied.tolist() == [2]
        assert decided.confidence[0] <= 0.5


@dataclass
class Shares:
    """Stops at once with these weights of the slots and of no match."""

    weights: list[list[float]]

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        wishes = np.full(observation.action_mask.shape, -1e8, dtype=np.float32)
        wishes[:, :-3] = np.log(np.array(self.weights, dtype=np.float32))
        return np.where(observation.action_mask, wishes, -1e8).astype(np.float32)


def test_a_shortlist_has_the_best_candidates_and_shares_ties_equally() -> None:
    view = View(max_candidates=6, costs=(0.01, 0.02), allow_review=False)
    scores = (0.9, 0.8, 0.8, 0.8, 0.5, 0.4)
    cases = typed_cases(
        [
            Client([Candidate(f"{place}", 0b01, score) for place, score in enumerate(scores)]),
            Client([Candidate("one", 0b01, 0.7)]),
            Client([]),
        ]
    )
    weights = [[0.1, 0.3, 0.06, 0.09, 0.2, 0.05, 0.2], [0.6, *[1e-9] * 5, 0.4], [*[1e-9] * 6, 1]]
    decider = Decider(Shares(weights), view, plan=(0,))

    shortlist = decide_cases_raw(decider, cases, shortlist=True).shortlist

    assert shortlist is not None
    assert shortlist.candidate.tolist() == [[4, 1, 3, 2], [6, -1, -1, -1], [-1] * 4]
    np.testing.assert_allclose(shortlist.share[0], [0.2, 0.15, 0.15, 0.15], rtol=1e-5)
    np.testing.assert_allclose(shortlist.share[1], [0.6, 0, 0, 0], rtol=1e-5)
    assert shortlist.tied.tolist() == [[1, 3, 3, 3], [1, 0, 0, 0], [0] * 4]
    np.testing.assert_allclose(shortlist.no_match, [0.2, 0.4, 1.0], rtol=1e-5)
    assert decide_cases_raw(decider, cases).shortlist is None
