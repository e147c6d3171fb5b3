"""Training of the list stage, and its graph."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from linkage_rl.agents.list_scorer import (
    ListExamples,
    ListNet,
    ListStageConfig,
    TorchListScorer,
    load_list_net,
    save_list_net,
    train_list_net,
)
from linkage_rl.decision.first_pass import FirstPass
from linkage_rl.decision.list_stage import ClientList, decide_list
from linkage_rl.decision.onnx_list_scorer import OnnxListScorer
from linkage_rl.errors import BundleError, ConfigError
from linkage_rl.exporting.onnx import export_list_net

CONFIG = ListStageConfig(epochs=15, batch_size=128, learning_rate=1e-2)


def couples(seed: int, clients: int = 1200) -> tuple[FirstPass, NDArray[np.int64]]:
    """Clients in couples of one core: one knows the company that is right for both, and the other
    prefers a wrong one; returns the right company of each, too."""
    rng = np.random.default_rng(seed)
    core = np.arange(clients) // 2 + 1
    right = core * 2
    knows = np.arange(clients) % 2 == 0
    ids = np.full((clients, 4), -1, dtype=np.int32)
    ids[:, 0] = np.where(knows, right, right + 1)
    shares = np.zeros((clients, 4), dtype=np.float32)
    shares[:, 0] = np.where(knows, 0.9, rng.uniform(0.2, 0.5, clients))
    keys = np.stack([core, core, np.zeros_like(core), np.zeros_like(core)], axis=1)
    tied = (ids >= 0).astype(np.int16)
    return FirstPass(ids, shares, tied, 1 - shares.sum(axis=1), keys.astype(np.uint64)), right


def examples(first: FirstPass, right: NDArray[np.int64]) -> ListExamples:
    pairs = ClientList(first).pairs(np.arange(len(first)))
    client = np.repeat(np.arange(len(first)), np.diff(pairs.starts))
    weight = np.ones(len(first), dtype=np.float32)
    return ListExamples(pairs, pairs.company == right[client], weight)


def test_it_learns_that_mates_have_one_company() -> None:
    train, valid = examples(*couples(1)), examples(*couples(2, 400))
    first, right = couples(3, 400)

    net = train_list_net(train, valid, CONFIG, seed=1)

    answers = decide_list(TorchListScorer(net), first)
    assert (answers.candidate == right).mean() > 0.98
    again = train_list_net(train, valid, CONFIG, seed=1)
    assert np.array_equal(decide_list(TorchListScorer(again), first).confidence, answers.confidence)


def test_untrained_it_leaves_the_first_pass_as_it_is() -> None:
    first, _ = couples(3, 400)
    answers = decide_list(TorchListScorer(ListNet(8, torch.Generator().manual_seed(1))), first)
    own = np.where(np.arange(400) % 2 == 0, 0.9, first.shares[:, 0])
    assert np.array_equal(answers.candidate, first.candidates[:, 0])
    np.testing.assert_allclose(answers.confidence, own, atol=2e-3)


def test_features_that_never_occur_in_training_change_nothing() -> None:
    net = train_list_net(examples(*couples(1)), examples(*couples(2, 400)), CONFIG, seed=1)
    first, _ = couples(3, 400)
    pairs = ClientList(first).pairs(np.arange(400))
    scorer = TorchListScorer(net)
    before, _ = scorer.logits(pairs.features, pairs.client_features)
    never = ~(examples(*couples(1)).pairs.features != 0).any(axis=0)
    changed = pairs.features.copy()
    changed[:, never] = 0.7
    after, _ = scorer.logits(changed, pairs.client_features)
    assert never.sum() > 5
    assert np.array_equal(before, after)


def test_the_graph_gives_the_same_logits(tmp_path: Path) -> None:
    net = train_list_net(examples(*couples(1)), examples(*couples(2, 400)), CONFIG, seed=1)
    export_list_net(net, tmp_path / "list.onnx")
    save_list_net(net, tmp_path / "list.pt")
    graph = OnnxListScorer(tmp_path / "list.onnx")
    for clients in (1, 2, 300):
        pairs = ClientList(couples(4, 400)[0]).pairs(np.arange(clients))
        for scorer in (TorchListScorer(net), TorchListScorer(load_list_net(tmp_path / "list.pt"))):
            for left, right in zip(
                graph.logits(pairs.features, pairs.client_features),
                scorer.logits(pairs.features, pairs.client_features),
                strict=True,
            ):
                np.testing.assert_allclose(left, right, atol=1e-4)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "list.onnx").write_bytes(b"no graph")
    with pytest.raises(BundleError, match="expected a list stage as an ONNX graph"):
        OnnxListScorer(tmp_path / "list.onnx")


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"list_stage\.width"):
        ListStageConfig(width=0)
