"""Steps per second of the environments and of PPO."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from experiments.cost.figures import Figure
from experiments.cost.inputs import Inputs, Sizes
from experiments.tools.measure import Clock
from linkage_rl.agents.algorithms import PPOConfig
from linkage_rl.agents.sb3_env import LinkageVecEnv
from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig
from linkage_rl.agents.scorer_policy import one_thread
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.decision.prepare import prepare_cases
from linkage_rl.envs.candidate_selection import CandidateSelectionEnv
from linkage_rl.envs.core import LinkageCore

_SINGLE_ENVS = 64
_SLOTS = 20
_SEED = 1


def draw_cases(inputs: Inputs, index: CompanyIndex) -> CaseSet:
    """The first clients of the list with all that the blockers propose."""
    records, truth = inputs.some(range(min(inputs.sizes.cases, len(inputs.clients))))
    return prepare_cases(index, CandidateSettings().blockers(), records, truth)


def measure_environments(cases: CaseSet, sizes: Sizes) -> list[Figure]:
    """The native core against single environments in SB3's `DummyVecEnv`, on the same cases."""
    view = _view()
    core = LinkageCore(cases, view, batch=sizes.native_envs, rng=np.random.default_rng(_SEED))
    native, filled = steps_of(LinkageVecEnv(core), sizes.native_steps)
    single = DummyVecEnv(
        [lambda: CandidateSelectionEnv(cases, max_candidates=_SLOTS, costs=view.costs)]
        * _SINGLE_ENVS
    )
    dummy, _ = steps_of(single, sizes.dummy_steps)
    ours, rival = sizes.native_envs * sizes.native_steps, _SINGLE_ENVS * sizes.dummy_steps
    against = f"DummyVecEnv of {_SINGLE_ENVS} single environments"
    note = (
        f"{sizes.native_envs} episodes side by side, {filled:.1f} of {_SLOTS} slots filled; "
        "choosing random legal actions not counted"
    )
    return [
        Figure("environment", "steps/s", ours / native.wall_s, rival / dummy.wall_s, against, note),
        Figure(
            "environment, processor",
            "steps/CPU-s",
            ours / native.cpu_s,
            rival / dummy.cpu_s,
            against,
        ),
    ]


def steps_of(env: VecEnv, steps: int) -> tuple[Clock, float]:
    """Time spent in `env.step` under random legal actions, and the mean number of filled slots."""
    rng, clock = np.random.default_rng(_SEED), Clock()
    observation: Any = env.reset()
    filled = 0.0
    for _ in range(steps):
        mask = observation["action_mask"]
        filled += _filled(mask) / steps
        actions = _random_legal(mask, rng)
        with clock:
            observation, *_ = env.step(actions)
    return clock, filled


def _filled(mask: NDArray[np.int8]) -> float:
    """Mean number of slots with a candidate; stepping and learning take longer with more."""
    return float(mask[..., :_SLOTS].sum(axis=-1).mean())


def _random_legal(mask: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int64]:
    actions: NDArray[np.int64] = (mask * (1.0 - rng.random(mask.shape))).argmax(axis=1)
    return actions


def measure_ppo(cases: CaseSet, sizes: Sizes) -> list[Figure]:
    """PPO with the scorer against SB3's own network; same environment, rollouts and batches."""
    config = PPOConfig(n_envs=sizes.native_envs)
    updates, view = config.refine, _view()
    shape = ScorerConfig.fitting(cases, view)
    untrained = CandidateScorer(shape, torch.Generator().manual_seed(_SEED))
    scorer = config.fresh(untrained, _SEED)
    stock = PPO(
        "MultiInputPolicy",
        LinkageVecEnv(_core(cases, view, sizes)),
        learning_rate=updates.learning_rate,
        n_steps=updates.n_steps,
        batch_size=updates.batch_size,
        n_epochs=updates.n_epochs,
        gamma=1.0,
        seed=_SEED,
        device="cpu",
    )
    ours = config.build(_core(cases, view, sizes), scorer, _SEED, warm=True)
    # an update that stops early would do less work than that of the rival
    ours.target_kl = None  # type: ignore[attr-defined]
    steps = sizes.rollouts * sizes.native_envs * updates.n_steps
    with one_thread():
        clocks = [_learn(model, steps) for model in (ours, stock)]
    seen = ours.rollout_buffer.observations["action_mask"]  # type: ignore[attr-defined]
    note = (
        f"{steps:,} steps, {updates.n_epochs} epochs in batches of {updates.batch_size}, 1 thread, "
        f"{_filled(seen):.1f} of {_SLOTS} slots filled"
    )
    against = "SB3 MultiInputPolicy, unmasked"
    cpu, wall = [clock.cpu_s for clock in clocks], [clock.wall_s for clock in clocks]
    return [
        Figure("PPO with the scorer", "steps/CPU-s", steps / cpu[0], steps / cpu[1], against, note),
        Figure("PPO with the scorer, wall", "steps/s", steps / wall[0], steps / wall[1], against),
    ]


def _learn(model: BaseAlgorithm, steps: int) -> Clock:
    clock = Clock()
    with clock:
        model.learn(steps)
    return clock


def _core(cases: CaseSet, view: View, sizes: Sizes) -> LinkageCore:
    rng = np.random.default_rng(_SEED)
    return LinkageCore(cases, view, batch=sizes.native_envs, rng=rng)


def _view() -> View:
    return View(_SLOTS, tuple(blocker.cost for blocker in CandidateSettings().blockers()))
