"""A policy that takes every legal action with the same probability: what chance scores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.episode import ILLEGAL
from linkage_rl.records import Observation


@dataclass(frozen=True)
class RandomPolicy:
    """Any legal action, each as likely as the other."""

    rng: np.random.Generator

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        """Uniform noise over the legal actions, shape (B, A)."""
        noise = self.rng.random(observation.action_mask.shape, dtype=np.float32)
        return np.where(observation.action_mask > 0, noise, ILLEGAL).astype(np.float32)
