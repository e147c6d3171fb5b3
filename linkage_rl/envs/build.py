"""Cores, spaces and observations from the arguments of `gymnasium.make`."""

import os
from collections.abc import Mapping, Sequence
from typing import Final

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.envs.core import LinkageCore, Order
from linkage_rl.envs.default_cases import default_cases
from linkage_rl.errors import ConfigError
from linkage_rl.records import Observation

UNLISTED_COST: Final = 0.005
"""Cost of a blocker that `CandidateSettings` does not list; unit: one correct link."""

ObservationDict = dict[str, NDArray[np.float32] | NDArray[np.int8]]
"""An observation by part: candidates, query, state and action_mask."""

Cases = CaseSet | str | os.PathLike[str]
"""Prepared cases, or the folder in which they were saved."""


def build_core(
    cases: Cases | None,
    *,
    max_candidates: int,
    costs: Sequence[float] | None,
    allow_review: bool,
    weights: RewardWeights | Mapping[str, float] | None,
    all_run: bool,
    order: Order,
    batch: int = 1,
) -> LinkageCore:
    """A core over these cases.

    Args:
        cases: Prepared cases, the folder of saved ones, or None for the default sample.
        max_candidates: Slots for visible candidates, K.
        costs: Cost of each blocker, or None for that of `CandidateSettings`.
        allow_review: Whether a client can be handed to a person.
        weights: Value of the reward terms; a mapping names those that differ from the default.
        all_run: Start with every blocker run, at no cost.
        order: How cases are drawn, 'random' or 'sequential'.
        batch: Episodes side by side.

    Raises:
        ConfigError: A value makes no sense, or the folder holds no cases.
    """
    if order not in ("random", "sequential"):
        raise ConfigError(f"expected order 'random' or 'sequential', got {order!r}")
    if cases is None:
        cases = default_cases()
    elif not isinstance(cases, CaseSet):
        cases = CaseSet.load(cases)
    if costs is None:
        listed = {blocker.name: blocker.cost for blocker in CandidateSettings().blockers()}
        costs = [listed.get(blocker, UNLISTED_COST) for blocker in cases.blockers]
    view = View(max_candidates, tuple(costs), allow_review)
    return LinkageCore(
        cases, view, reward_weights(weights), batch=batch, all_run=all_run, order=order
    )


def reward_weights(weights: RewardWeights | Mapping[str, float] | None) -> RewardWeights:
    """The weights that the argument of an environment stands for.

    Raises:
        ConfigError: There is no such weight, or the weights would reward a mistake.
    """
    if weights is None or isinstance(weights, RewardWeights):
        return RewardWeights() if weights is None else weights
    known = set(RewardWeights.__dataclass_fields__)
    if unknown := set(weights) - known:
        raise ConfigError(f"expected reward weights among {sorted(known)}, got {sorted(unknown)}")
    return RewardWeights(**weights)


def observation_space(cases: CaseSet, view: View, *, flat: bool) -> spaces.Dict:
    """Space of one observation; `flat` as in `as_dict`."""
    slots, blockers = view.max_candidates, len(view.costs)
    features = len(view.candidate_features(cases))
    shape = (slots * features,) if flat else (slots, features)
    return spaces.Dict(
        {
            "candidates": spaces.Box(0.0, 1.0, shape, np.float32),
            "query": spaces.Box(0.0, 1.0, (cases.query.shape[1],), np.float32),
            "state": spaces.Box(0.0, 1.0, (blockers + 2,), np.float32),
            "action_mask": spaces.Box(0, 1, (view.layout.size,), np.int8),
        }
    )


def action_space(view: View) -> gym.spaces.Discrete:
    """Space of one action."""
    return spaces.Discrete(view.layout.size)


def as_dict(observation: Observation, *, flat: bool) -> ObservationDict:
    """The parts of an observation that agents get; `slot_candidates` is left out.

    Args:
        observation: A batch of B.
        flat: Give the candidates as (B, K * F), slot after slot, instead of (B, K, F).
    """
    candidates = observation.candidates
    return {
        "candidates": candidates.reshape(len(candidates), -1) if flat else candidates,
        "query": observation.query,
        "state": observation.state,
        "action_mask": observation.action_mask,
    }


def check_render_mode(render_mode: str | None, modes: Sequence[str]) -> None:
    """Make sure that an environment has this render mode.

    Raises:
        ConfigError: It has not.
    """
    if render_mode is not None and render_mode not in modes:
        raise ConfigError(f"expected render_mode among {list(modes)}, got {render_mode!r}")
