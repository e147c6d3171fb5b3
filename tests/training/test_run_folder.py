"""Who may work in a run folder, and what it may become."""

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from linkage_rl.agents.algorithms import DQNConfig, PPOConfig
from linkage_rl.errors import ConfigError
from linkage_rl.training import pipeline
from linkage_rl.training.agent import TrainingConfig
from linkage_rl.training.run_folder import (
    MANIFEST,
    check_resumable,
    check_startable,
    locked,
    read_cases,
    read_settings,
    write_settings,
)
from linkage_rl.training.settings import EvaluationSettings, RunSettings, TableSettings
from tests.cases_factory import synthetic_cases

SETTINGS = RunSettings()


def with_checkpoint(folder: Path, steps: int) -> None:
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    (folder / "checkpoints" / f"rl_model_{steps}_steps.zip").touch()


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "r"),
        pytest.raises(ConfigError, match="is in use by another process"),
        locked(tmp_path / "r"),
    ):
        pass


def _hold(folder: Path, ready: multiprocessing.synchronize.Event) -> None:
    with locked(folder):
        ready.set()
        multiprocessing.Event().wait()


def test_a_killed_process_leaves_the_folder_free(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(tmp_path, ready), daemon=True)
    holder.start()
    assert ready.wait(30)
    with pytest.raises(ConfigError, match="in use"), locked(tmp_path):
        pass

    holder.kill()
    holder.join()

    with locked(tmp_path):
        assert (tmp_path / ".lock").exists()


def test_a_new_run_starts_where_nothing_would_be_lost(tmp_path: Path) -> None:
    write_settings(tmp_path, SETTINGS)
    (tmp_path / "evaluations.npz").touch()

    check_startable(tmp_path)

    with_checkpoint(tmp_path, 512)
    with pytest.raises(ConfigError, match="already holds a run; go on with it by resume="):
        check_startable(tmp_path)
    (tmp_path / MANIFEST).touch()
    with pytest.raises(ConfigError, match="already holds a finished run; choose another folder"):
        check_startable(tmp_path)


def test_settings_come_back_as_they_were_written(tmp_path: Path) -> None:
    database = "postgresql://reader:s3cret@host/crm"
    settings = replace(SETTINGS, table=TableSettings(database=database), agent=DQNConfig())

    write_settings(tmp_path, settings)

    check_resumable(tmp_path, settings)
    saved = read_settings(tmp_path)
    assert saved is not None
    assert saved["table"]["database"] == "postgresql+psycopg://reader:***@host/crm"
    assert saved["agent"]["learning_rate"] == 3e-4


@pytest.mark.parametrize(
    "changes",
    [
        {"training": TrainingConfig(total_timesteps=5, evaluations=3, progress=False)},
        {"evaluation": EvaluationSettings(goal="reward")},
        {"agent": PPOConfig(gae_lambda=0.9)},
        {"cache": "elsewhere", "leaderboard": "elsewhere.jsonl"},
    ],
)
def test_a_resumed_run_may_change_how_it_goes_on(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    write_settings(tmp_path, SETTINGS)

    check_resumable(tmp_path, replace(SETTINGS, **changes))  # type: ignore[arg-type]

    assert read_settings(tmp_path) is not None


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"agent_name": "dqn"}, "agent_name=ppo, got dqn"),
        ({"agent": PPOConfig(n_envs=512)}, "agent.n_envs=1024, got 512"),
        ({"training": TrainingConfig(start="scratch")}, "training.start=warm, got scratch"),
        ({"table": TableSettings(source="x.csv")}, "table.source=, got x.csv"),
    ],
)
def test_a_resumed_run_stays_the_run_that_it_was(
    tmp_path: Path, changes: dict[str, object], key: str
) -> None:
    write_settings(tmp_path, SETTINGS)

    with pytest.raises(ConfigError, match=f"had {key}; leave it as it was, or start a new run"):
        check_resumable(tmp_path, replace(SETTINGS, **changes))  # type: ignore[arg-type]


def test_a_finished_run_says_that_it_is_finished(tmp_path: Path) -> None:
    write_settings(tmp_path, SETTINGS)
    with_checkpoint(tmp_path, 200_704)
    (tmp_path / MANIFEST).touch()

    with pytest.raises(ConfigError, match=r"is finished after 200704 steps; set training\.total"):
        check_resumable(tmp_path, SETTINGS)

    longer = TrainingConfig(total_timesteps=300_000)
    check_resumable(tmp_path, replace(SETTINGS, training=longer))


def test_blockers_that_no_bundle_holds_are_refused_before_anything_is_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[RunSettings] = []
    monkeypatch.setattr(pipeline, "prepare", prepared.append)
    blocker = replace(SETTINGS.candidates.ngram, name="phone")
    settings = replace(SETTINGS, candidates=replace(SETTINGS.candidates, ngram=blocker))

    with pytest.raises(ConfigError, match="blockers of different names"):
        pipeline.run(settings, tmp_path / "r")

    assert not prepared
    assert not (tmp_path / "r").exists()


def test_the_cases_of_a_run_are_found_by_its_manifest(tmp_path: Path) -> None:
    cases = synthetic_cases(20, np.random.default_rng(0))
    cases.save(tmp_path / "cache" / "one")
    part = {"dataset": "one", "folder": str(tmp_path / "cache" / "one")}
    manifest = {"datasets": ["other", "one"], "cases": {"test": [part, part]}}
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))

    found = read_cases(tmp_path)["test"]

    assert len(found) == 40
    assert set(found.dataset.tolist()) == {1}
    assert np.array_equal(found.features[: cases.pairs], cases.features)
