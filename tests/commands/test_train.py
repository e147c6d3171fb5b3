import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from linkage_rl.decision.cases import CaseSet
from linkage_rl.training.run_folder import locked, read_cases
from tests.commands.shop import Run

TINY = (
    "debug=fast",
    "table.sample.companies=600",
    "table.sample.clients=500",
    "training.progress=false",
    "training.total_timesteps=4_096",
    "training.warm_start.updates=10",
    "ranker.epochs=2",
    "agent.n_envs=256",
)


def only_run(folder: Path, agent: str) -> Path:
    """The one run folder of an agent."""
    (found,) = (folder / "outputs" / "sample" / agent).iterdir()
    return found


def test_a_run_ends_with_the_side_by_side_table_and_the_path_of_its_bundle(
    run: Run, tmp_path: Path
) -> None:
    ended = run("train", *TINY)

    assert ended.code == 0, ended.err
    # training.progress=false in `TINY`
    assert not re.search(r"\d+%\||it/s|pass/s|row/s", ended.err)
    folder = only_run(tmp_path, "ppo")
    lines = ended.out.strip().splitlines()
    assert lines[-1] == f"bundle   {folder.relative_to(tmp_path) / 'bundle'}"
    systems = [line[:15].strip() for line in lines]
    assert {"rules", "ranker", "static plan", "agent"} <= set(systems)
    for name in ("config.yaml", "metrics.json", "manifest.json", "report.html", "best_model.zip"):
        assert (folder / name).is_file(), name
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["command"].endswith(" ".join(TINY))
    assert {split: len(cases) for split, cases in read_cases(folder).items()} == {
        split: len(CaseSet.load(part["folder"])) for split, (part,) in manifest["cases"].items()
    }
    entry = json.loads((tmp_path / "outputs" / "leaderboard.jsonl").read_text())
    assert (entry["agent"], entry["seed"]) == ("ppo", 1)


def test_a_run_in_a_folder_that_is_in_use_is_refused_and_changes_nothing(
    run: Run, tmp_path: Path
) -> None:
    with locked(tmp_path / "one"):
        ended = run("train", *TINY, "hydra.run.dir=one")

    assert ended.code == 2
    assert ended.last.startswith("error: run folder one is in use by another process; wait until")
    assert {path.name for path in (tmp_path / "one").rglob("*")} == {".lock"}


def test_runs_of_the_same_second_have_folders_of_their_own(run: Run, tmp_path: Path) -> None:
    for _ in range(2):
        # refused once its folder has been named
        run("train", *TINY, "table.two_tables=nowhere")

    assert len(list((tmp_path / "outputs" / "sample" / "ppo").iterdir())) == 2


@pytest.mark.slow
@pytest.mark.extras
def test_a_sweep_runs_every_agent(run: Run, tmp_path: Path) -> None:
    ended = run("train", *TINY, "--multirun", "agent=ppo,maskable_ppo,dqn,qrdqn")

    assert ended.code == 0, ended.err
    lines = (tmp_path / "outputs" / "leaderboard.jsonl").read_text().splitlines()
    agents = [json.loads(line)["agent"] for line in lines]
    assert agents == ["ppo", "maskable_ppo", "dqn", "qrdqn"]


@pytest.mark.slow
@pytest.mark.extras
def test_an_interrupted_run_leaves_a_checkpoint_and_goes_on(run: Run, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "linkage_rl.train", *TINY, "training.total_timesteps=1_000_000"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        text=True,
        # a shell's background job, and what it starts, ignores SIGINT
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    runs = tmp_path / "outputs" / "sample" / "ppo"
    while not list(runs.glob("*/best_model.zip")) and process.poll() is None:
        time.sleep(0.1)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate()

    folder = only_run(tmp_path, "ppo")
    assert process.returncode == 130, printed
    assert printed.strip().splitlines()[-1] == "error: interrupted"
    assert f"resume={folder.relative_to(tmp_path)}" in printed
    assert list((folder / "checkpoints").glob("rl_model_*_steps.zip"))

    steps = max(int(p.stem.split("_")[2]) for p in (folder / "checkpoints").glob("rl_model*"))
    ended = run("train", f"resume={folder}", f"training.total_timesteps={steps + 20_000}")

    assert ended.code == 0, ended.err
    assert (folder / "bundle" / "manifest.json").is_file()


def test_a_password_reaches_no_file_of_the_run(
    run: Run, tmp_path: Path, postgres_server: str
) -> None:
    wrong = postgres_server.replace("correct-horse", "s3cret")

    ended = run("train", *TINY, f"table.database={wrong}")

    assert ended.code == 1
    assert "s3cret" not in ended.out + ended.err
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "config.yaml" for path in written)
    assert not any(b"s3cret" in path.read_bytes() for path in written)


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        (
            "experiment=null",
            "experiment takes one of febrl, jp_all, jp_moves, jp_own, jp_payees, own",
        ),
        ("agent=3", "agent takes one of dqn, maskable_ppo, ppo, qrdqn, got 3; or leave it out"),
        ("seed=-1", "seed must be at least 0, got -1"),
        ("training.steps=1", "unknown key training.steps; it is now training.total_timesteps"),
        ("+training.steps=1", "unknown key training.steps; it is now training.total_timesteps"),
    ],
)
def test_a_wrong_argument_ends_the_command_before_anything_runs(
    run: Run, tmp_path: Path, word: str, sentence: str
) -> None:
    ended = run("train", word, "hydra.run.dir=r")

    assert ended.code == 2
    assert ended.last.startswith(f"error: {sentence}")
    assert not (tmp_path / "r" / "config.yaml").exists()
