import numpy as np
import pytest
import torch

from linkage_rl.agents.q_values import QValueConfig, fit_q_values
from linkage_rl.agents.ranker import RankerConfig, train_ranker, with_link_threshold
from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.agents.warm_start import WarmStartConfig, sample_trajectories, warm_start
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, PreparedPool
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.errors import ConfigError
from tests.cases_factory import Candidate, Client, synthetic_cases, typed_cases

VIEW = View(2, (0.01, 0.05))
QUICK = WarmStartConfig(
    samples=3000, updates=200, batch_size=256, value_updates=300, value_batch_size=256
)


def easy_cases(n: int) -> CaseSet:
    """Ngram finds what name does not; half of the clients need it, and nothing says which."""
    clients = [
        Client([Candidate(f"a{row}", 0b11, 0.9, right=True)])
        if row % 2
        else Client([Candidate(f"b{row}", 0b10, 0.9, right=True)])
        for row in range(n)
    ]
    return typed_cases(clients)


@pytest.fixture(scope="module")
def ranker() -> CandidateScorer:
    config = RankerConfig(width=16, epochs=10, batch_size=64)
    return train_ranker(easy_cases(800), easy_cases(100), VIEW, config, 0)


def test_trajectories_grow_by_one_available_blocker_from_none_to_all() -> None:
    cases = synthetic_cases(50, np.random.default_rng(0))

    trajectories = sample_trajectories(cases, 3, 1000, np.random.default_rng(1))

    for case in range(50):
        own = trajectories.case == case
        ran, blocker = trajectories.ran[own], trajectories.blocker[own]
        assert ran[0] == 0
        assert ran[-1] == cases.available[case]
        assert blocker[-1] == -1
        assert np.array_equal(ran[1:], ran[:-1] | (1 << blocker[:-1]))


def test_no_more_states_are_drawn_than_requested() -> None:
    cases = synthetic_cases(500, np.random.default_rng(0))

    assert len(sample_trajectories(cases, 3, 100, np.random.default_rng(1)).case) <= 100


@pytest.mark.parametrize(("ngram_cost", "second_run"), [(0.05, True), (0.9, True), (1.6, False)])
def test_the_second_blocker_is_run_while_it_costs_less_than_it_gains(
    ranker: CandidateScorer, ngram_cost: float, second_run: bool
) -> None:
    """Name shows nothing to half of the clients; ngram turns their missed link (-0.5) into +1."""
    cases = easy_cases(800)
    view = View(2, (0.01, ngram_cost))

    scorer = warm_start(ranker, cases, view, RewardWeights(), QUICK, 0)
    decisions = Decider(ScorerPolicy(scorer), view).decide(PreparedPool(cases, view), len(cases))

    name_first = decisions.ran & 1 == 1
    unseen = np.arange(800) % 2 == 0
    assert name_first[~unseen].all()
    assert np.mean(decisions.ran[unseen] >> 1 & 1) == pytest.approx(float(second_run))


def test_the_warm_start_answers_like_the_thresholded_ranker(
    ranker: CandidateScorer,
) -> None:
    cases = easy_cases(200)
    weights = RewardWeights()
    observation = VIEW.observe(cases, np.arange(200), np.full(200, 0b11, dtype=np.uint16))
    stops = slice(0, VIEW.max_candidates + 1)

    started = warm_start(ranker, cases, VIEW, weights, QUICK, 0)

    assert np.array_equal(
        ScorerPolicy(started).logits(observation)[:, stops],
        ScorerPolicy(with_link_threshold(ranker, 0.75)).logits(observation)[:, stops],
    )


def test_the_value_of_the_start_is_the_reward_to_come(ranker: CandidateScorer) -> None:
    cases = easy_cases(800)
    started = warm_start(ranker, cases, VIEW, RewardWeights(), QUICK, 0)
    fresh = VIEW.observe(cases, np.arange(10), np.zeros(10, dtype=np.uint16))

    with torch.no_grad():
        _, value = started(
            *(
                torch.from_numpy(part)
                for part in (fresh.candidates, fresh.query, fresh.state, fresh.action_mask)
            )
        )

    # The name blocker suffices for every second client: 1 - 0.01 - 0.05 / 2.
    assert value.numpy() == pytest.approx(0.965, abs=0.05)


@pytest.mark.parametrize("quantiles", [1, 8])
def test_q_values_are_the_expected_rewards(ranker: CandidateScorer, quantiles: int) -> None:
    cases = easy_cases(800)
    weights = RewardWeights()
    started = warm_start(ranker, cases, VIEW, weights, QUICK, 0)
    shape = QValueConfig(quantiles, reward_scale=0.5, temperature=0.25)

    values = fit_q_values(started, cases, VIEW, weights, QUICK, shape, 0)
    ran_all = VIEW.observe(cases, np.arange(4), np.full(4, 0b11, dtype=np.uint16))
    logits = ScorerPolicy(values).logits(ran_all)

    assert values.config.quantiles == quantiles
    expected = np.array([weights.correct_link, weights.missed_link]) / 0.25
    assert logits[:, [0, 2]] == pytest.approx(np.tile(expected, (4, 1)), abs=0.6)


def test_equal_seeds_start_equally(ranker: CandidateScorer) -> None:
    cases = easy_cases(100)

    first, again = (
        warm_start(ranker, cases, VIEW, RewardWeights(), QUICK, 3).state_dict() for _ in range(2)
    )

    assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize("changes", [{"iterations": 0}, {"temperature": 0.0}])
def test_nonsense_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="warm"):
        WarmStartConfig(**changes)  # type: ignore[arg-type]
