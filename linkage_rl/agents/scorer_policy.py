"""A scorer as a policy, and observations as tensors."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.records import Observation


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread within the block.

    The matrices here are small: on a busy host, more threads are slower.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def tensors(observation: Observation) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Candidates, query, state and action mask, sharing memory with the observation."""
    return (
        torch.from_numpy(observation.candidates),
        torch.from_numpy(np.ascontiguousarray(observation.query)),
        torch.from_numpy(observation.state),
        torch.from_numpy(observation.action_mask),
    )


@dataclass(frozen=True)
class ScorerPolicy:
    """The policy whose logits are those of a scorer."""

    scorer: CandidateScorer

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        """Logits of every action, shape (B, A); illegal ones get -1e8."""
        with torch.inference_mode():
            logits, _ = self.scorer(*tensors(observation))
        result: NDArray[np.float32] = logits.numpy()
        return result
