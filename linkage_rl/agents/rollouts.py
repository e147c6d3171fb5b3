"""The rollout buffers of PPO and MaskablePPO, without copies of the observations, which are large.

What they give is equal to what the buffers of Stable-Baselines3 and sb3-contrib give.
"""

from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib.common.maskable.buffers import MaskableDictRolloutBuffer
from stable_baselines3.common.buffers import DictRolloutBuffer

from linkage_rl.threads import ahead


class _WithoutCopies:
    """Mixed in before a rollout buffer of dict observations."""

    buffer_size: int
    n_envs: int
    device: torch.device
    observations: Any

    def reset(self) -> None:
        """Forget everything; observations lie by episode, as flattening them orders them."""
        super().reset()  # type: ignore[misc]
        for name, empty in self.observations.items():
            shape = (self.n_envs, self.buffer_size, *empty.shape[2:])
            self.observations[name] = np.zeros(shape, dtype=empty.dtype).swapaxes(0, 1)

    def get(self, batch_size: int | None = None) -> Generator[Any, None, None]:
        """Random batches, each gathered while the one before is learned from."""
        yield from ahead(super().get(batch_size))  # type: ignore[misc]

    def to_torch(self, array: NDArray[Any], copy: bool = True) -> torch.Tensor:
        """The array as it is: every batch is gathered into fresh arrays."""
        return torch.as_tensor(array, device=self.device)


class Rollouts(_WithoutCopies, DictRolloutBuffer):
    """For PPO."""


class MaskableRollouts(_WithoutCopies, MaskableDictRolloutBuffer):
    """For MaskablePPO."""
