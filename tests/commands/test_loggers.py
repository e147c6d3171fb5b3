"""Trackers keep every evaluation and the figures of the end; a missing one is named."""

import importlib.util
import sqlite3
import sys
from pathlib import Path

import pytest

from linkage_rl.errors import ConfigError
from linkage_rl.training.loggers import LOGGERS, MlflowLogger, WandbLogger
from tests.commands.shop import Run
from tests.commands.test_train import TINY, only_run


@pytest.mark.parametrize("name", LOGGERS)
def test_without_its_package_a_tracker_names_the_extra(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(ConfigError, match=rf"needs {name}, which is not installed; make setup-"):
        LOGGERS[name]().open(tmp_path, {})


def test_a_mode_that_weights_and_biases_lacks_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"logger\.mode must be offline or online, got 'off'"):
        WandbLogger(mode="off")


def needs(package: str) -> None:
    """Fail, not skip, where an extra is missing."""
    if importlib.util.find_spec(package) is None:
        pytest.fail(f"{package} is not installed: make setup-extras", pytrace=False)


@pytest.mark.extras
@pytest.mark.filterwarnings("ignore")  # of sqlalchemy and alembic, met in MLflow
def test_mlflow_keeps_what_was_told_each_evaluation_and_the_end(tmp_path: Path) -> None:
    needs("mlflow")
    logger = MlflowLogger(f"sqlite:///{tmp_path}/runs/mlflow.db")
    tracker = logger.open(tmp_path / "one", {"seed": "1", "env.max_candidates": "20"})

    tracker.write({"eval/mean_reward": 0.5}, {}, step=10)
    tracker.close()
    tracker.log({"test/coverage_at_95%": 0.9}, step=10)
    tracker.finish(failed=False)

    with sqlite3.connect(tmp_path / "runs" / "mlflow.db") as kept:
        assert dict(kept.execute("SELECT key, value FROM params")) == {
            "seed": "1",
            "env.max_candidates": "20",
        }
        assert kept.execute("SELECT key, value, step FROM metrics").fetchall() == [
            ("eval/mean_reward", 0.5, 10),
            ("test/coverage_at_95_percent", 0.9, 10),
        ]
        assert kept.execute("SELECT name, status FROM runs").fetchall() == [("one", "FINISHED")]


@pytest.mark.extras
@pytest.mark.filterwarnings("ignore")
def test_weights_and_biases_keeps_a_run_in_its_folder_without_a_network(
    run: Run, tmp_path: Path
) -> None:
    needs("wandb")

    ended = run("train", *TINY, "logger=wandb")

    assert ended.code == 0, ended.err
    (kept,) = (only_run(tmp_path, "ppo") / "wandb").glob("offline-run-*/run-*.wandb")
    assert kept.stat().st_size > 1_000
