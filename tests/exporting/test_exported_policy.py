"""The kernel gives the logits of the graphs that the exporter writes, and runs no others."""

import subprocess
import sys
from dataclasses import replace
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
from linkage_rl.bundle import Settings, golden_answers, load_bundle, write_bundle
from linkage_rl.candidates.blockers import KeyBlocker, NgramBlocker
from linkage_rl.candidates.storage import save_index
from linkage_rl.decision import exported_policy as module
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.decide import Thresholds
from linkage_rl.decision.exported_policy import ExportedPolicy, exported_policy
from linkage_rl.decision.observation import SLOT_FEATURES, View
from linkage_rl.decision.onnx_policy import GraphPolicy, OnnxPolicy, read_policy
from linkage_rl.errors import BundleError
from linkage_rl.exporting.agreement import check_kernel, drawn
from linkage_rl.exporting.onnx import export_policy, export_scorer
from linkage_rl.features.matrix import PAIR_FEATURES, QUERY_FEATURES
from linkage_rl.records import Observation
from tests.cases_factory import synthetic_cases
from tests.small_table import client_records, small_index

CASES = synthetic_cases(200, np.random.default_rng(0))
BLOCKERS = (KeyBlocker("core", 0.01, 100), NgramBlocker(cost=0.05, budget=500))
COSTS = (0.005, 0.03, 0.01)
SHAPE = ScorerConfig.fitting(CASES, View(1, COSTS))
SHAPES = {
    "relative": SHAPE,
    "absolute": replace(SHAPE, relative=False, width=40, temperature=0.5),
    "quantiles": replace(SHAPE, width=16, quantiles=8, temperature=0.5),
    "absolute quantiles": replace(SHAPE, relative=False, width=16, quantiles=3, temperature=2),
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
    policy, start = ScorerLogits(_scorer(shape, 1)), _scorer(replace(shape, width=20), 2)
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


def _kernel(path: Path) -> ExportedPolicy | None:
    return exported_policy(read_policy(path))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "policy.onnx"
    export_policy(ScorerLogits(_scorer(SHAPE, 1)), SHAPE, path)
    return path


def _changed(exported: Path, path: Path, place: int, value: float) -> Path:
    """The graph with another number in one of the constants in its operators."""
    model = onnx.load(exported)
    floats = [
        node.attribute[0].t
        for node in model.graph.node
        if node.op_type == "Constant" and node.attribute[0].t.data_type == onnx.TensorProto.FLOAT
    ]
    floats[place].CopyFrom(numpy_helper.from_array(np.array(value, dtype=np.float32)))
    onnx.save(model, path)
    return path


def _with_weight(exported: Path, path: Path, value: float) -> Path:
    """The graph with another number among the weights."""
    model = onnx.load(exported)
    tensor = next(one for one in model.graph.initializer if len(one.dims) == 2)
    weights = numpy_helper.to_array(tensor).copy()
    weights[0, 0] = value
    tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("kind", ["scorer", "untrained", "plan", "learned"])
@pytest.mark.parametrize("name", SHAPES)
def test_the_kernel_agrees_with_onnxruntime(name: str, kind: str, tmp_path: Path) -> None:
    path, rng = tmp_path / "policy.onnx", np.random.default_rng(1)
    export_policy(_policies(SHAPES[name])[kind], SHAPES[name], path)
    graph, kernel = GraphPolicy(read_policy(path), path), _kernel(path)

    assert kernel is not None
    made_up = [drawn(rng, 40, slots, kernel.scorer.sizes) for slots in (1, 2, 5, 12, 30)]
    for observation in [*(_observation(6, ran) for ran in (0b000, 0b001, 0b110, 0b111)), *made_up]:
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

    assert _kernel(path) is None
    assert np.isfinite(OnnxPolicy(path).logits(_observation(3))).all()


@pytest.mark.parametrize("place", [0, 1])
def test_a_graph_with_other_constants_is_left_to_onnxruntime(
    place: int, exported: Path, tmp_path: Path
) -> None:
    assert _kernel(_changed(exported, tmp_path / "policy.onnx", place, 0.5)) is None


@pytest.mark.parametrize("value", [np.inf, -1e5, 1e30])
def test_a_graph_with_large_weights_is_left_to_onnxruntime(
    value: float, exported: Path, tmp_path: Path
) -> None:
    assert _kernel(_with_weight(exported, tmp_path / "policy.onnx", 1e3)) is not None
    assert _kernel(_with_weight(exported, tmp_path / "policy.onnx", value)) is None


def test_a_graph_of_another_version_of_the_operators_is_left_to_onnxruntime(
    exported: Path, tmp_path: Path
) -> None:
    path, model = tmp_path / "policy.onnx", onnx.load(exported)
    model.opset_import[0].version = 19
    onnx.save(model, path)

    assert _kernel(path) is None


def test_a_tensor_that_is_called_like_a_result_is_not_taken_for_it(
    exported: Path, tmp_path: Path
) -> None:
    """No operator gives it, so the graph is none; onnxruntime says so."""
    path, model = tmp_path / "policy.onnx", onnx.load(exported)
    last = model.graph.node[-1]
    place = sum(node.op_type not in ("Constant", "Identity") for node in model.graph.node[:-1])
    assert last.input[1] == model.graph.node[-2].output[0]
    last.input[1] = f"%{place}.0"
    onnx.save(model, path)

    assert _kernel(path) is None
    with pytest.raises(BundleError, match="expected a policy as an ONNX graph"):
        OnnxPolicy(path)


def test_no_graph_is_written_on_which_the_kernel_disagrees(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = ExportedPolicy.logits
    for factor in np.array([1.001, np.nan], dtype=np.float32):

        def wrong(
            self: ExportedPolicy, seen: Observation, by: np.float32 = factor
        ) -> NDArray[np.float32]:
            return right(self, seen) * by

        monkeypatch.setattr(ExportedPolicy, "logits", wrong)
        with pytest.raises(BundleError, match=r"expected logits .* of onnxruntime, got"):
            check_kernel(exported)


def test_a_large_network_is_left_to_onnxruntime(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_WEIGHTS", 1000)

    assert _kernel(exported) is None


def test_loading_and_linking_with_an_exported_bundle_needs_no_onnxruntime(tmp_path: Path) -> None:
    widths = len(PAIR_FEATURES) + len(BLOCKERS) + len(SLOT_FEATURES), len(QUERY_FEATURES)
    shape = ScorerConfig(*widths, blockers=len(BLOCKERS), relative=True)
    export_scorer(_scorer(shape, 1), tmp_path / "policy.onnx")
    save_index(small_index(), tmp_path / "index")
    settings = Settings(BLOCKERS, 7, 3, False, Thresholds(link=0.6))
    parts = (tmp_path / "policy.onnx", Calibration.identity(), settings)
    write_bundle(tmp_path / "bundle", *parts, [], tmp_path / "index")
    golden = golden_answers(
        load_bundle(tmp_path / "bundle"), client_records({"name": "㈱五洋建設"}, {"name": "鈴木組"})
    )
    write_bundle(tmp_path / "bundle", *parts, golden, tmp_path / "index")
    program = """
import sys, linkage_rl
linker = linkage_rl.load_bundle(sys.argv[1])
linker.link(linkage_rl.records.RecordBatch(["1"], {"name": ["五洋建設"]}))
print(sys.modules.keys() & {"onnxruntime", "torch"})
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "bundle")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"


def test_observations_of_other_sizes_are_refused(exported: Path) -> None:
    policy, seen = OnnxPolicy(exported), _observation(3)

    for part in ("candidates", "query", "state", "action_mask"):
        with pytest.raises(ValueError, match="expected observations of"):
            policy.logits(replace(seen, **{part: getattr(seen, part)[..., :-1]}))
