"""DQN and QR-DQN that explore legal actions only, with a replay buffer that stores cases."""

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import QRDQN
from stable_baselines3 import DQN
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.type_aliases import DictReplayBufferSamples
from stable_baselines3.common.vec_env import VecNormalize

from linkage_rl.envs.build import as_dict
from linkage_rl.envs.core import LinkageCore


class CaseReplayBuffer(ReplayBuffer):
    """Stores a transition as (case, set of run blockers) before and after the step.

    Observations are computed again when a batch is sampled: one of 20 candidates takes 7 KB, a
    case with its set of blockers 10 bytes.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: Any,
        action_space: Any,
        device: torch.device | str = "auto",
        n_envs: int = 1,
        optimize_memory_usage: bool = False,
        *,
        core: LinkageCore,
    ) -> None:
        """Arguments as in the base class; `core` is the one whose steps are added."""
        # The base class would allocate an array per part of the observation.
        super(ReplayBuffer, self).__init__(
            max(buffer_size // n_envs, 1), observation_space, action_space, device, n_envs
        )
        self.optimize_memory_usage = False
        self._core = core
        shape = (self.buffer_size, n_envs)
        self._case = np.zeros((2, *shape), dtype=np.int64)
        self._ran = np.zeros((2, *shape), dtype=np.uint16)
        self.actions = np.zeros(shape, dtype=np.int64)
        self.rewards = np.zeros(shape, dtype=np.float32)
        self.dones = np.zeros(shape, dtype=np.float32)

    def add(
        self,
        obs: Any,
        next_obs: Any,
        action: NDArray[np.int64],
        reward: NDArray[np.float32],
        done: NDArray[np.bool_],
        infos: list[dict[str, Any]],
    ) -> None:
        """Store the step that the core has just made."""
        for side, episodes in enumerate((self._core.before, self._core.episodes)):
            self._case[side, self.pos] = episodes.case
            self._ran[side, self.pos] = episodes.ran
        self.actions[self.pos] = action.reshape(-1)
        self.rewards[self.pos] = reward
        self.dones[self.pos] = done
        self.pos += 1
        if self.pos == self.buffer_size:
            self.full, self.pos = True, 0

    def save(self, path: Path | BinaryIO) -> None:
        """Write the transitions to an `.npz` file."""
        np.savez(
            path,
            case=self._case,
            ran=self._ran,
            actions=self.actions,
            rewards=self.rewards,
            dones=self.dones,
            position=np.array([self.pos, self.full]),
        )

    def load(self, path: Path) -> None:
        """Read what `save` wrote into a buffer of the same size."""
        with np.load(path) as saved:
            self._case, self._ran = saved["case"], saved["ran"]
            self.actions, self.rewards = saved["actions"], saved["rewards"]
            self.dones = saved["dones"]
            self.pos, self.full = int(saved["position"][0]), bool(saved["position"][1])

    def _get_samples(  # type: ignore[override]
        self, batch_inds: NDArray[np.int64], env: VecNormalize | None = None
    ) -> DictReplayBufferSamples:
        column = np.random.randint(0, self.n_envs, size=len(batch_inds))  # noqa: NPY002 - SB3 seeds it
        at = (batch_inds, column)
        seen, following = (
            {
                name: self.to_torch(part, copy=False)
                for name, part in as_dict(
                    self._core.view.observe(
                        self._core.cases, self._case[side][at], self._ran[side][at]
                    ),
                    flat=True,
                ).items()
            }
            for side in (0, 1)
        )
        return DictReplayBufferSamples(
            observations=seen,
            actions=self.to_torch(self.actions[at][:, None]),
            next_observations=following,
            dones=self.to_torch(self.dones[at][:, None]),
            rewards=self.to_torch(self.rewards[at][:, None]),
        )


class _MaskedExploration:
    """Epsilon-greedy exploration of legal actions, decided for each episode on its own.

    The stock algorithms decide once for all episodes, and then draw from all actions, illegal ones
    included. Mixed in before the algorithm.
    """

    def _sample_action(
        self, learning_starts: int, action_noise: Any = None, n_envs: int = 1
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        waiting = self.num_timesteps < learning_starts  # type: ignore[attr-defined]
        rate = 1.0 if waiting else self.exploration_rate  # type: ignore[attr-defined]
        actions = self._explore(self._last_obs, rate)  # type: ignore[attr-defined]
        return actions, actions

    def predict(
        self,
        observation: dict[str, NDArray[Any]],
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[np.int64], Any]:
        """The greedy action, or with the exploration rate another legal one."""
        if not deterministic and observation["action_mask"].ndim == 2:
            return self._explore(observation, self.exploration_rate), state  # type: ignore[attr-defined]
        chosen: tuple[NDArray[np.int64], Any] = self.policy.predict(  # type: ignore[attr-defined]
            observation, state, episode_start, deterministic
        )
        return chosen

    def _explore(self, observation: dict[str, NDArray[Any]], rate: float) -> NDArray[np.int64]:
        greedy, _ = self.policy.predict(observation, deterministic=True)  # type: ignore[attr-defined]
        legal = observation["action_mask"]
        draws = np.random.random_sample((len(legal), legal.shape[1] + 1))  # noqa: NPY002 - SB3 seeds it
        other = (draws[:, 1:] * legal).argmax(axis=1)
        actions: NDArray[np.int64] = np.where(draws[:, 0] < rate, other, greedy)
        return actions

    def _excluded_save_params(self) -> list[str]:
        # The buffer needs a core with all cases, which a model that is loaded has not: it gets the
        # stock buffer and can go on in any environment.
        excluded: list[str] = super()._excluded_save_params()  # type: ignore[misc]
        return [*excluded, "replay_buffer_class", "replay_buffer_kwargs"]


class MaskedDQN(_MaskedExploration, DQN):  # type: ignore[misc]
    """DQN over legal actions."""


class MaskedQRDQN(_MaskedExploration, QRDQN):  # type: ignore[misc]
    """QR-DQN over legal actions."""
