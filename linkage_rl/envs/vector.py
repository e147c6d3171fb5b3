"""Many clients at once, as a Gymnasium vector environment."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from linkage_rl.decision.episode import Episodes
from linkage_rl.decision.rewards import Outcome, RewardWeights
from linkage_rl.envs.build import (
    Cases,
    ObservationDict,
    action_space,
    as_dict,
    build_core,
    check_render_mode,
    observation_space,
)
from linkage_rl.envs.core import LinkageCore, Order, Step
from linkage_rl.envs.infos import Infos, infos_of, with_masks
from linkage_rl.envs.options import chosen_cases, reset_mask
from linkage_rl.envs.picture import draw
from linkage_rl.envs.rendering import LastStep, scene_of
from linkage_rl.errors import ConfigError


class CandidateSelectionVectorEnv(VectorEnv[ObservationDict, NDArray[np.int64], NDArray[Any]]):
    """`CandidateSelectionEnv` with B episodes side by side, stepped at once in numpy.

    `gymnasium.make_vec` builds it. Infos have the keys of the single environment, as arrays with a
    row per episode, and for each key its mask `_key` of the rows that have a value.

    What happens to an episode that has ended (`autoreset_mode`):

    - SAME_STEP, the default: its row already shows the next client. The last observation is in
      `infos["final_obs"]`, the last info in `infos["final_info"]`.
    - NEXT_STEP: its row shows the last observation. The next step ignores its action and starts the
      next client.
    - DISABLED: its row waits for `reset(options={"reset_mask": mask})`.
    """

    # Gymnasium declares it per instance and reads it from the class.
    metadata: dict[str, Any] = {  # noqa: RUF012
        "render_modes": ["rgb_array"],
        "render_fps": 1,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        cases: Cases | None = None,
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
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
        render_mode: str | None = None,
    ) -> None:
        """Build the environment; arguments that are not listed as in `CandidateSelectionEnv`.

        Args:
            cases: Prepared cases, or the folder of saved ones; None draws a small sample.
            num_envs: Episodes side by side, B.
            max_candidates: Slots K.
            costs: Cost of each blocker.
            allow_review: Whether review is legal.
            weights: Value of the reward terms.
            all_run: Start with every blocker run, at no cost.
            order: "random", or "sequential": each new episode takes the next case, row by row.
            flat: Candidates as (B, K * F) instead of (B, K, F).
            max_episode_steps: Steps after which an unfinished episode is truncated, if any.
            autoreset_mode: What happens to an episode that has ended.
            render_mode: "rgb_array" for a picture of each episode, or None.

        Raises:
            ConfigError: A value makes no sense; the message names it.
        """
        check_render_mode(render_mode, self.metadata["render_modes"])
        self.autoreset_mode = _autoreset_mode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
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
        self.render_mode = render_mode
        self.single_observation_space = observation_space(
            self.core.cases, self.core.view, flat=flat
        )
        self.single_action_space = action_space(self.core.view)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._age = np.zeros(num_envs, dtype=np.int64)
        self._ended = np.zeros(num_envs, dtype=np.bool_)
        """Episodes that have ended and have not been replaced."""
        self._last = [LastStep()] * num_envs

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[ObservationDict, dict[str, Any]]:
        """Start B clients, or those of a mask.

        Args:
            seed: Restarts the order in which clients are drawn; None goes on with it.
            options: "case" is the position of a case, or one for each episode; "reset_mask" names
                the episodes to replace, as a boolean array of shape (B,).

        Raises:
            ConfigError: An option is unknown or makes no sense.
        """
        case = chosen_cases(
            options, self.num_envs, len(self.core.cases), known=("case", "reset_mask")
        )
        rows = reset_mask(options, self.num_envs)
        super().reset(seed=seed)
        self.core.rng = self.np_random
        if seed is not None:
            self.core.rewind()
        replaced = np.ones(self.num_envs, dtype=np.bool_) if rows is None else rows
        self._mark_new(replaced)
        observation = self.core.reset(case, rows)
        infos = infos_of(self.core, self.core.episodes, observation)
        return as_dict(observation, flat=self.flat), with_masks(infos, replaced)

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[ObservationDict, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Act once in every episode.

        Raises:
            IllegalActionError: An action lies outside the action space.
            ResetNeeded: An episode has ended, and `autoreset_mode` leaves it to the caller.
        """
        actions = np.asarray(actions, dtype=np.int64)
        idle = self._ended.copy()
        if idle.any():
            self._begin_next(idle)
        self._age += ~idle
        overdue = np.zeros(self.num_envs, dtype=np.bool_)
        if self.max_episode_steps is not None:
            overdue = self._age >= self.max_episode_steps
        same_step = self.autoreset_mode == AutoresetMode.SAME_STEP
        step = self.core.step(actions, restart=same_step, truncate=overdue, idle=idle)
        truncated = overdue & ~step.done
        ended = step.done | truncated
        self._record_last(actions, step, idle)
        infos = self._infos(step, ended)
        if same_step:
            self._mark_new(ended)
        else:
            self._ended = ended
        return as_dict(step.observation, flat=self.flat), step.reward, step.done, truncated, infos

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """A picture of each episode, shape (720, 1280, 3); None without a render mode."""
        if self.render_mode is None:
            return None
        return tuple(draw(scene_of(self.core, row, last)) for row, last in enumerate(self._last))

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, shape (B, A)."""
        return self.core.observation.action_mask.astype(np.bool_)

    def _mark_new(self, rows: NDArray[np.bool_]) -> None:
        """Note that the episodes in these rows are new."""
        self._age[rows] = 0
        self._ended &= ~rows
        if self.render_mode is not None:
            for row in np.flatnonzero(rows):
                self._last[row] = LastStep()

    def _begin_next(self, rows: NDArray[np.bool_]) -> None:
        """Replace the episodes that ended in the step before."""
        if self.autoreset_mode == AutoresetMode.DISABLED:
            raise ResetNeeded(
                f"episodes {np.flatnonzero(rows).tolist()} have ended; call "
                "reset(options={'reset_mask': mask}) before the next step()"
            )
        self._mark_new(rows)
        self.core.reset(rows=rows)

    def _record_last(self, actions: NDArray[np.int64], step: Step, idle: NDArray[np.bool_]) -> None:
        if self.render_mode is not None:
            for row in np.flatnonzero(~idle):
                self._last[row] = LastStep(int(actions[row]), Outcome(int(step.outcome[row])))

    def _infos(self, step: Step, ended: NDArray[np.bool_]) -> Infos:
        """Infos of all rows; in SAME_STEP mode, with the last ones of the episodes that ended."""
        everywhere = np.ones(self.num_envs, dtype=np.bool_)
        last = infos_of(self.core, step.after, step.final, step.outcome, step.terms)
        if self.autoreset_mode != AutoresetMode.SAME_STEP or not ended.any():
            return with_masks(last, everywhere)
        # Rows that were replaced have begun: nothing has been paid or decided in them.
        terms = {name: np.where(ended, np.float32(0), term) for name, term in step.terms.items()}
        episodes: Episodes = self.core.episodes
        infos = with_masks(infos_of(self.core, episodes, step.observation, None, terms), everywhere)
        final_obs = np.full(self.num_envs, None, dtype=object)
        seen = as_dict(step.final, flat=self.flat)
        for row in np.flatnonzero(ended):
            final_obs[row] = {name: value[row].copy() for name, value in seen.items()}
        infos["final_obs"], infos["_final_obs"] = final_obs, ended.copy()
        infos["final_info"], infos["_final_info"] = with_masks(last, ended), ended.copy()
        return infos


def _autoreset_mode(mode: AutoresetMode | str) -> AutoresetMode:
    try:
        return AutoresetMode(mode)
    except ValueError as error:
        known = [known.value for known in AutoresetMode]
        raise ConfigError(f"expected autoreset_mode among {known}, got {mode!r}") from error
