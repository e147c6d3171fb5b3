"""What a policy sees: slots by retrieval score, blockers run, what it may do."""

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import SLOT_FEATURES, View
from linkage_rl.records import Observation
from tests.cases_factory import Candidate, Client, typed_cases, without_pairs

VIEW = View(max_candidates=3, costs=(0.01, 0.02))
NAME, NGRAM = 0b01, 0b10


def cases() -> CaseSet:
    return typed_cases(
        [
            Client(
                [
                    Candidate("apex", NAME, 0.8),
                    Candidate("acme", NGRAM, 0.6),
                    Candidate("zeta", NAME | NGRAM, 0.4),
                    Candidate("beta", NGRAM, 0.2),
                ]
            ),
            Client([], available=NGRAM),
        ]
    )


def seen(ran: int, case: int = 0, view: View = VIEW) -> Observation:
    return view.observe(cases(), np.array([case]), np.array([ran], dtype=np.uint16))


def companies(observation: Observation) -> list[str]:
    return cases().company_ids(observation.slot_candidates[0])


@pytest.mark.parametrize(
    ("ran", "slots"),
    [
        (0, ["", "", ""]),
        (NAME, ["apex", "zeta", ""]),
        (NGRAM, ["acme", "zeta", "beta"]),
        (NAME | NGRAM, ["apex", "acme", "zeta"]),
    ],
)
def test_slots_show_what_ran_blockers_propose_by_falling_retrieval_score(
    ran: int, slots: list[str]
) -> None:
    assert companies(seen(ran)) == slots


def test_a_slot_holds_features_then_blocker_bits_then_retrieval_score_lead_and_share() -> None:
    assert VIEW.candidate_features(cases()) == (
        "core_ratio",
        "blocker_name",
        "blocker_ngram",
        *SLOT_FEATURES,
    )

    slots = seen(NAME | NGRAM).candidates[0]

    # apex leads acme by 0.2, the others trail apex by 0.2 and 0.4; (lead + 1) / 2
    assert slots == pytest.approx(
        np.array(
            [
                [0.8, 1, 0, 0.8, 0.6, 1.0],
                [0.6, 0, 1, 0.6, 0.4, 0.75],
                [0.4, 1, 1, 0.4, 0.3, 0.5],
            ]
        )
    )


def test_a_blocker_that_is_not_ran_leaves_no_trace() -> None:
    slots = seen(NAME).candidates[0]

    assert slots[:, 2].tolist() == [0, 0, 0]
    # zeta's best visible rival is apex, not acme
    assert slots[1, 4] == pytest.approx((0.4 - 0.8 + 1) / 2)


def test_a_lone_candidate_leads_nobody_by_its_whole_retrieval_score() -> None:
    alone = typed_cases([Client([Candidate("apex", NAME, 0.8)])])

    slots = VIEW.observe(alone, np.array([0]), np.array([NAME], np.uint16)).candidates[0]

    assert slots[0, 4:] == pytest.approx([(0.8 + 1) / 2, 1])
    assert not slots[1:].any()


@pytest.mark.parametrize(
    ("ran", "state"),
    [(0, [0, 0, 0, 0]), (NAME, [1, 0, 2 / 3, 0.01]), (NAME | NGRAM, [1, 1, 1, 0.03])],
)
def test_the_state_tells_blockers_share_of_slots_and_cost(ran: int, state: list[float]) -> None:
    assert seen(ran).state[0] == pytest.approx(state)


def test_the_mask_allows_filled_slots_no_match_and_blockers_left() -> None:
    assert seen(NAME).action_mask[0].tolist() == [1, 1, 0, 1, 0, 0, 1]
    assert seen(0, case=1).action_mask[0].tolist() == [0, 0, 0, 1, 0, 0, 1]


def test_review_is_offered_where_a_person_stands_by() -> None:
    view = View(3, VIEW.costs, allow_review=True)

    assert seen(NAME, view=view).action_mask[0].tolist() == [1, 1, 0, 1, 1, 0, 1]


def test_cases_are_shown_in_the_order_asked_for_and_as_often() -> None:
    together = VIEW.observe(
        cases(), np.array([1, 0, 0]), np.array([NGRAM, NAME, NGRAM], dtype=np.uint16)
    )

    for place, (case, ran) in enumerate([(1, NGRAM), (0, NAME), (0, NGRAM)]):
        alone = seen(ran, case)
        for name in ("candidates", "query", "state", "action_mask", "slot_candidates"):
            part: NDArray[np.float32] = getattr(together, name)[place]
            assert np.array_equal(part, getattr(alone, name)[0])


def test_observations_are_fresh_arrays() -> None:
    first = seen(NAME)
    first.candidates[:] = 9

    assert seen(NAME).candidates.max() == 1


def test_cases_without_any_pair_are_shown_empty() -> None:
    shown = VIEW.observe(without_pairs(cases()), np.arange(2), np.full(2, 3, dtype=np.uint16))

    assert not shown.candidates.any()
    assert (shown.slot_candidates == -1).all()


def test_no_cases_make_an_observation_of_none() -> None:
    shown = VIEW.observe(cases(), np.zeros(0, np.int64), np.zeros(0, np.uint16))

    assert len(shown) == 0
    assert shown.candidates.shape == (0, 3, 6)
