"""Many clients at once, as a Gymnasium vector environment."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.episode import blocker_cost
from linkage_rl.decision.rewards import Outcome, RewardWeights
from linkage_rl.envs.build import (
    ObservationDict,
    action_space,
    as_dict,
    build_core,
    observation_space,
)
from linkage_rl.envs.core import LinkageCore, Order, Step
from linkage_rl.errors import ConfigError


class CandidateSelectionVectorEnv(VectorEnv[ObservationDict, NDArray[np.int64], NDArray[Any]]):
    """`CandidateSelectionEnv`, B episodes side by side in one numpy core.

    Autoreset is SAME_STEP: the row of a finished episode already shows the next client, what the
    finished one saw stands in `infos["final_obs"]`, and its ending in `infos["final_info"]`.
    """

    # Gymnasium declares it per instance and reads it from the class.
    metadata: dict[str, Any] = {  # noqa: RUF012
        "render_modes": [],
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        cases: CaseSet | Path | str | None = None,
        *,
        num_envs: int = 1,
        max_candidates: int = 20,
        costs: Sequence[float] | None = None,
        allow_review: bool = False,
        weights: RewardWeights | Mapping[str, float] | None = None,
        all_run: bool = False,
        order: Order = "random",
        flat: bool = True,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        """Arguments as in `build_core`.

        Args:
            cases: As in `build_core`.
            num_envs: Episodes side by side, B.
            max_candidates: As in `build_core`.
            costs: As in `build_core`.
            allow_review: As in `build_core`.
            weights: As in `build_core`.
            all_run: As in `build_core`.
            order: As in `build_core`.
            flat: As in `as_dict`.
            max_episode_steps: Steps after which an unfinished episode is truncated, if any.
            render_mode: Must be None; render one environment instead.

        Raises:
            ConfigError: A value makes no sense; the message names it.
        """
        if render_mode is not None:
            raise ConfigError(f"the vector environment renders nothing, got {render_mode!r}")
        self.core: LinkageCore = build_core(
            cases,
            max_candidates=max_candidates,
            costs=costs,
            allow_review=allow_review,
            weights=weights,
            all_run=all_run,
            order=order,
            batch=num_envs,
        )
        self.num_envs = num_envs
        self.max_episode_steps = max_episode_steps
        self.flat = flat
        self.single_observation_space = observation_space(
            self.core.cases, self.core.view, flat=flat
        )
        self.single_action_space = action_space(self.core.view)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._age = np.zeros(num_envs, dtype=np.int64)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[ObservationDict, dict[str, Any]]:
        """Start B clients."""
        super().reset(seed=seed)
        self.core.rng = self.np_random
        self._age[:] = 0
        observation = self.core.reset()
        return as_dict(observation, flat=self.flat), {"case": self.core.episodes.case.copy()}

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[ObservationDict, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Act once in every episode; finished rows show their next client.

        Raises:
            IllegalActionError: An action lies outside the action space.
        """
        self._age += 1
        overdue = np.zeros(self.num_envs, dtype=np.bool_)
        if self.max_episode_steps is not None:
            overdue = self._age >= self.max_episode_steps
        step = self.core.step(np.asarray(actions, dtype=np.int64), overdue=overdue)
        truncated = overdue & ~step.done
        ended = step.done | truncated
        self._age[ended] = 0
        infos: dict[str, Any] = {
            "case": self.core.episodes.case.copy(),
            "reward_terms": dict(step.terms),
        }
        if ended.any():
            infos.update(self._endings(step, ended))
        return as_dict(step.observation, flat=self.flat), step.reward, step.done, truncated, infos

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, shape (B, A)."""
        return self.core.observation.action_mask.astype(np.bool_)

    def _endings(self, step: Step, ended: NDArray[np.bool_]) -> dict[str, Any]:
        """What Gymnasium calls final_obs and final_info, with their masks."""
        final_obs = np.full(self.num_envs, None, dtype=object)
        seen = as_dict(step.final, flat=self.flat)
        for row in np.flatnonzero(ended):
            final_obs[row] = {name: value[row].copy() for name, value in seen.items()}
        costs = np.asarray(self.core.view.costs, dtype=np.float32)
        cost = blocker_cost(step.after.ran, costs) * (not self.core.all_run)
        success = np.isin(step.outcome, (Outcome.CORRECT_LINK, Outcome.CORRECT_REJECT))
        final_info: dict[str, Any] = {
            "case": step.after.case,
            "outcome": step.outcome,
            "is_success": success,
            "cost": cost,
            "ran": step.after.ran,
        }
        final_info.update({f"_{name}": ended.copy() for name in tuple(final_info)})
        return {
            "final_obs": final_obs,
            "_final_obs": ended.copy(),
            "final_info": final_info,
            "_final_info": ended.copy(),
        }
