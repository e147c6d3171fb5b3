"""The kernel gives the logits of the graphs that the exporter writes, and runs no others."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from linkage_rl.agents.rules_net import BlockerLogits, BlockersOf, PlanFirst, ScorerLogits
from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig
from linkage_rl.decision import exported_policy as module
from linkage_rl.decision.exported_policy import exported_policy
from linkage_rl.decision.observation import View
from linkage_rl.decision.onnx_policy import OnnxPolicy
from linkage_rl.exporting.onnx import export_policy
from linkage_rl.records import Observation
from tests.cases_factory import synthetic_cases

CASES = synthetic_cases(200, np.random.default_rng(0))
COSTS = (0.005, 0.03, 0.01)
SHAPE = ScorerConfig.fitting(CASES, View(1, COSTS))
SHAPES = {
    "relative": SHAPE,
    "absolute": replace(SHAPE, relative=False, width=40, temperature=0.5),
    "quantiles": replace(SHAPE, width=16, quantiles=8, temperature=0.5),
}


def _scorer(shape: ScorerConfig, seed: int) -> CandidateScorer:
    """A scorer with weights of the size of learned ones."""
    scorer = CandidateScorer(shape, torch.Generator().manual_seed(seed))
    generator = torch.Generator().manual_seed(seed)
    for values in scorer.parameters():
        with torch.no_grad():
            values.add_(torch.randn(values.shape, generator=generator), alpha=0.1)
    return scorer


def _policies(shape: ScorerConfig) -> dict[str, nn.Module]:
    policy, start = ScorerLogits(_scorer(shape, 1)), _scorer(shape, 2)
    choose = BlockerLogits if shape.relative else ScorerLogits
    return {
        "scorer": policy,
        "untrained": ScorerLogits(CandidateScorer(shape)),
        "plan": PlanFirst(policy, [0, 2], shape.blockers),
        "learned": BlockersOf(choose(start), policy),
    }


def _observation(slots: int, ran: int = 0b110) -> Observation:
    view = View(slots, COSTS, allow_review=True)
    every = np.arange(len(CASES))
    return view.observe(CASES, every, np.asarray(CASES.available & np.uint16(ran)))


def _by_onnxruntime(path: Path, monkeypatch: pytest.MonkeyPatch) -> OnnxPolicy:
    with monkeypatch.context() as patch:
        patch.setattr("linkage_rl.decision.onnx_policy.exported_policy", lambda *_: None)
        return OnnxPolicy(path)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "policy.onnx"
    export_policy(ScorerLogits(_scorer(SHAPE, 1)), SHAPE, path)
    return path


def _scaled(policy: OnnxPolicy, factor: float, observation: Observation) -> NDArray[np.float32]:
    return policy.logits(observation) * np.float32(factor)


def _zeros(observation: Observation) -> NDArray[np.float32]:
    return np.zeros(observation.action_mask.shape, dtype=np.float32)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("relative", kind) for kind in ("scorer", "untrained", "plan", "learned")),
        *(("absolute", kind) for kind in ("scorer", "plan", "learned")),
        ("quantiles", "scorer"),
    ],
)
def test_the_kernel_agrees_with_onnxruntime(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "policy.onnx"
    export_policy(_policies(SHAPES[name])[kind], SHAPES[name], path)
    graph = _by_onnxruntime(path, monkeypatch)

    kernel = exported_policy(path.read_bytes(), graph.logits)

    assert kernel is not None
    for ran in (0b000, 0b001, 0b110, 0b111):
        observation = _observation(6, ran)
        expected, logits = graph.logits(observation), kernel.logits(observation)
        assert logits.dtype == expected.dtype
        scale = np.abs(np.where(expected > -1e8, expected, 1)).max(axis=1, keepdims=True)
        # of scores, which are divided by the temperature
        allowed = 1e-6 * np.maximum(scale, 1) / SHAPES[name].temperature
        assert (np.abs(logits - expected) <= allowed).all()
        assert ((logits == -1e8) == (expected == -1e8)).all()


def test_a_client_gets_the_same_logits_alone_and_with_more_slots(exported: Path) -> None:
    policy, few, many = OnnxPolicy(exported), _observation(10), _observation(30)
    whole = policy.logits(few)

    for row in range(20):
        alone = Observation(*(values[[row]] for values in vars(few).values()))
        assert (policy.logits(alone) == whole[[row]]).all()
    fits = (many.action_mask[:, :30].sum(axis=1) <= 10) & (many.state[:, -2] * 30 <= 10)
    others = np.flatnonzero(fits)
    same_state = Observation(**{**vars(many), "state": few.state})
    assert len(others) > 10
    assert (policy.logits(same_state)[others, 30:] == whole[others, 10:]).all()


def test_a_graph_of_other_operators_is_left_to_onnxruntime(tmp_path: Path) -> None:
    path = tmp_path / "policy.onnx"

    class Doubled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.policy = ScorerLogits(CandidateScorer(SHAPE))

        def forward(self, *parts: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = 2 * self.policy(*parts)
            return logits

    export_policy(Doubled(), SHAPE, path)

    assert exported_policy(path.read_bytes(), _zeros) is None
    assert np.isfinite(OnnxPolicy(path).logits(_observation(3))).all()


@pytest.mark.parametrize("place", [0, 1])
def test_a_graph_with_other_constants_is_left_to_onnxruntime(
    place: int, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, model = tmp_path / "policy.onnx", onnx.load(exported)
    floats = [
        node.attribute[0].t
        for node in model.graph.node
        if node.op_type == "Constant" and node.attribute[0].t.data_type == onnx.TensorProto.FLOAT
    ]
    floats[place].CopyFrom(numpy_helper.from_array(np.array(0.5, dtype=np.float32)))
    onnx.save(model, path)

    assert exported_policy(path.read_bytes(), _by_onnxruntime(path, monkeypatch).logits) is None


def test_a_kernel_that_disagrees_is_not_used(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, content = _by_onnxruntime(exported, monkeypatch), exported.read_bytes()

    assert exported_policy(content, graph.logits) is not None
    for factor in (1.001, np.nan):
        assert exported_policy(content, partial(_scaled, graph, factor)) is None


def test_a_large_network_is_left_to_onnxruntime(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_WEIGHTS", 1000)

    assert exported_policy(exported.read_bytes(), _zeros) is None


def test_observations_of_other_sizes_are_refused(exported: Path) -> None:
    policy, seen = OnnxPolicy(exported), _observation(3)

    for part in ("candidates", "query", "state", "action_mask"):
        with pytest.raises(ValueError, match="expected observations of"):
            policy.logits(replace(seen, **{part: getattr(seen, part)[..., :-1]}))
