"""`linkage_rl.train` inside a running program, such as a notebook."""

import asyncio
import os
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig

import linkage_rl
from linkage_rl.errors import ConfigError
from tests.commands.test_train import TINY

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder of the run."""
    return tmp_path_factory.mktemp("train")


@pytest.fixture(scope="module")
def result(folder: Path) -> linkage_rl.TrainResult:
    """A run that was started while an event loop is running, as in a notebook."""
    conf = folder / "conf" / "reward"
    conf.mkdir(parents=True)
    (conf / "mine.yaml").write_text("# @package _global_\nreward:\n  wrong_link: -3.0\n")

    async def cell() -> linkage_rl.TrainResult:
        return linkage_rl.train([*TINY, "reward=mine"], config_dir="conf")

    # as in a program of its own, whatever another test has left in this process
    HydraConfig.instance().cfg = None
    before = Path.cwd()
    os.chdir(folder)
    try:
        return asyncio.run(cell())
    finally:
        os.chdir(before)


def test_the_result_has_metrics_tables_and_a_linker(result: linkage_rl.TrainResult) -> None:
    linked = result.load_bundle().link([{"name": "株式会社どこにもない"}])

    assert linked[0]["decision"] in ("link", "no_match")
    assert {"rules", "ranker", "static plan", "agent"} < set(result.metrics["all"])
    precision = result.metrics["all"]["agent"]["test"]["precision"]
    assert precision is not None
    assert 0.0 < precision <= 1.0
    assert "static plan" in result.table
    row = next(row for row in result.rows if (row["system"], row["split"]) == ("agent", "test"))
    assert row["precision"] == precision
    assert str(result.bundle) in str(result)


def test_the_run_folder_is_that_of_the_command(
    result: linkage_rl.TrainResult, folder: Path
) -> None:
    assert result.folder.parent == folder / "outputs" / "sample" / "ppo"
    for name in ("config.yaml", "metrics.json", "report.html", ".hydra/overrides.yaml"):
        assert (result.folder / name).is_file(), name
    assert "wrong_link: -3.0" in (result.folder / "config.yaml").read_text()


def test_nothing_global_is_left_behind(result: linkage_rl.TrainResult) -> None:
    assert result.folder.is_dir()
    assert not GlobalHydra.instance().is_initialized()
    assert HydraConfig.instance().cfg is None


def test_a_wrong_setting_raises_instead_of_ending_the_program(
    result: linkage_rl.TrainResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for word, sentence in (
        ("agent.n_envz=1", "did you mean agent.n_envs?"),
        ("agent=pppo", "did you mean agent=ppo?"),
        ("seed=one", "seed expects a whole number, got 'one'"),
        ("--multirun", "expected key=value or --config-dir=DIR, got '--multirun'"),
        (f"resume={tmp_path}", "expected an interrupted run"),
    ):
        with pytest.raises(ConfigError, match=sentence.replace("?", r"\?")):
            linkage_rl.train([word])

    assert not GlobalHydra.instance().is_initialized()
    assert list(tmp_path.iterdir()) == []
