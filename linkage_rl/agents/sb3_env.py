"""The environment core as a vectorized environment of Stable-Baselines3."""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from linkage_rl.envs.build import (
    ObservationDict,
    action_space,
    as_dict,
    check_render_mode,
    observation_space,
)
from linkage_rl.envs.core import NEXT_CASE, LinkageCore
from linkage_rl.envs.options import chosen_cases
from linkage_rl.envs.picture import draw
from linkage_rl.envs.rendering import scene_of


class LinkageVecEnv(VecEnv):
    """B episodes of a core for the algorithms of Stable-Baselines3.

    Its spaces are those of `CandidateSelectionEnv`, so that a model trained here runs there.
    A finished episode is replaced at once: its row shows the next client. Infos stay empty, since
    building a dict per row would cost more than the step: totals are in `core.tally`. Episodes are
    never truncated.
    """

    def __init__(
        self, core: LinkageCore, *, reward_scale: float = 1.0, render_mode: str | None = None
    ) -> None:
        """Wrap a core.

        Args:
            core: Steps the episodes and draws the cases.
            reward_scale: Factor on the rewards, for algorithms whose loss is not scale-free.
            render_mode: "rgb_array" for pictures of the episodes, or None.

        Raises:
            ConfigError: There is no such render mode.
        """
        check_render_mode(render_mode, ["rgb_array"])
        self.core = core
        self.reward_scale = reward_scale
        # The base class asks for it while it is being built.
        self.render_mode = render_mode
        super().__init__(
            core.batch,
            observation_space(core.cases, core.view, flat=True),
            action_space(core.view),
        )
        metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 1}
        self.metadata = metadata
        self._actions = np.zeros(core.batch, dtype=np.int64)
        self._infos: list[dict[str, Any]] = [{} for _ in range(core.batch)]

    def reset(self) -> ObservationDict:
        """Start B clients; what `seed` and `set_options` were given is used once.

        Options as in `CandidateSelectionEnv.reset`, for all rows or one dict for each.

        Raises:
            ConfigError: An option is unknown or makes no sense.
        """
        case = self._chosen_cases()
        if self._seeds[0] is not None:
            # Seeds s, s + 1, ... of the rows would make runs with neighbouring seeds alike.
            self.core.rng = np.random.default_rng(np.random.SeedSequence(self._seeds[0]))
            self.core.rewind()
        self._reset_seeds()
        self._reset_options()
        return as_dict(self.core.reset(case), flat=True)

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = np.asarray(actions, dtype=np.int64).reshape(-1)

    def step_wait(self) -> VecEnvStepReturn:
        """Act once in every episode."""
        step = self.core.step(self._actions)
        observation: Any = as_dict(step.observation, flat=True)
        return observation, step.reward * np.float32(self.reward_scale), step.done, self._infos

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, shape (B, A)."""
        masks: NDArray[np.bool_] = self.core.observation.action_mask.astype(np.bool_)
        return masks

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """A picture of each episode, shape (720, 1280, 3)."""
        return [draw(scene_of(self.core, row)) for row in range(self.num_envs)]

    def close(self) -> None:
        """Nothing to release."""

    def has_attr(self, attr_name: str) -> bool:
        """Whether the environment or its core has this attribute."""
        return hasattr(self, attr_name) or hasattr(self.core, attr_name)

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The attribute, repeated for each row in `indices`."""
        holder = self if hasattr(self, attr_name) else self.core
        return [getattr(holder, attr_name)] * len(self._rows(indices))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of the core; all rows share it."""
        setattr(self.core, attr_name, value)

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: VecEnvIndices = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """Call a method once; a result with one row per episode is returned row by row."""
        result = getattr(self, method_name)(*method_args, **method_kwargs)
        if isinstance(result, np.ndarray) and len(result) == self.num_envs:
            return [result[row] for row in self._rows(indices)]
        return [result] * len(self._rows(indices))

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: VecEnvIndices = None
    ) -> list[bool]:
        """No row is wrapped."""
        return [False] * len(self._rows(indices))

    def _chosen_cases(self) -> NDArray[np.int64] | None:
        """Case of each row that the options ask for, None where they ask for none."""
        if not any(self._options):
            return None
        chosen = np.full(self.num_envs, NEXT_CASE)
        for row, options in enumerate(self._options):
            case = chosen_cases(options, 1, len(self.core.cases))
            if case is not None:
                chosen[row] = case[0]
        return chosen

    def _rows(self, indices: VecEnvIndices) -> Sequence[int]:
        return list(self._get_indices(indices))
