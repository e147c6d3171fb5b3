"""A run that was cut short at any stage goes on; what cannot go on is refused in one sentence."""

import json
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from linkage_rl.training import agent, case_cache, data, pipeline, rankers, shipping
from linkage_rl.training.callbacks import CheckpointCallback, EvaluationCallback
from tests.commands.shop import Ended, Run

SMALL = (
    *("debug=fast", "table.sample.companies=300", "table.sample.clients=300"),
    *("training.progress=false", "training.total_timesteps=1_024", "training.evaluations=1"),
    *("training.warm_start.updates=10", "training.warm_start.value_updates=10"),
    *("training.warm_start.samples=500", "ranker.epochs=2", "ranker.min_updates=2"),
    *("agent.n_envs=64", "agent.refine.batch_size=512", "agent.scratch.batch_size=512"),
)

STAGES = {
    "reading the lists": (data, "client_lists"),
    "indexing": (data, "open_index"),
    "preparing cases": (case_cache, "prepare_cases"),
    "training the ranker": (rankers, "train_ranker"),
    "starting warm": (agent, "warm_start"),
    "keeping the first model": (EvaluationCallback, "_keep_if_best"),
    "saving the first checkpoint": (CheckpointCallback, "_on_step"),
    "comparing the systems": (pipeline, "compare"),
    "writing the bundle": (shipping, "write_bundle"),
    "writing the results": (pipeline, "write_report"),
}


def stages(names: Sequence[str], *often: str) -> list[ParameterSet]:
    """Parameters of these stages, of which some are tried at every landing, the others rarely."""
    return [pytest.param(name, marks=() if name in often else pytest.mark.extras) for name in names]


class Killed(BaseException):
    """As a signal that no program can handle: nothing is saved on the way out."""


def interrupted(monkeypatch: pytest.MonkeyPatch, run: Run, stage: str, *words: str) -> Ended:
    """A run that meets Ctrl-C in a stage."""
    place, name = STAGES[stage]

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(place, name, stop)
        return run("train", *words)


def killed(monkeypatch: pytest.MonkeyPatch, run: Run, stage: str, *words: str) -> None:
    """A run that is killed in a stage."""
    place, name = STAGES[stage]

    def stop(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(place, name, stop)
        with pytest.raises(Killed):
            run("train", *words)


def advice(ended: Ended) -> list[str]:
    """The arguments of the command that an interrupted run prints."""
    found = re.search(r"go on with: python -m linkage_rl\.train (.*)", ended.err)
    assert found, ended.err
    return shlex.split(found[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    "stage",
    stages([*STAGES], "preparing cases", "saving the first checkpoint", "writing the bundle"),
)
def test_an_interrupted_run_goes_on_as_it_says(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    ended = interrupted(monkeypatch, run, stage, *SMALL, "hydra.run.dir=r")
    assert ended.code == 130
    assert ended.last == "error: interrupted"

    again = run("train", *advice(ended))

    assert again.code == 0, again.err
    assert (tmp_path / "r" / "bundle" / "manifest.json").is_file()


DRAWN = (
    *("lists=own", "own_table.broad=200", "own_table.train=200", "own_table.valid=60"),
    *("own_table.test=30", "leaderboard=lines.jsonl", "cache=cache"),
)


@pytest.mark.slow
def test_an_interrupted_run_with_drawn_clients_goes_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = interrupted(monkeypatch, run, "training the ranker", *SMALL, *DRAWN, "hydra.run.dir=r")
    made = sorted((tmp_path / "cache").rglob("cases.json"))

    again = run("train", *advice(ended))

    assert again.code == 0, again.err
    assert len(made) == 6
    assert sorted((tmp_path / "cache").rglob("cases.json")) == made
    metrics = json.loads((tmp_path / "r" / "metrics.json").read_text())
    assert set(metrics["drawn"]) == {"all_fields", "names_only"}
    figures = metrics["figures"]
    assert figures["test"] == metrics["lists"]["all"][figures["system"]]["test"]


@pytest.mark.slow
def test_two_seeds_share_the_drawn_clients(run: Run, tmp_path: Path) -> None:
    words = ("--multirun", "seed=1,2", "hydra.sweep.dir=s", f"cache={tmp_path / 'cache'}")

    ended = run("train", *SMALL, *DRAWN[:-1], *words)

    assert ended.code == 0, ended.err
    paths = (tmp_path / "s").glob("*/manifest.json")
    first, second = (json.loads(path.read_text())["cases"] for path in paths)
    assert first == second
    assert [part["dataset"] for part in first["train"]] == ["all_fields", "names_only"]


@pytest.mark.slow
@pytest.mark.parametrize("stage", stages([*STAGES][:6], "keeping the first model"))
def test_a_run_killed_before_its_first_checkpoint_is_resumed_or_started_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    for folder in ("resumed", "started"):
        # the second run would find the cache of the first one
        words = (*SMALL, f"hydra.run.dir={folder}", f"cache={folder}-cache")
        killed(monkeypatch, run, stage, *words)

    resumed = run("train", "resume=resumed")
    started = run("train", *SMALL, "hydra.run.dir=started", "cache=started-cache")

    assert (resumed.code, started.code) == (0, 0), resumed.err + started.err
    first, second = (
        (tmp_path / folder / "evaluations.npz").read_bytes() for folder in ("resumed", "started")
    )
    assert first == second


def test_what_a_resumed_run_cannot_become_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another agent, other blockers; and the folder is left as it was."""
    killed(monkeypatch, run, "reading the lists", *SMALL, "hydra.run.dir=r")
    before = {path: path.read_bytes() for path in (tmp_path / "r").rglob("*.yaml")}

    for word, sentence in (
        ("agent=maskable_ppo", "had agent_name=ppo, got maskable_ppo; leave it as it was"),
        ("candidates=names_only", "had candidates.costs.address=0.006, got -1.0; leave it"),
        ("env.max_candidates=30", "had env.max_candidates=20, got 30"),
        ("seed=2", "had seed=1, got 2"),
    ):
        ended = run("train", "resume=r", word)

        assert ended.code == 2
        assert sentence in ended.last

    assert {path: path.read_bytes() for path in (tmp_path / "r").rglob("*.yaml")} == before


def test_a_run_of_a_sweep_is_resumed_alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    words = (*SMALL, "sweep=seeds", "hydra.sweep.dir=s")
    ended = interrupted(monkeypatch, run, "reading the lists", *words)
    assert "s/ppo_seed1_0" in advice(ended)[-1]

    again = interrupted(monkeypatch, run, "reading the lists", *advice(ended))

    assert again.code == 130
    assert "resume=s/ppo_seed1_0" in advice(again)


def test_the_folder_of_configurations_is_remembered(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "conf" / "agent" / "mine.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("defaults:\n  - ppo_schema\n  - _self_\nrefine: {n_steps: 16}\n")
    words = ("--config-dir=conf", *SMALL, "agent=mine", "hydra.run.dir=r")
    ended = interrupted(monkeypatch, run, "reading the lists", *words)
    assert advice(ended) == ["--config-dir=conf", "resume=r"]

    for again in (advice(ended), ["resume=r"], ["resume=r", "-cd", "conf"]):
        ended = interrupted(monkeypatch, run, "reading the lists", *again)

        assert ended.code == 130, ended.err
        assert advice(ended) == ["--config-dir=conf", "resume=r"]


def test_a_password_is_asked_for_again(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = "table.database=postgresql://reader:s3cret@127.0.0.1:1/crm"
    ended = interrupted(monkeypatch, run, "reading the lists", *SMALL, url, "hydra.run.dir=r")
    assert advice(ended) == ["resume=r", "table.database=URL"]
    monkeypatch.delenv("LINKAGE_RL_TABLE_DATABASE")

    ended = run("train", "resume=r")

    assert ended.code == 2
    assert "was given table.database with a password, which is in no file" in ended.last
    assert interrupted(monkeypatch, run, "reading the lists", "resume=r", url).code == 130
    assert not any(b"s3cret" in path.read_bytes() for path in tmp_path.rglob("*.yaml"))


def test_a_run_of_before_the_renaming_is_refused(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "r" / ".hydra"
    folder.mkdir(parents=True)
    (folder / "overrides.yaml").write_text("- training.steps=5\n")
    (folder / "hydra.yaml").write_text(
        "hydra: {job: {config_name: train}, runtime: {config_sources: []}}\n"
    )
    (folder.parent / "config.yaml").write_text("training: {steps: 5}\n")

    ended = run("train", "resume=r")

    assert ended.code == 2
    assert ended.last == (
        "error: the run in r was made before settings were renamed (training.steps is now "
        "training.total_timesteps) and cannot be used any more; train it again"
    )


def test_a_folder_without_a_run_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()

    ended = run("train", "resume=r")

    assert ended.code == 2
    assert "expected an interrupted run in resume=r, found no .hydra/overrides.yaml" in ended.last
