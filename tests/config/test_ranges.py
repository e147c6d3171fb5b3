"""No number of the configuration is taken where it makes no sense, whichever key it is."""

import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

import pytest

from linkage_rl.agents.algorithms import AGENTS
from linkage_rl.errors import ConfigError
from linkage_rl.train import COMPONENTS, TrainSettings
from tests.config.composing import agent_with, refusal, replaced

SIGNED = {
    *(f"reward.{term}" for term in ("correct_link", "wrong_link", "correct_reject")),
    *("reward.missed_link", "reward.review", "reward.illegal", "training.curriculum.start"),
}
"""Numbers that may well be negative."""

LEFT_OUT_BELOW_ZERO = ("candidates.costs.", "candidates.ngram.cost")
"""Numbers whose negative values leave a blocker out."""

ZERO_MEANS_NONE = {
    *("seed", "table.sample.seed", "table.sample.clients", "ranker.weight_decay"),
    *("ranker.ema_decay", "training.warm_start.run_threshold_cases", "training.collapse_rate"),
    *("agent.gae_lambda", "agent.vf_coef", "agent.refine.ent_coef", "agent.scratch.ent_coef"),
    *("agent.exploration_initial_eps", "agent.exploration_final_eps", "clients.balance"),
    *("clients.augmented", "ranker.all_blockers_share", "reward.blocker_cost_scale"),
    *("clients.header_row", "list_stage.weight_decay", "list_stage.ema_decay"),
    *("evaluation.timed_clients", "evaluation.golden_clients", "evaluation.examples"),
    *("own_table.broad", "own_table.no_row_share", "own_table.no_row_share_without_list"),
    *("own_table.related_share", "own_table.same_city_share", "own_table.prior"),
    *("own_table.no_row_below", "own_table.seed"),
}
"""Numbers that may well be zero."""

RATES = ("table.sample.noise.", "clients.augmentation.")


def numbers(schema: type, prefix: str = "") -> Iterator[tuple[str, type]]:
    """Dotted key and type of every number of a schema."""
    hints: dict[str, Any] = get_type_hints(schema)
    for one in fields(schema):
        kind = hints[one.name]
        if is_dataclass(kind) and isinstance(kind, type):
            yield from numbers(kind, f"{prefix}{one.name}.")
        elif kind in (int, float):
            yield f"{prefix}{one.name}", kind


NUMBERS = dict(
    [
        *numbers(TrainSettings),
        *(item for name in AGENTS for item in numbers(COMPONENTS[f"agent/{name}"], "agent.")),
    ]
)
FLOATS = [key for key, kind in NUMBERS.items() if kind is float]


def default(agent: str) -> TrainSettings:
    return TrainSettings(agent=AGENTS[agent]())


def signed(key: str) -> bool:
    return key in SIGNED or key.startswith(LEFT_OUT_BELOW_ZERO)


def may_be_zero(key: str) -> bool:
    share = key.startswith("table.sample.") and key.endswith("_share")
    return signed(key) or share or key in ZERO_MEANS_NONE or key.startswith(RATES)


def refused(key: str, value: float) -> str:
    """The sentence with which the settings refuse the value of a key."""
    kind = NUMBERS[key]
    with pytest.raises(ConfigError) as error:
        replaced(default(agent_with(key)), key, kind(value))
    return str(error.value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("key", FLOATS)
def test_what_is_no_finite_number_is_refused(key: str, value: float) -> None:
    assert key in refused(key, value)


@pytest.mark.parametrize("key", [key for key in NUMBERS if not signed(key)])
def test_a_negative_number_is_refused(key: str) -> None:
    sentence = refused(key, -1)

    assert key in sentence
    assert sentence.endswith(("got -1", "got -1.0"))


@pytest.mark.parametrize("key", [key for key in NUMBERS if not may_be_zero(key)])
def test_zero_is_refused_where_it_would_leave_nothing(key: str) -> None:
    sentence = refused(key, 0)

    assert key in sentence
    assert sentence.endswith(("got 0", "got 0.0"))


@pytest.mark.parametrize(
    "key",
    [key for key in NUMBERS if "_share" in key or key.startswith(RATES) or "balance" in key],
)
def test_a_share_above_one_is_refused(key: str) -> None:
    assert key in refused(key, 1.5)


def test_a_seed_that_no_generator_takes_is_refused() -> None:
    assert refused("seed", 2**32) == "seed must lie in [0, 4294967295], got 4294967296"
    assert replaced(default("ppo"), "seed", 2**32 - 1).seed == 2**32 - 1


@pytest.mark.parametrize("key", [key for key, kind in NUMBERS.items() if kind is int])
def test_a_count_that_no_array_holds_is_refused(key: str) -> None:
    assert key in refused(key, 10**30)


@pytest.mark.parametrize("goal", ["f2", "", "precision", "precision:0", "precision:nan"])
def test_a_goal_that_no_threshold_serves_is_refused(goal: str) -> None:
    with pytest.raises(ConfigError, match=r"as evaluation\.goal, got"):
        replaced(default("ppo"), "evaluation.goal", goal)


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("seed=-1", "seed must be at least 0, got -1"),
        ("agent.n_envs=0", "agent.n_envs must be at least 1, got 0"),
        ("reward.review=nan", "reward.review must be a finite number, got nan"),
        ("env.max_candidates=0", "env.max_candidates must lie in [1, 2048], got 0"),
    ],
)
def test_the_command_says_so_before_anything_runs(word: str, sentence: str) -> None:
    assert refusal(word) == sentence
