"""The rollout buffers give what those of the libraries give, from equal random states."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.buffers import MaskableDictRolloutBuffer
from stable_baselines3.common.buffers import DictRolloutBuffer

from linkage_rl.agents.rollouts import MaskableRollouts, Rollouts

SIZES = {"candidates": 6, "query": 2}
SPACE = spaces.Dict({name: spaces.Box(0, 1, (size,)) for name, size in SIZES.items()})
STEPS, ENVS = 3, 4


def batches(buffer: DictRolloutBuffer, masked: bool) -> list[torch.Tensor]:
    """All that two passes over a filled buffer give, then one pass after it was filled again."""
    rng = np.random.default_rng(1)
    given: list[torch.Tensor] = []
    for passes in (2, 1):
        buffer.reset()
        for _ in range(STEPS):
            buffer.add(
                {name: rng.random((ENVS, size)) for name, size in SIZES.items()},
                rng.integers(3, size=ENVS),
                rng.random(ENVS),
                rng.integers(2, size=ENVS),
                torch.from_numpy(rng.random(ENVS)),
                torch.from_numpy(rng.random(ENVS)),
                **({"action_masks": rng.integers(2, size=(ENVS, 3))} if masked else {}),
            )
        buffer.compute_returns_and_advantage(torch.ones(ENVS), np.zeros(ENVS))
        np.random.seed(7)  # noqa: NPY002 - what the buffers of the libraries draw from
        for _ in range(passes):
            for batch in buffer.get(5):
                observations, *others = batch
                given += [*observations.values(), *others]
    return given


@pytest.mark.parametrize(
    ("own", "library"),
    [(Rollouts, DictRolloutBuffer), (MaskableRollouts, MaskableDictRolloutBuffer)],
)
def test_batches_are_those_of_the_library(
    own: type[DictRolloutBuffer], library: type[DictRolloutBuffer]
) -> None:
    made = [
        batches(kind(STEPS, SPACE, spaces.Discrete(3), "cpu", n_envs=ENVS), "Maskable" in str(kind))
        for kind in (own, library)
    ]

    assert len(made[0]) == len(made[1]) >= 9 * 7
    assert all(torch.equal(one, other) for one, other in zip(*made, strict=True))


def test_flattening_the_observations_copies_nothing() -> None:
    buffer = Rollouts(STEPS, SPACE, spaces.Discrete(3), "cpu", n_envs=ENVS)

    flat = buffer.swap_and_flatten(buffer.observations["candidates"])

    assert np.shares_memory(flat, buffer.observations["candidates"])
    assert flat.shape == (STEPS * ENVS, 6)
