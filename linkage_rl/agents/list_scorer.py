"""The network of the list stage, and its training with full labels."""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from linkage_rl.agents.scorer import MASKED
from linkage_rl.agents.scorer_policy import one_thread
from linkage_rl.checks import COUNT, NOT_NEGATIVE, POSITIVE, Range, check_ranges
from linkage_rl.decision.list_stage import (
    CLIENT_FEATURES,
    FLOOR,
    PAIR_FEATURES,
    ListPairs,
)

_log = logging.getLogger(__name__)
_SHARE, _NO_MATCH = PAIR_FEATURES.index("share"), CLIENT_FEATURES.index("no_match")


@dataclass(frozen=True)
class ListStageConfig:
    """How the list stage is trained."""

    enabled: bool = True
    """Whether a stage is trained; it is kept only where it does not lose on the valid lists."""
    width: int = 32
    """Units of each of the two hidden layers."""
    epochs: int = 32
    """Passes over the training clients, at most."""
    patience: int = 6
    """Passes without a lower validation loss before training stops."""
    batch_size: int = 1024
    """Clients in a gradient step."""
    learning_rate: float = 3e-3
    """At the start; it falls to 0 along a cosine."""
    weight_decay: float = 0.01
    """Decoupled weight decay (AdamW, Loshchilov and Hutter 2019)."""
    ema_decay: float = 0.99
    """Decay of the exponential moving average of the weights, which is what is returned."""

    def __post_init__(self) -> None:
        counts = ("width", "epochs", "patience", "batch_size")
        check_ranges(
            "list_stage",
            self,
            {
                **dict.fromkeys(counts, COUNT),
                "learning_rate": POSITIVE,
                "weight_decay": NOT_NEGATIVE,
                "ema_decay": Range(0, 1, open_high=True),
            },
        )


@dataclass(frozen=True, eq=False)
class ListExamples:
    """n labelled clients with P pairs."""

    pairs: ListPairs
    right: NDArray[np.bool_]
    """Whether the company of each pair is the client's, shape (P,)."""
    weight: NDArray[np.float32]
    """How often each client counts, shape (n,)."""

    def __len__(self) -> int:
        return len(self.weight)


class ListNet(nn.Module):
    """Corrects the shares of the first pass; its initial weights leave them as they are."""

    def __init__(self, width: int, generator: torch.Generator) -> None:
        """Draw the weights.

        Args:
            width: Units of each hidden layer.
            generator: Draws them.
        """
        super().__init__()
        self.pair = _mlp(len(PAIR_FEATURES), width, generator)
        self.client = _mlp(len(CLIENT_FEATURES), width, generator)

    def forward(self, pairs: Tensor, clients: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of P pairs, shape (P,), and of no match for n clients, shape (n,)."""
        share, no_match = pairs[:, _SHARE], clients[:, _NO_MATCH]
        return (
            share.clamp(min=FLOOR).log() + self.pair(pairs).squeeze(1),
            no_match.clamp(min=FLOOR).log() + self.client(clients).squeeze(1),
        )


@dataclass(frozen=True)
class TorchListScorer:
    """The `ListScorer` of a network."""

    net: ListNet

    def logits(
        self, pairs: NDArray[np.float32], clients: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits of P companies, and of no match for n clients."""
        with torch.inference_mode():
            company, no_match = self.net(torch.from_numpy(pairs), torch.from_numpy(clients))
        return company.numpy(), no_match.numpy()


def train_list_net(
    train: ListExamples, valid: ListExamples, config: ListStageConfig, seed: int
) -> ListNet:
    """Minimise the listwise cross-entropy; returns the weights with the lowest validation loss.

    No match is the right answer where no company of the client's pairs is right. Weights of
    features that never differ from 0 in training are 0, so that a list that has them later is
    decided as if it had not.

    Args:
        train: Labelled clients.
        valid: Labelled clients for the validation loss.
        config: How to train.
        seed: Decides weights and order; equal seeds give equal networks.
    """
    generator = torch.Generator().manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = ListNet(config.width, generator)
    _mute(net.pair, train.pairs.features)
    _mute(net.client, train.pairs.client_features)
    optimizer = torch.optim.AdamW(
        net.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    steps = -(-len(train) // config.batch_size) * config.epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))
    )
    average, updates = _copy(net, config), 0
    best, waited = _copy(net, config), 0
    with one_thread():
        best_loss = _mean_loss(best, valid)
        for epoch in range(1, config.epochs + 1):
            order = rng.permutation(len(train))
            for begin in range(0, len(train), config.batch_size):
                loss = _loss(net, train, order[begin : begin + config.batch_size])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
                updates += 1
                _update(average, net, min(config.ema_decay, updates / (updates + 9)))
            valid_loss = _mean_loss(average, valid)
            _log.debug("list stage pass %d: validation loss %.4f", epoch, valid_loss)
            waited += 1
            if valid_loss < best_loss:
                best, best_loss, waited = _copy(average, config), valid_loss, 0
            if waited >= config.patience:
                break
    return best


def save_list_net(net: ListNet, path: Path) -> None:
    """Write width and weights."""
    torch.save({"width": net.pair[0].out_features, "state": net.state_dict()}, path)


def load_list_net(path: Path) -> ListNet:
    """Read what `save_list_net` wrote."""
    saved = torch.load(path, weights_only=True)
    net = ListNet(saved["width"], torch.Generator())
    net.load_state_dict(saved["state"])
    return net


def _mlp(inputs: int, width: int, generator: torch.Generator) -> nn.Sequential:
    """Two hidden layers; the last layer gives 0 at first."""
    last = nn.Linear(width, 1)
    layers = nn.Sequential(
        nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), last
    )
    with torch.no_grad():
        for layer in layers:
            if isinstance(layer, nn.Linear):
                bound = 1 / math.sqrt(layer.in_features)
                layer.weight.uniform_(-bound, bound, generator=generator)
                layer.bias.zero_()
        nn.init.zeros_(last.weight)
    return layers


def _mute(layers: nn.Sequential, features: NDArray[np.float32]) -> None:
    """Set the weights of features that are always 0 to 0; they have no gradient and stay there."""
    never = torch.from_numpy(~(features != 0).any(axis=0))
    with torch.no_grad():
        next(layers.parameters())[:, never] = 0


def _copy(net: ListNet, config: ListStageConfig) -> ListNet:
    copy = ListNet(config.width, torch.Generator())
    copy.load_state_dict(net.state_dict())
    return copy


def _update(average: ListNet, net: ListNet, decay: float) -> None:
    with torch.no_grad():
        for mean, new in zip(average.parameters(), net.parameters(), strict=True):
            mean.lerp_(new, 1 - decay)


def _loss(net: ListNet, examples: ListExamples, clients: NDArray[np.int64]) -> Tensor:
    """Weighted mean of the negative log of the summed probability of the right answers."""
    begins = examples.pairs.starts[clients]
    sizes = examples.pairs.starts[clients + 1] - begins
    starts = np.cumsum(sizes) - sizes
    pairs = np.arange(sizes.sum()) + np.repeat(begins - starts, sizes)
    client = np.repeat(np.arange(len(clients)), sizes)
    logits, no_match = net(
        torch.from_numpy(examples.pairs.features[pairs]),
        torch.from_numpy(examples.pairs.client_features[clients]),
    )
    # one row per client, no match in the first column
    rows = torch.full((len(clients), 1 + int(sizes.max(initial=0))), MASKED)
    place = (torch.from_numpy(client), torch.from_numpy(np.arange(len(pairs)) - starts[client] + 1))
    rows = rows.index_put(place, logits)
    rows = torch.cat([no_match[:, None], rows[:, 1:]], dim=1)
    right = torch.zeros(rows.shape, dtype=torch.bool)
    right[place] = torch.from_numpy(examples.right[pairs])
    right[:, 0] = ~right.any(dim=1)
    chosen = torch.logsumexp(rows.masked_fill(~right, MASKED), dim=1)
    loss = torch.logsumexp(rows, dim=1) - chosen
    weight = torch.from_numpy(examples.weight[clients])
    return (loss * weight).sum() / weight.sum()


def _mean_loss(net: ListNet, examples: ListExamples) -> float:
    total, mass = 0.0, 0.0
    with torch.inference_mode():
        for clients in _parts(len(examples)):
            weight = float(examples.weight[clients].sum())
            total += float(_loss(net, examples, clients)) * weight
            mass += weight
    return total / mass


def _parts(size: int) -> Iterator[NDArray[np.int64]]:
    for begin in range(0, size, 4096):
        yield np.arange(begin, min(begin + 4096, size))
