"""Cores and spaces from what a user gives to `gymnasium.make`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
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


def build_core(
    cases: CaseSet | Path | str | None,
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
        max_candidates: Visible candidates K.
        costs: Cost of each blocker, or None for that of `CandidateSettings`.
        allow_review: Whether a person stands by to review.
        weights: Value of the outcomes; a mapping names the weights that differ from the default.
        all_run: Start with every blocker run.
        order: How cases are drawn.
        batch: Episodes side by side.

    Raises:
        ConfigError: A value makes no sense, or the folder holds no cases.
    """
    if max_candidates < 1:
        raise ConfigError(f"expected max_candidates of at least 1, got {max_candidates}")
    if order not in ("random", "sequential"):
        raise ConfigError(f"expected order 'random' or 'sequential', got {order!r}")
    if cases is None:
        cases = default_cases()
    elif not isinstance(cases, CaseSet):
        cases = _load(Path(cases))
    if costs is None:
        listed = {blocker.name: blocker.cost for blocker in CandidateSettings().blockers()}
        costs = [listed.get(blocker, UNLISTED_COST) for blocker in cases.blockers]
    view = View(max_candidates, tuple(costs), allow_review)
    return LinkageCore(cases, view, _weights(weights), batch=batch, all_run=all_run, order=order)


def _load(folder: Path) -> CaseSet:
    if not (folder / "cases.json").is_file():
        raise ConfigError(f"expected a folder of saved cases with a cases.json, got {folder}")
    return CaseSet.load(folder)


def _weights(weights: RewardWeights | Mapping[str, float] | None) -> RewardWeights:
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
    """The arrays that an agent sees; `slot_pairs` stays behind.

    Args:
        observation: A batch of B.
        flat: Give the candidates as (B, K * F) instead of (B, K, F), slot after slot.
    """
    candidates = observation.candidates
    return {
        "candidates": candidates.reshape(len(candidates), -1) if flat else candidates,
        "query": observation.query,
        "state": observation.state,
        "action_mask": observation.action_mask,
    }
