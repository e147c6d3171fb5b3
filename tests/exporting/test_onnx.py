from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.decision.observation import View
from linkage_rl.decision.onnx_policy import OnnxPolicy
from linkage_rl.errors import BundleError
from linkage_rl.exporting.onnx import export_scorer
from tests.cases_factory import synthetic_cases

CASES = synthetic_cases(600, np.random.default_rng(0))
COSTS = (0.005, 0.03, 0.01)
SHAPE = ScorerConfig.fitting(CASES, View(1, COSTS))
SHAPES = {
    "policy": SHAPE,
    "values": replace(SHAPE, relative=False, temperature=0.05),
    "quantiles": replace(SHAPE, width=16, quantiles=8, relative=False, temperature=0.5),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_graph_equals_torch_at_every_batch_and_number_of_slots(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scorer = CandidateScorer(SHAPES[name], torch.Generator().manual_seed(1))
    export_scorer(scorer, tmp_path / "policy.onnx")
    graph = OnnxPolicy(tmp_path / "policy.onnx")

    for batch, slots in ((0, 4), (1, 1), (1, 20), (3, 5), (7, 2), (600, 30)):
        view = View(slots, COSTS, allow_review=batch % 2 == 1)
        ran = np.asarray(CASES.available[:batch] & np.uint16(0b110))
        observation = view.observe(CASES, np.arange(batch), ran)

        assert np.allclose(
            graph.logits(observation),
            ScorerPolicy(scorer).logits(observation),
            rtol=0,
            atol=1e-5,
        )
    assert capfd.readouterr() == ("", "")


def test_a_file_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    (tmp_path / "policy.onnx").write_bytes(b"no graph")

    with pytest.raises(BundleError, match=r"expected a policy as an ONNX graph in .*policy\.onnx"):
        OnnxPolicy(tmp_path / "policy.onnx")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"nothing\.onnx"):
        OnnxPolicy(tmp_path / "nothing.onnx")


def test_a_graph_without_logits_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.onnx"
    export_scorer(CandidateScorer(SHAPE), path)
    graph = onnx.load(path)
    graph.graph.output[0].name = "preferences"
    for node in graph.graph.node:
        node.output[:] = ["preferences" if name == "logits" else name for name in node.output]
    onnx.save(graph, path)

    with pytest.raises(BundleError, match=r"the outputs \['logits'\], got .*'preferences'"):
        OnnxPolicy(path)
