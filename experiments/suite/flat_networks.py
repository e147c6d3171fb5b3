"""Baselines without the set scorer: networks that see the slots as one long row of numbers."""

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from torch import Tensor, nn

from linkage_rl.agents.ranker import (
    RankerConfig,
    batches,
    listwise_loss,
    random_blockers,
    right_answers,
)
from linkage_rl.agents.sb3_env import LinkageVecEnv
from linkage_rl.agents.scorer import MASKED
from linkage_rl.agents.scorer_policy import one_thread
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.envs.build import as_dict
from linkage_rl.envs.core import LinkageCore
from linkage_rl.records import Observation

UNITS = 256
_CHUNK = 2048


@dataclass(frozen=True)
class FlatPolicy:
    """Two hidden layers over all slots at once; scores links and no match, runs no blocker."""

    network: nn.Module

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        """Logits of every action, shape (B, A); illegal ones get -1e8."""
        result = np.full(observation.action_mask.shape, MASKED, dtype=np.float32)
        with torch.inference_mode():
            stops = self.network(_row(observation)).numpy()
        legal = observation.action_mask[:, : stops.shape[1]] > 0
        result[:, : stops.shape[1]][legal] = stops[legal]
        return result


def train_flat_ranker(
    train: CaseSet, valid: CaseSet, view: View, config: RankerConfig, seed: int
) -> FlatPolicy:
    """Like `train_ranker`: the same loss, random blocker sets and early stopping."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    width = _row(view.observe(train, np.arange(1), np.zeros(1, np.uint16))).shape[1]
    network = nn.Sequential(
        *(nn.Linear(width, UNITS), nn.ReLU(), nn.Linear(UNITS, UNITS), nn.ReLU()),
        nn.Linear(UNITS, view.max_candidates + 1),
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=config.weight_decay)
    best, best_loss, stale = network, math.inf, 0
    with one_thread():
        for _ in range(config.epochs):
            for case in batches(len(train), config, rng):
                loss = _loss(network, train, view, case, config, rng)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            stale += 1
            if (reached := _mean_loss(network, valid, view, config)) < best_loss:
                best, best_loss, stale = copy.deepcopy(network), reached, 0
            if stale >= config.patience:
                break
    return FlatPolicy(best)


def _row(observation: Observation) -> Tensor:
    """Everything that a policy sees of a client in one row, shape (B, K * F + Q + R + 2)."""
    parts = (observation.candidates, observation.query, observation.state)
    rows = [part.reshape(len(observation), -1) for part in parts]
    return torch.from_numpy(np.concatenate(rows, axis=1, dtype=np.float32))


def _loss(
    network: nn.Module,
    cases: CaseSet,
    view: View,
    case: NDArray[np.int64],
    config: RankerConfig,
    rng: np.random.Generator,
) -> Tensor:
    blockers = len(view.costs)
    ran = random_blockers(cases.available[case], blockers, config.all_blockers_share, rng)
    seen = view.observe(cases, case, ran)
    stops = network(_row(seen))
    legal = torch.from_numpy(seen.action_mask[:, : stops.shape[1]] > 0)
    right = torch.from_numpy(right_answers(cases, seen))
    return listwise_loss(stops.masked_fill(~legal, MASKED), right)


def _mean_loss(network: nn.Module, cases: CaseSet, view: View, config: RankerConfig) -> float:
    rng = np.random.default_rng(0)
    total = 0.0
    with torch.inference_mode():
        for begin in range(0, len(cases), _CHUNK):
            case = np.arange(begin, min(begin + _CHUNK, len(cases)))
            total += float(_loss(network, cases, view, case, config, rng)) * len(case)
    return total / len(cases)


@dataclass(frozen=True)
class StockPolicy:
    """A policy of sb3-contrib with its default network, greedy."""

    model: MaskablePPO

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        """Log-probabilities of every action, shape (B, A); illegal ones get -1e8."""
        seen, _ = self.model.policy.obs_to_tensor(as_dict(observation, flat=True))
        legal = observation.action_mask > 0
        with torch.inference_mode():
            drawn = self.model.policy.get_distribution(seen, action_masks=legal).distribution
        assert isinstance(drawn, torch.distributions.Categorical)
        logits: NDArray[np.float32] = drawn.logits.numpy()
        return np.where(legal, logits, MASKED).astype(np.float32)


def train_flat_agent(
    train: CaseSet, view: View, weights: RewardWeights, steps: int, seed: int
) -> StockPolicy:
    """MaskablePPO with the stock policy for dict observations, from scratch at full costs."""
    core = LinkageCore(train, view, weights, batch=1024, rng=np.random.default_rng(seed))
    with one_thread():
        model = MaskablePPO(
            "MultiInputPolicy",
            LinkageVecEnv(core),
            learning_rate=1e-3,
            n_steps=8,
            batch_size=1024,
            n_epochs=4,
            gamma=1.0,
            ent_coef=0.01,
            policy_kwargs={"net_arch": [UNITS, UNITS]},
            seed=seed,
            device="cpu",
        )
        model.learn(steps, log_interval=10**9)
    return StockPolicy(model)
