"""The environment core as a vector environment of Stable-Baselines3."""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from linkage_rl.envs.build import ObservationDict, action_space, as_dict, observation_space
from linkage_rl.envs.core import LinkageCore


class LinkageVecEnv(VecEnv):
    """B episodes of a core for the algorithms of Stable-Baselines3.

    Finished rows show their next client at once. Infos stay empty, since building a dict per row
    would cost more than the step: totals are in `core.tally`. Episodes are never truncated.
    """

    def __init__(self, core: LinkageCore, *, reward_scale: float = 1.0) -> None:
        """Wrap a core.

        Args:
            core: Steps and draws the cases.
            reward_scale: Factor on the rewards, for algorithms whose loss is not scale-free.
        """
        self.core = core
        self.reward_scale = reward_scale
        # The base class asks for it while it is being built.
        self.render_mode: str | None = None
        super().__init__(
            core.batch,
            observation_space(core.cases, core.view, flat=False),
            action_space(core.view),
        )
        self._actions = np.zeros(core.batch, dtype=np.int64)
        self._infos: list[dict[str, Any]] = [{} for _ in range(core.batch)]

    def reset(self) -> ObservationDict:
        """Start B clients; a seed given before is used once."""
        if self._seeds[0] is not None:
            # Seeds s, s + 1, ... of the rows would make runs with neighbouring seeds alike.
            self.core.rng = np.random.default_rng(np.random.SeedSequence(self._seeds[0]))
        self._reset_seeds()
        return as_dict(self.core.reset(), flat=False)

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = np.asarray(actions, dtype=np.int64).reshape(-1)

    def step_wait(self) -> VecEnvStepReturn:
        """Act once in every episode."""
        step = self.core.step(self._actions)
        observation: Any = as_dict(step.observation, flat=False)
        return observation, step.reward * np.float32(self.reward_scale), step.done, self._infos

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, shape (B, A)."""
        masks: NDArray[np.bool_] = self.core.observation.action_mask.astype(np.bool_)
        return masks

    def close(self) -> None:
        """Nothing to release."""

    def has_attr(self, attr_name: str) -> bool:
        """Whether the environment or its core has this attribute."""
        return hasattr(self, attr_name) or hasattr(self.core, attr_name)

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The attribute, once per row asked for."""
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
        """Call a method once; a result of one row per episode is returned as those rows."""
        result = getattr(self, method_name)(*method_args, **method_kwargs)
        if isinstance(result, np.ndarray) and len(result) == self.num_envs:
            return [result[row] for row in self._rows(indices)]
        return [result] * len(self._rows(indices))

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: VecEnvIndices = None
    ) -> list[bool]:
        """No row is wrapped."""
        return [False] * len(self._rows(indices))

    def _rows(self, indices: VecEnvIndices) -> Sequence[int]:
        return list(self._get_indices(indices))
