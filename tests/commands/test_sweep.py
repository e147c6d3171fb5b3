"""A search is kept, goes on, and tries the defaults first."""

import importlib.util
from pathlib import Path

import pytest

from linkage_rl.errors import ConfigError
from tests.commands.test_train import TINY

pytestmark = [pytest.mark.extras, pytest.mark.filterwarnings("ignore")]

TUNE = (*TINY, "sweep=tune", "agent.refine.batch_size=2048")


def test_a_search_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if importlib.util.find_spec("optuna") is None:
        pytest.fail("Optuna is not installed: make setup-extras", pytrace=False)
    sweep = importlib.import_module("experiments.sweep")
    monkeypatch.chdir(tmp_path)
    arguments = (*TUNE, "study=studies/one.db")
    assert sweep.main([*arguments, "trials=2"]) == 0

    assert sweep.main([*arguments, "trials=3"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines if line.startswith("trial")] == [
        *("trial 0", "trial 1", "trial 2")
    ]
    assert lines[-1].startswith("agent.refine.learning_rate=")
    study = sweep.optuna.load_study(
        study_name="linkage_rl", storage=f"sqlite:///{tmp_path}/studies/one.db"
    )
    assert study.trials[0].params["training.warm_start.temperature"] == 0.05
    assert study.best_value >= study.trials[0].value


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "error: expected a search space, got none; choose one, as in sweep=tune"),
        (("sweep=tune", "trials=few"), "error: trials expects a whole number, got 'few'"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    arguments: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = importlib.import_module("experiments.sweep")

    assert sweep.main(arguments) == 1
    assert capsys.readouterr().err.strip() == sentence


def test_what_is_made_once_for_all_trials_cannot_be_searched() -> None:
    sweep = importlib.import_module("experiments.sweep")

    with pytest.raises(ConfigError, match=r"a search takes agent\.\* and training\.\* with inter"):
        sweep.distribution("env.max_candidates", "choice(10, 20)")
