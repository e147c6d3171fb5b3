import numpy as np
import pytest
import torch

from linkage_rl.agents.masked_dqn import CaseReplayBuffer
from linkage_rl.agents.sb3_env import LinkageVecEnv
from linkage_rl.decision.observation import View
from linkage_rl.envs.core import LinkageCore
from tests.cases_factory import two_clients

VIEW = View(2, (0.01, 0.05))
LINK_0, LINK_1, NO_MATCH, REVIEW, RUN_NAME, RUN_NGRAM = range(6)


def buffer_of(env: LinkageVecEnv, size: int) -> CaseReplayBuffer:
    return CaseReplayBuffer(
        size, env.observation_space, env.action_space, "cpu", env.num_envs, core=env.core
    )


def test_a_stored_step_is_sampled_as_it_was_observed() -> None:
    env = LinkageVecEnv(LinkageCore(two_clients(), VIEW, batch=2, order="sequential"))
    buffer = buffer_of(env, 2)
    before = env.reset()

    actions = np.array([RUN_NGRAM, NO_MATCH])
    after, reward, done, infos = env.step(actions)
    buffer.add(before, after, actions, reward, done, infos)
    samples = buffer.sample(200)

    ran = samples.actions.flatten() == RUN_NGRAM
    assert 50 < int(ran.sum()) < 150
    seen: dict[str, torch.Tensor] = samples.observations  # type: ignore[assignment]
    following: dict[str, torch.Tensor] = samples.next_observations  # type: ignore[assignment]
    for name, part in before.items():
        assert np.array_equal(seen[name][ran][0].numpy(), part[0])
        assert np.array_equal(
            following[name][ran][0].numpy(),
            after[name][0],  # type: ignore[call-overload]
        )
    assert samples.rewards[ran][0].item() == pytest.approx(-0.05)
    assert samples.dones[ran][0].item() == 0.0
    assert samples.dones[~ran][0].item() == 1.0


def test_a_full_buffer_drops_its_oldest_steps() -> None:
    env = LinkageVecEnv(LinkageCore(two_clients(), VIEW, batch=1, order="sequential"))
    buffer = buffer_of(env, 2)
    seen = env.reset()

    for action in (RUN_NAME, RUN_NGRAM, LINK_1):
        actions = np.array([action])
        after, reward, done, infos = env.step(actions)
        buffer.add(seen, after, actions, reward, done, infos)

    assert buffer.full
    assert set(buffer.sample(50).actions.flatten().tolist()) == {RUN_NGRAM, LINK_1}
