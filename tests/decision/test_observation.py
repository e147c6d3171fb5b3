"""What a policy sees: slots by retrieval score, blockers run, what it may do."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.decision import _observe
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import SLOT_FEATURES, View
from linkage_rl.errors import ConfigError
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
def test_slots_hold_what_blockers_that_ran_propose_by_falling_retrieval_score(
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
                [0.8, 1, 0, 0.8, 0.6, 1.0, 0],
                [0.6, 0, 1, 0.6, 0.4, 0.75, 0],
                [0.4, 1, 1, 0.4, 0.3, 0.5, 0],
            ]
        )
    )


def test_a_blocker_that_has_not_run_has_no_effect() -> None:
    slots = seen(NAME).candidates[0]

    assert slots[:, 2].tolist() == [0, 0, 0]
    # zeta's best visible rival is apex, not acme
    assert slots[1, 4] == pytest.approx((0.4 - 0.8 + 1) / 2)


def test_a_single_candidate_leads_by_its_retrieval_score() -> None:
    single = typed_cases([Client([Candidate("apex", NAME, 0.8)])])

    slots = VIEW.observe(single, np.array([0]), np.array([NAME], np.uint16)).candidates[0]

    assert slots[0, 4:] == pytest.approx([(0.8 + 1) / 2, 1, 0])
    assert not slots[1:].any()


def test_candidates_that_the_client_cannot_tell_apart_are_tied() -> None:
    four = typed_cases(
        [
            Client(
                [
                    Candidate(name, NAME, score)
                    for name, score in zip("abcd", (0.9, 0.5, 0.5, 0.5), strict=True)
                ]
            )
        ]
    )

    shown = View(4, VIEW.costs).observe(four, np.array([0]), np.array([NAME], np.uint16))

    # the only feature of these cases is the retrieval score
    assert shown.ties.tolist() == [[0, 1, 1, 1]]
    assert shown.candidates[0, :, -1] == pytest.approx([0, 2 / 3, 2 / 3, 2 / 3])


def test_what_only_the_company_differs_in_does_not_break_a_tie() -> None:
    two = typed_cases([Client([Candidate("a", NAME, 0.5), Candidate("b", NAME, 0.5)])])
    features = np.array([[0.5, 0.1], [0.5, 0.9]], dtype=np.float32)

    def ties(other: str) -> list[int]:
        known = replace(two, feature_names=("core_ratio", other), features=features)
        shown = VIEW.observe(known, np.array([0]), np.array([NAME], np.uint16))
        tied: list[int] = shown.ties[0].tolist()
        return tied

    assert ties("company_city_frequency") == [0, 0, -1]
    assert ties("kana_ratio") == [0, 1, -1]


@pytest.mark.parametrize(
    ("ran", "state"),
    [(0, [0, 0, 0, 0]), (NAME, [1, 0, 2 / 3, 0.01]), (NAME | NGRAM, [1, 1, 1, 0.03])],
)
def test_the_state_holds_blockers_share_of_slots_and_cost(ran: int, state: list[float]) -> None:
    assert seen(ran).state[0] == pytest.approx(state)


def test_the_mask_allows_filled_slots_no_match_and_blockers_left() -> None:
    assert seen(NAME).action_mask[0].tolist() == [1, 1, 0, 1, 0, 0, 1]
    assert seen(0, case=1).action_mask[0].tolist() == [0, 0, 0, 1, 0, 0, 1]


def test_review_is_legal_where_it_is_offered() -> None:
    view = View(3, VIEW.costs, allow_review=True)

    assert seen(NAME, view=view).action_mask[0].tolist() == [1, 1, 0, 1, 1, 0, 1]


def test_cases_are_observed_in_the_given_order_and_as_often() -> None:
    together = VIEW.observe(
        cases(), np.array([1, 0, 0]), np.array([NGRAM, NAME, NGRAM], dtype=np.uint16)
    )

    for place, (case, ran) in enumerate([(1, NGRAM), (0, NAME), (0, NGRAM)]):
        single = seen(ran, case)
        for name in ("candidates", "query", "state", "action_mask", "slot_candidates"):
            part: NDArray[np.float32] = getattr(together, name)[place]
            assert np.array_equal(part, getattr(single, name)[0])


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
    assert shown.candidates.shape == (0, 3, 7)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, (0.1,)), "env.max_candidates in 1..127, got 0"),
        ((-3, (0.1,)), "env.max_candidates in 1..127, got -3"),
        ((3, (0.1,) * 17), "at most 16 blockers, got the costs of 17"),
        ((3, (0.1, -0.2)), r"cost of each blocker to be 0 or more, got \[0.1, -0.2\]"),
        ((3, (0.1, float("nan"))), "cost of each blocker to be 0 or more"),
    ],
)
def test_a_view_that_makes_no_sense_is_refused(
    arguments: tuple[int, tuple[float, ...]], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        View(*arguments)


@pytest.mark.parametrize("costs", [(0.01,), (0.01, 0.02, 0.03)])
def test_costs_must_fit_the_blockers_of_the_cases(costs: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match=r"expected 2 costs.*\['name', 'ngram'\]"):
        View(3, costs).candidate_features(cases())


@pytest.mark.parametrize(
    ("case", "slots", "blockers"), [(2, 3, 2), (-1, 3, 2), (0, 0, 2), (0, 3, 17)]
)
def test_the_kernel_refuses_what_would_write_past_an_array(
    case: int, slots: int, blockers: int
) -> None:
    some = cases()

    with pytest.raises(ValueError, match="expected"):
        _observe.observe(
            np.array([case]),
            np.array([NAME], dtype=np.uint16),
            some.starts,
            some.pair_blockers,
            some.retrieval_score,
            some.features,
            some.feature_rows,
            some.candidate_ids,
            some.evidence,
            some.query,
            some.available,
            np.zeros(blockers, dtype=np.float32),
            slots,
            False,
        )


def test_a_set_of_blockers_is_needed_for_each_case() -> None:
    with pytest.raises(ValueError, match="expected 2 blocker sets, one per case, got 1"):
        VIEW.observe(cases(), np.array([0, 1]), np.array([NAME], dtype=np.uint16))
