from collections.abc import Mapping

import numpy as np
import pytest

from linkage_rl.agents.baselines import Oracle, Rules, TopOne
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, PreparedPool
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights, decision_rewards
from linkage_rl.errors import ConfigError
from linkage_rl.protocols import Policy
from linkage_rl.records import DecisionKind, Decisions
from tests.cases_factory import (
    DRAWN_VIEW,
    Candidate,
    Client,
    second_is_right,
    synthetic_cases,
    two_clients,
    typed_cases,
)
from tests.random_policy import RandomPolicy

VIEW = View(3, (0.01, 0.05))
UNIQUE, SHARED_BY_TWO = np.log1p([1, 2]) / np.log(1001)
FEATURES = (
    "name_equal",
    "core_equal",
    "stem_equal",
    "city_equal",
    "phone_equal",
    "domain_equal",
    "corporate_equal",
    "client_name_frequency",
    "client_core_frequency",
    "company_core_frequency",
)
DEFAULTS = dict.fromkeys(FEATURES[-3:], 0.5)


def decide(
    policy: Policy, cases: CaseSet, view: View, plan: tuple[int, ...] | None = None
) -> Decisions:
    return Decider(policy, view, plan=plan).decide(PreparedPool(cases, view), len(cases))


def reward(
    policy: Policy, cases: CaseSet, view: View, plan: tuple[int, ...] | None = None
) -> float:
    decisions = decide(policy, cases, view, plan)
    return float(decision_rewards(decisions, cases, RewardWeights()).mean())


def agreeing(*candidates: Mapping[str, float]) -> CaseSet:
    """One client whose candidates have these features; others are 0, and the name is common."""
    plain = typed_cases(
        [Client([Candidate(f"k{row}", 1, 0.9 - row / 10) for row in range(len(candidates))])]
    )
    features = np.array(
        [[one.get(name, DEFAULTS.get(name, 0.0)) for name in FEATURES] for one in candidates],
        dtype=np.float32,
    )
    return CaseSet(**{**vars(plain), "feature_names": FEATURES, "features": features})


@pytest.mark.parametrize(
    ("candidates", "linked", "confidence"),
    [
        ([{}, {"corporate_equal": 1}], 1, 0.99),
        ([{"phone_equal": 1}, {"phone_equal": 1, "core_equal": 1}], 1, 0.97),
        ([{"domain_equal": 1, "name_equal": 1}], 0, 0.97),
        ([{"name_equal": 1, "city_equal": 1}, {"name_equal": 1}], 0, 0.95),
        ([{"name_equal": 1, "client_name_frequency": UNIQUE}], 0, 0.93),
        ([{"core_equal": 1, "city_equal": 1}, {"city_equal": 1}], 0, 0.9),
        ([{"core_equal": 1, "client_core_frequency": UNIQUE}], 0, 0.85),
        ([{"stem_equal": 1, "company_core_frequency": UNIQUE}, {}], 0, 0.8),
    ],
)
def test_each_rule_links_with_its_confidence(
    candidates: list[Mapping[str, float]], linked: int, confidence: float
) -> None:
    cases = agreeing(*candidates)

    decisions = decide(Rules(cases, VIEW), cases, VIEW, plan=(0,))

    assert decisions.kind.tolist() == [DecisionKind.LINK]
    assert decisions.candidate.tolist() == [linked]
    rivals = 0.25 * (len(candidates) - 1)
    odds = confidence / (1 - confidence)
    assert decisions.confidence[0] == pytest.approx(odds / (odds + 1 + rivals), abs=1e-5)


@pytest.mark.parametrize(
    "candidates",
    [
        [{}],
        [{"phone_equal": 1}],
        [{"name_equal": 1}],
        [{"core_equal": 1, "city_equal": 1}, {"core_equal": 1, "city_equal": 1}],
        [{"core_equal": 1, "client_core_frequency": SHARED_BY_TWO}],
        [{"name_equal": 1, "client_name_frequency": SHARED_BY_TWO}],
        [{"stem_equal": 1, "company_core_frequency": SHARED_BY_TWO}],
    ],
)
def test_the_rules_link_neither_weak_nor_ambiguous_agreement(
    candidates: list[Mapping[str, float]],
) -> None:
    cases = agreeing(*candidates)

    decisions = decide(Rules(cases, VIEW), cases, VIEW, plan=(0,))

    assert decisions.kind.tolist() == [DecisionKind.NO_MATCH]


def test_a_weak_rule_does_not_choose_between_two_candidates_that_meet_a_strong_one() -> None:
    cases = agreeing(
        {"phone_equal": 1, "core_equal": 1, "city_equal": 1},
        {"phone_equal": 1, "core_equal": 1},
    )

    decisions = decide(Rules(cases, VIEW), cases, VIEW, plan=(0,))

    assert decisions.kind.tolist() == [DecisionKind.NO_MATCH]


def test_missing_features_of_the_rules_are_named() -> None:
    with pytest.raises(ConfigError, match=r"\['city_equal', 'client_core_frequency'.*lack"):
        Rules(two_clients(), View(2, (0.01, 0.05)))


def test_top_one_is_always_wrong_where_the_second_is_right() -> None:
    cases = second_is_right(20, 3, np.random.default_rng(0))

    decisions = decide(TopOne(), cases, VIEW, plan=(0,))

    assert (decisions.kind == DecisionKind.LINK).all()
    assert not cases.is_right[decisions.candidate].any()


def test_the_oracle_runs_the_cheapest_blocker_that_shows_the_truth() -> None:
    decisions = decide(Oracle(two_clients(), VIEW), two_clients(), VIEW)

    assert decisions.kind.tolist() == [DecisionKind.LINK, DecisionKind.NO_MATCH]
    assert decisions.candidate[0] == 1
    assert decisions.ran.tolist() == [0b11, 0b01]


def test_the_baselines_earn_less_than_the_oracle_and_more_than_chance() -> None:
    cases = synthetic_cases(300, np.random.default_rng(4))
    every = (0, 1, 2)

    oracle = reward(Oracle(cases, DRAWN_VIEW), cases, DRAWN_VIEW)
    rules = reward(Rules(cases, DRAWN_VIEW), cases, DRAWN_VIEW, every)
    top = reward(TopOne(), cases, DRAWN_VIEW, every)
    chance = reward(RandomPolicy(np.random.default_rng(0)), cases, DRAWN_VIEW)

    assert oracle > rules > top > chance


def test_chance_picks_every_legal_action_about_equally_often() -> None:
    cases = second_is_right(3000, 3, np.random.default_rng(0))
    observation = VIEW.observe(cases, np.arange(3000), np.full(3000, 0b01, dtype=np.uint16))

    actions = RandomPolicy(np.random.default_rng(1)).logits(observation).argmax(axis=1)

    shares = np.bincount(actions, minlength=VIEW.layout.size) / 3000
    assert shares == pytest.approx([0.2, 0.2, 0.2, 0.2, 0, 0, 0.2], abs=0.03)
