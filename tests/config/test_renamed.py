"""What had another name before is refused with its name of today, wherever it is given."""

import json
import logging
from dataclasses import fields, is_dataclass
from functools import reduce
from pathlib import Path

import pytest
from omegaconf.errors import OmegaConfBaseException

from experiments.suite.finished_runs import fitting_run
from linkage_rl.config.near_miss import explain, refused_key
from linkage_rl.config.renamed import (
    CHOICES,
    KEYS,
    current_key,
    refuse_former_settings,
)
from linkage_rl.errors import ConfigError, InputFileError
from linkage_rl.evaluation.leaderboard import FILE_NAME, best, read
from linkage_rl.evaluation.renamed import METRICS
from linkage_rl.train import TrainSettings
from tests.config.composing import KNOWN, agent_with, changed, composed, refusal


def default(settings: object, key: str) -> object:
    return reduce(getattr, key.split("."), settings)


@pytest.mark.parametrize(("former", "now"), KEYS.items())
def test_a_former_key_is_refused_and_its_name_of_today_is_taken(former: str, now: str) -> None:
    agent = agent_with(now)
    settings = changed(agent, "seed", 1)
    value = default(settings, now)
    if is_dataclass(value):
        # the group of the same name, with a key in it that kept its name
        kept = next(one.name for one in fields(value) if f"{now}.{one.name}" not in KEYS.values())
        former, now, value = f"{former}.{kept}", f"{now}.{kept}", getattr(value, kept)

    with pytest.raises(OmegaConfBaseException) as error:
        changed(agent, former, value)

    assert refused_key(former, KNOWN) == f"unknown key {former}; it is now {now}"
    assert "; it is now " in explain(error.value, KNOWN)
    assert changed(agent, now, value) == settings


@pytest.mark.parametrize("way", ["{}=1", "+{}=1", "++{}=1", "~{}"])
def test_a_former_key_is_refused_in_every_way_of_giving_it(way: str) -> None:
    sentence = "unknown key training.steps; it is now training.total_timesteps"

    assert refusal(way.format("training.steps")) == sentence


def test_a_former_group_is_refused_with_the_keys_that_kept_their_names() -> None:
    assert refusal("candidates.prices.phone=1") == (
        "unknown key candidates.prices.phone; it is now candidates.costs.phone"
    )
    assert refusal("training.warm={batch: 3}") == (
        "unknown key training.warm; it is now training.warm_start"
    )


def test_every_former_key_leads_to_one_that_exists() -> None:
    assert all(current_key(key) == now for key, now in KEYS.items())
    assert not [now for now in KEYS.values() if current_key(now)]


@pytest.mark.parametrize(("former", "now"), CHOICES.items())
def test_a_former_choice_is_refused_and_its_name_of_today_composes(former: str, now: str) -> None:
    assert refusal(former).startswith(f"unknown choice {former}; it is now {now}. There are ")
    assert composed(now).reward.blocker_cost_scale == 0.0


def test_a_goal_by_a_former_metric_is_refused_when_it_is_composed() -> None:
    assert refusal("evaluation.goal=accuracy:0.98").endswith("; accuracy is now precision")
    assert changed("ppo", "evaluation.goal", "precision:0.98").evaluation.goal == "precision:0.98"


def test_a_run_with_former_settings_is_refused(tmp_path: Path) -> None:
    saved = {"seed": 1, "training": {"steps": 5, "start": "warm"}}

    with pytest.raises(ConfigError, match=r"training\.steps is now training\.total_timesteps"):
        refuse_former_settings(saved, tmp_path)


def test_a_run_with_the_settings_of_today_is_taken(tmp_path: Path) -> None:
    refuse_former_settings({"seed": 1, "training": {"total_timesteps": 5}}, tmp_path)

    assert not list(tmp_path.iterdir())


def test_a_suite_takes_over_no_run_with_former_settings(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("agent_name: ppo\ntraining: {steps: 5}\n")

    with pytest.raises(ConfigError, match=r"training\.steps is now training\.total_timesteps"):
        fitting_run(TrainSettings(), "ppo", [tmp_path])


@pytest.fixture
def leaderboard(tmp_path: Path) -> Path:
    """A list of one run, made before metrics were renamed."""
    figures = {"accuracy": 0.9, "expected_reward": 0.5}
    run = {"run": "a", "experiment": "sample", "agent": "ppo", "seed": 1}
    path = tmp_path / FILE_NAME
    path.write_text(json.dumps({**run, "valid": figures, "test": figures}) + "\n")
    return path


def test_a_run_with_former_metrics_is_left_out_of_the_leaderboard(
    leaderboard: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert read(leaderboard) == []

    assert "left out 1 of 1 runs" in caplog.text
    assert "accuracy is now precision" in caplog.text


def test_the_best_run_is_not_one_with_former_metrics(leaderboard: Path) -> None:
    with pytest.raises(InputFileError, match="got none; train one first"):
        best(leaderboard)


@pytest.mark.parametrize("former", METRICS)
def test_the_best_run_is_not_sought_by_a_former_metric(leaderboard: Path, former: str) -> None:
    with pytest.raises(ConfigError, match=f"{former} is now {METRICS[former]}"):
        best(leaderboard, by=former)
