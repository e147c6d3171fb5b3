"""A short training: what it writes, how it resumes, how it ends when it is cut short."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from linkage_rl.agents.algorithms import DQNConfig, PPOConfig, PPOUpdates
from linkage_rl.agents.ranker import RankerConfig, train_ranker
from linkage_rl.agents.scorer import CandidateScorer, load_scorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.agents.warm_start import WarmStartConfig
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.envs.core import LinkageCore, Step
from linkage_rl.errors import CollapsedPolicyError, ConfigError, OutputError
from linkage_rl.training import agent
from linkage_rl.training.agent import Task, TrainingConfig, starting_scorer, train_agent
from tests.cases_factory import DRAWN_VIEW, synthetic_cases
from tests.full_disk import disk_with_room_for

pytestmark = pytest.mark.slow

TASK = Task(
    synthetic_cases(500, np.random.default_rng(1)),
    synthetic_cases(300, np.random.default_rng(2)),
    DRAWN_VIEW,
    RewardWeights(),
)
UPDATES = PPOUpdates(
    n_steps=4,
    batch_size=256,
    learning_rate=1e-3,
    clip_range=0.2,
    temperature=1.0,
    ent_coef=0.0,
    target_kl=1.0,
    n_epochs=2,
)
PPO = PPOConfig(n_envs=128, refine=UPDATES, scratch=UPDATES)
QUICK = TrainingConfig(
    total_timesteps=2048,
    evaluations=4,
    evaluation_cases=100,
    warm_start=WarmStartConfig(samples=1000, updates=50, batch_size=128, value_updates=100),
    progress=False,
)
UNGUARDED = replace(QUICK, collapse_rate=0.0)


@pytest.fixture(scope="module")
def ranker() -> CandidateScorer:
    config = RankerConfig(width=16, epochs=20, batch_size=32, ema_decay=0.0)
    return train_ranker(TASK.train, TASK.valid, TASK.view, config, 0)


def evaluations(folder: Path) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    with np.load(folder / "evaluations.npz") as saved:
        return dict(saved)


def test_run_thresholds_come_from_valid_cases_and_where_these_are_few_from_training_cases_too(
    ranker: CandidateScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[CaseSet] = []

    def noted(scorer: CandidateScorer, cases: CaseSet, *_: object) -> CandidateScorer:
        seen.append(cases)
        return scorer

    monkeypatch.setattr(agent, "with_run_thresholds", noted)
    valid = len(TASK.valid)
    for limit in (0, valid - 10, valid + 30):
        warm = replace(QUICK.warm_start, run_threshold_cases=limit)
        starting_scorer(PPO, TASK, replace(QUICK, warm_start=warm), 0, ranker)

    few, filled = seen
    assert [len(few), len(filled)] == [valid - 10, valid + 30]
    assert np.array_equal(filled.query[:valid], TASK.valid.query)
    learned_from = {row.tobytes() for row in TASK.train.query}
    assert all(row.tobytes() in learned_from for row in filled.query[valid:])


def test_a_run_leaves_its_curve_models_and_log(ranker: CandidateScorer, tmp_path: Path) -> None:
    train_agent(PPO, TASK, QUICK, 1, tmp_path, ranker)

    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "best_model.zip",
        "best_scorer.pt",
        "checkpoints",
        "evaluations.npz",
        "progress.csv",
        "tb",
    }
    curve = evaluations(tmp_path)
    assert curve["timesteps"].tolist() == [0, 512, 1024, 1536, 2048]
    assert curve["results"].shape == curve["ep_lengths"].shape == (5, 100)
    assert curve["successes"].shape == (5, 100)
    with (tmp_path / "progress.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["time/total_timesteps"]) for row in rows] == [0, 512, 1024, 1536, 2048]
    assert float(rows[-1]["eval/mean_reward"]) == pytest.approx(curve["results"][-1].mean())


def test_the_policy_returned_is_the_best_one_evaluated(
    ranker: CandidateScorer, tmp_path: Path
) -> None:
    """A ruinous learning rate: nothing beats the warm start, which therefore is returned."""
    ruinous = replace(PPO, refine=replace(UPDATES, learning_rate=1.0))

    policy = train_agent(
        ruinous, TASK, replace(UNGUARDED, total_timesteps=1024), 1, tmp_path, ranker
    )

    means = evaluations(tmp_path)["results"].mean(axis=1)
    assert means.max() == means[0] > means[-1]
    best = load_scorer(tmp_path / "best_scorer.pt").state_dict()
    kept = policy.scorer.state_dict()
    assert all(torch.equal(kept[name], best[name]) for name in best)
    untouched = ranker.state_dict()
    assert torch.equal(kept["embed.weight"], untouched["embed.weight"])


def test_a_resumed_run_goes_on_and_keeps_the_better_best_model(
    ranker: CandidateScorer, tmp_path: Path
) -> None:
    train_agent(PPO, TASK, QUICK, 1, tmp_path, ranker)
    first = (tmp_path / "best_model.zip").read_bytes()
    best = evaluations(tmp_path)["results"].mean(axis=1).max()
    ruinous = replace(PPO, refine=replace(UPDATES, learning_rate=1.0))

    train_agent(
        ruinous, TASK, replace(UNGUARDED, total_timesteps=4096), 1, tmp_path, ranker, resume=True
    )

    curve = evaluations(tmp_path)
    assert curve["timesteps"].tolist()[:5] == [0, 512, 1024, 1536, 2048]
    assert curve["timesteps"][-1] == 4096
    assert curve["results"].mean(axis=1)[6:].max() < best
    assert (tmp_path / "best_model.zip").read_bytes() == first
    with (tmp_path / "progress.csv").open() as file:
        steps = [int(row["time/total_timesteps"]) for row in csv.DictReader(file)]
    assert steps == sorted(steps)
    assert steps[0] == 0


def test_a_new_run_does_not_take_over_what_an_earlier_one_left(
    ranker: CandidateScorer, tmp_path: Path
) -> None:
    train_agent(PPO, TASK, QUICK, 1, tmp_path, ranker)
    dear = replace(TASK, weights=RewardWeights(correct_link=0.1))

    train_agent(PPO, dear, QUICK, 1, tmp_path, ranker)

    curve = evaluations(tmp_path)
    assert curve["timesteps"].tolist() == [0, 512, 1024, 1536, 2048]
    assert curve["results"].max() <= 0.5


def test_a_finished_run_has_nothing_to_resume(ranker: CandidateScorer, tmp_path: Path) -> None:
    first = train_agent(PPO, TASK, QUICK, 1, tmp_path, ranker)

    again = train_agent(PPO, TASK, QUICK, 1, tmp_path, ranker, resume=True)

    assert len(evaluations(tmp_path)["timesteps"]) == 5
    assert isinstance(again, ScorerPolicy)
    assert torch.equal(again.scorer.link.weight, first.scorer.link.weight)


def test_resuming_nothing_is_refused(ranker: CandidateScorer, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected a checkpoint in .* to resume from, got none"):
        train_agent(PPO, TASK, QUICK, 1, tmp_path, ranker, resume=True)


@pytest.mark.parametrize(("room", "file"), [(200, r"progress\.csv"), (3_000, r"best_model\.zip")])
def test_a_full_disk_is_named_by_the_file_and_leaves_nothing_half_written(
    ranker: CandidateScorer, tmp_path: Path, room: int, file: str
) -> None:
    quiet = replace(QUICK, tensorboard=False)

    with disk_with_room_for(room), pytest.raises(OutputError, match=f"cannot write .*{file}: "):
        train_agent(PPO, TASK, quiet, 1, tmp_path, ranker)

    assert not list(tmp_path.rglob("*partial*"))
    train_agent(PPO, TASK, quiet, 1, tmp_path, ranker)
    assert evaluations(tmp_path)["timesteps"].tolist() == [0, 512, 1024, 1536, 2048]


def test_a_run_resumes_from_a_checkpoint_that_lies_behind_its_last_evaluation(
    ranker: CandidateScorer, tmp_path: Path
) -> None:
    """Killed between an evaluation and the checkpoint after it: no step is counted twice."""
    train_agent(PPO, TASK, QUICK, 1, tmp_path, ranker)
    (tmp_path / "checkpoints" / "rl_model_2048_steps.zip").unlink()

    train_agent(PPO, TASK, QUICK, 1, tmp_path, ranker, resume=True)

    steps = evaluations(tmp_path)["timesteps"].tolist()
    assert steps == [0, 512, 1024, 1536, 1536, 2048]
    with (tmp_path / "progress.csv").open() as table:
        assert [int(row["time/total_timesteps"]) for row in csv.DictReader(table)] == steps


def test_a_checkpoint_resumes_without_a_best_model(ranker: CandidateScorer, tmp_path: Path) -> None:
    """A full disk may have room for a checkpoint after the best model has failed."""
    train_agent(PPO, TASK, replace(QUICK, total_timesteps=1024), 1, tmp_path, ranker)
    for name in ("best_model.zip", "best_scorer.pt"):
        (tmp_path / name).unlink()

    train_agent(PPO, TASK, QUICK, 1, tmp_path, ranker, resume=True)

    assert (tmp_path / "best_model.zip").is_file()


def test_an_interrupt_leaves_a_checkpoint_that_resumes(
    ranker: CandidateScorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = LinkageCore.step

    def interrupted(core: LinkageCore, *args: object, **kwargs: object) -> Step:
        if core.tally.steps >= 256:
            raise KeyboardInterrupt
        return step(core, *args, **kwargs)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(LinkageCore, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_agent(PPO, TASK, QUICK, 1, tmp_path, ranker)
    assert (tmp_path / "checkpoints" / "rl_model_256_steps.zip").is_file()

    train_agent(PPO, TASK, QUICK, 1, tmp_path, ranker, resume=True)

    assert evaluations(tmp_path)["timesteps"][[0, 1]].tolist() == [0, 256]


def test_a_policy_that_links_no_client_ends_the_run_with_one_sentence(
    ranker: CandidateScorer, tmp_path: Path
) -> None:
    hostile = replace(TASK, weights=RewardWeights(wrong_link=-1000.0))
    config = replace(QUICK, start="scratch", total_timesteps=8192, evaluations=8)

    with pytest.raises(CollapsedPolicyError, match=r"links 0\.\d% of the clients after \d+ steps"):
        train_agent(PPO, hostile, config, 1, tmp_path, ranker)


def test_a_dqn_run_resumes_with_its_memory(ranker: CandidateScorer, tmp_path: Path) -> None:
    dqn = DQNConfig(n_envs=128, batch_size=64, gradient_steps=1, buffer_size=1024)
    train_agent(dqn, TASK, QUICK, 1, tmp_path, ranker)
    assert (tmp_path / "checkpoints" / "replay.npz").is_file()

    train_agent(dqn, TASK, replace(QUICK, total_timesteps=3072), 1, tmp_path, ranker, resume=True)

    assert evaluations(tmp_path)["timesteps"][-1] == 3072


def test_equal_seeds_give_equal_runs(ranker: CandidateScorer, tmp_path: Path) -> None:
    for name in ("a", "b"):
        train_agent(PPO, TASK, QUICK, 4, tmp_path / name, ranker)

    first, again = evaluations(tmp_path / "a"), evaluations(tmp_path / "b")
    assert np.array_equal(first["results"], again["results"])


def test_a_bar_is_shown_on_request(
    ranker: CandidateScorer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train_agent(PPO, TASK, replace(QUICK, progress=True), 1, tmp_path, ranker)

    assert "2048/2048" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": "cold"}, r"training.start among \['warm', 'curriculum', 'scratch'\]"),
        ({"total_timesteps": 0}, "must be at least 1, got 0"),
    ],
)
def test_nonsense_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainingConfig(**changes)  # type: ignore[arg-type]


def test_a_warm_start_needs_a_ranker(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="start=warm needs a trained ranker"):
        train_agent(PPO, TASK, QUICK, 1, tmp_path)
