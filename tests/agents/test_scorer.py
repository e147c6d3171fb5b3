from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from linkage_rl.agents.scorer import (
    MASKED,
    CandidateScorer,
    ScorerConfig,
    copy_scorer,
    load_scorer,
    save_scorer,
)
from linkage_rl.agents.scorer_policy import ScorerPolicy, one_thread, tensors
from linkage_rl.decision.observation import View
from linkage_rl.errors import ConfigError
from linkage_rl.records import Observation
from tests.cases_factory import DRAWN_VIEW, synthetic_cases

CASES = synthetic_cases(64, np.random.default_rng(2))
SHAPES = [
    ScorerConfig.fitting(CASES, DRAWN_VIEW),
    replace(ScorerConfig.fitting(CASES, DRAWN_VIEW, width=8), relative=False),
    replace(
        ScorerConfig.fitting(CASES, DRAWN_VIEW, width=8),
        quantiles=5,
        relative=False,
        temperature=0.3,
    ),
]


def scorer_of(config: ScorerConfig, seed: int = 0) -> CandidateScorer:
    return CandidateScorer(config, torch.Generator().manual_seed(seed))


def seen(view: View = DRAWN_VIEW) -> Observation:
    return view.observe(CASES, np.arange(len(CASES)), np.asarray(CASES.available))


@pytest.mark.parametrize("config", SHAPES)
def test_reordering_candidates_reorders_their_scores_and_nothing_else(
    config: ScorerConfig,
) -> None:
    scorer = scorer_of(config)
    candidates, query, state, mask = tensors(seen())
    slots = candidates.shape[1]
    order = torch.randperm(slots, generator=torch.Generator().manual_seed(1))
    actions = torch.cat([order, torch.arange(slots, mask.shape[1])])

    with torch.no_grad():
        logits, value = scorer(candidates, query, state, mask)
        moved, moved_value = scorer(candidates[:, order], query, state, mask[:, actions])

    assert torch.allclose(moved, logits[:, actions], atol=1e-5)
    assert torch.allclose(moved_value, value, atol=1e-5)


@pytest.mark.parametrize("config", SHAPES)
def test_empty_slots_do_not_matter_so_that_any_number_of_slots_works(
    config: ScorerConfig,
) -> None:
    policy = ScorerPolicy(scorer_of(config))
    narrow = seen(View(9, DRAWN_VIEW.costs))
    # The state names the share of filled slots, which is halved with twice the slots.
    wide = replace(seen(View(18, DRAWN_VIEW.costs)), state=narrow.state)

    few, many = policy.logits(narrow), policy.logits(wide)

    assert many[:, :9] == pytest.approx(few[:, :9], abs=1e-5)
    assert many[:, 18:] == pytest.approx(few[:, 9:], abs=1e-5)


@pytest.mark.parametrize("config", SHAPES)
def test_illegal_actions_are_masked(config: ScorerConfig) -> None:
    observation = seen()

    logits = ScorerPolicy(scorer_of(config)).logits(observation)

    assert (logits[observation.action_mask == 0] == np.float32(MASKED)).all()
    assert (logits[observation.action_mask == 1] > -1e4).all()


def test_an_untrained_scorer_runs_no_blocker() -> None:
    logits = ScorerPolicy(scorer_of(SHAPES[0])).logits(
        DRAWN_VIEW.observe(CASES, np.arange(10), np.zeros(10, dtype=np.uint16))
    )

    assert (logits.argmax(axis=1) == DRAWN_VIEW.layout.no_match).all()


def test_the_default_shape_has_about_ten_thousand_parameters() -> None:
    count = sum(parameter.numel() for parameter in scorer_of(SHAPES[0]).parameters())

    assert 8_000 < count < 20_000


def test_equal_generators_draw_equal_weights() -> None:
    draws = [ScorerPolicy(scorer_of(SHAPES[0], seed)).logits(seen()) for seed in (1, 1, 2)]

    assert np.array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


@pytest.mark.parametrize("config", SHAPES)
def test_a_saved_scorer_returns_as_it_was(config: ScorerConfig, tmp_path: Path) -> None:
    scorer = scorer_of(config)
    save_scorer(scorer, tmp_path / "scorer.pt")

    loaded = load_scorer(tmp_path / "scorer.pt")

    assert loaded.config == config
    assert np.array_equal(ScorerPolicy(loaded).logits(seen()), ScorerPolicy(scorer).logits(seen()))


def test_a_copy_is_independent() -> None:
    scorer = scorer_of(SHAPES[0])
    twin = copy_scorer(scorer)

    with torch.no_grad():
        scorer.link.bias.add_(1.0)

    assert not torch.equal(twin.link.bias, scorer.link.bias)


def test_half_the_temperature_doubles_the_logits() -> None:
    scorer = scorer_of(SHAPES[0])
    observation = seen()
    legal = observation.action_mask == 1

    warm = ScorerPolicy(scorer).logits(observation)[legal]
    cold = ScorerPolicy(copy_scorer(scorer, temperature=0.5)).logits(observation)[legal]

    assert cold == pytest.approx(2 * warm, rel=1e-5)


@pytest.mark.parametrize("changes", [{"width": 0}, {"temperature": 0.0}])
def test_an_empty_shape_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"at least 1|above 0"):
        ScorerConfig(3, 1, 2, **changes)  # type: ignore[arg-type]


def test_the_number_of_threads_is_restored() -> None:
    before = torch.get_num_threads()

    with one_thread():
        assert torch.get_num_threads() == 1

    assert torch.get_num_threads() == before
