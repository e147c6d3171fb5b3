"""A bundle's weights are read as they were written, and never as code."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from linkage_rl.agents import policy_weights
from linkage_rl.agents.policy_weights import PolicyWeights, read_weights, save_weights
from linkage_rl.agents.rules_net import BlockerLogits, BlockersOf, PlanFirst, ScorerLogits
from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig
from linkage_rl.agents.scorer_policy import ScorerPolicy, tensors
from linkage_rl.bundle import Settings, checked_part, write_bundle
from linkage_rl.candidates.blockers import KeyBlocker
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.observation import View
from linkage_rl.decision.onnx_policy import OnnxPolicy
from linkage_rl.errors import BundleError
from linkage_rl.exporting.onnx import export_policy
from tests.cases_factory import synthetic_cases
from tests.commands.shop import write_same_name_policy

SHAPE = ScorerConfig(features=4, query=2, blockers=2, temperature=0.5)
SETTINGS = Settings((KeyBlocker("core", 0.01, 100),), 7, 3, False, None)


def scorer(seed: int, shape: ScorerConfig = SHAPE) -> CandidateScorer:
    return CandidateScorer(shape, torch.Generator().manual_seed(seed))


def bundle_with(weights: Path | None, tmp_path: Path) -> Path:
    write_same_name_policy(tmp_path / "policy.onnx", 1)
    write_bundle(
        tmp_path / "bundle",
        tmp_path / "policy.onnx",
        Calibration.identity(),
        SETTINGS,
        [],
        weights=weights,
    )
    return tmp_path / "bundle"


def test_a_bundle_gives_back_scorer_plan_and_start(tmp_path: Path) -> None:
    save_weights(PolicyWeights(scorer(1), (1, 0), scorer(2)), tmp_path / "weights.npz")

    found = read_weights(bundle_with(tmp_path / "weights.npz", tmp_path))

    assert found is not None
    assert found.scorer.config == SHAPE
    assert found.plan == (1, 0)
    assert torch.equal(found.scorer.link.weight, scorer(1).link.weight)
    assert torch.equal(found.origin.link.weight, scorer(2).link.weight)
    assert isinstance(found.graph(), PlanFirst)


def test_a_bundle_of_rules_has_no_weights(tmp_path: Path) -> None:
    bundle = bundle_with(None, tmp_path)

    assert read_weights(bundle) is None
    assert checked_part(bundle, "policy.onnx")


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "weights.npz").open("wb") as file:
        np.savez(file, allow_pickle=True, shape=np.array([{"a": 1}], dtype=object))

    with pytest.raises(BundleError, match="holds no weights of a policy"):
        read_weights(bundle_with(tmp_path / "weights.npz", tmp_path))


def test_a_small_file_that_unpacks_to_much_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "weights.npz").open("wb") as file:
        np.savez_compressed(file, zeros=np.zeros(20 << 20, dtype=np.float32))

    with pytest.raises(BundleError, match="unpacks to 80 MB, more than 64 MB"):
        read_weights(bundle_with(tmp_path / "weights.npz", tmp_path))


def test_a_scorer_of_absurd_size_is_refused(tmp_path: Path) -> None:
    huge = '{"scorer": {"features": 1000000, "query": 1, "blockers": 1}, "plan": null, '
    with (tmp_path / "weights.npz").open("wb") as file:
        np.savez(file, shape=np.array(huge + '"start_calibration": null}'))

    with pytest.raises(BundleError, match="sizes of at most 2048"):
        read_weights(bundle_with(tmp_path / "weights.npz", tmp_path))


def test_weights_of_another_shape_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = replace(SHAPE, width=64)
    monkeypatch.setattr(policy_weights, "asdict", lambda _: {**vars(SHAPE), "width": 32})
    save_weights(PolicyWeights(scorer(1, wide)), tmp_path / "weights.npz")

    with pytest.raises(BundleError, match="size mismatch"):
        read_weights(bundle_with(tmp_path / "weights.npz", tmp_path))


def test_after_verdicts_the_start_still_chooses_the_blockers(tmp_path: Path) -> None:
    """The start runs blocker 0 wherever it may; what was learned prefers the links."""
    cases = synthetic_cases(200, np.random.default_rng(0))
    view = View(5, (0.005, 0.03, 0.01))
    shape = ScorerConfig.fitting(cases, view)
    start, learned = scorer(1, shape), scorer(2, shape)
    with torch.no_grad():
        start.gain[2].bias[1] = 5.0  # type: ignore[operator]
    graph = PolicyWeights(learned, None, start).graph()
    export_policy(graph, shape, tmp_path / "policy.onnx")
    exported = OnnxPolicy(tmp_path / "policy.onnx")
    new = view.observe(cases, np.arange(200), np.zeros(200, dtype=np.uint16))
    after = view.observe(cases, np.arange(200), np.asarray(cases.available))

    may_run = new.action_mask[:, view.layout.first_blocker] > 0
    assert may_run.any()
    assert (exported.logits(new).argmax(axis=1)[may_run] == view.layout.first_blocker).all()
    stops = slice(0, view.layout.slots + 1)
    expected = ScorerPolicy(learned).logits(after)[:, stops]
    assert np.allclose(exported.logits(after)[:, stops], expected, atol=1e-5)


def test_the_start_chooses_alike_without_scores_of_the_links() -> None:
    """What it runs, and when it stops, on observations with some blockers run."""
    cases = synthetic_cases(300, np.random.default_rng(1))
    view = View(5, (0.005, 0.03, 0.01), allow_review=True)
    shape = replace(ScorerConfig.fitting(cases, view), temperature=0.5)
    start, learned = scorer(3, shape), ScorerLogits(scorer(4, shape))
    with torch.no_grad():
        # so that it stops for some clients, asks for review of some, and runs blockers for others
        start.gain[2].bias.fill_(0.0)  # type: ignore[operator]
        start.gain[2].weight.mul_(20.0)  # type: ignore[operator]
    ran = np.random.default_rng(2).integers(0, 8, 300).astype(np.uint16)
    seen = tensors(view.observe(cases, np.arange(300), ran))

    with torch.inference_mode():
        whole = BlockersOf(ScorerLogits(start), learned)(*seen).argmax(dim=1)
        short = BlockersOf(BlockerLogits(start), learned)(*seen).argmax(dim=1)
    runs = whole >= view.layout.first_blocker
    assert 0.1 < runs.float().mean() < 0.9
    assert (short == whole).all()
