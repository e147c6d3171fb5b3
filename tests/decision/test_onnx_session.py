"""The limits of graphs that passed every trial, and what a lack of memory is called."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from linkage_rl.decision import onnx_session
from linkage_rl.decision.onnx_session import GraphSession
from linkage_rl.errors import BundleError, ResourceLimitError

_PATH: Final = Path("policy.onnx")


def _session(nodes: list[onnx.NodeProto], **tensors: Any) -> GraphSession:
    """A graph of input x and output y."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in tensors.items()],
    )
    opset = helper.make_opsetid("", 18)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    return GraphSession(model.SerializeToString(), "policy", _PATH)


def _growing() -> GraphSession:
    """Takes 40 MB for each number of its input."""
    return _session(
        [
            helper.make_node("Shape", ["x"], ["shape"]),
            helper.make_node("Mul", ["shape", "times"], ["size"]),
            helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
            helper.make_node("ReduceSum", ["zeros"], ["y"], keepdims=0),
        ],
        times=np.array([10_000_000]),
    )


def _numbers(count: int) -> dict[str, Any]:
    return {"x": np.zeros(count, dtype=np.float32)}


def test_a_call_that_needs_too_much_memory_is_refused_and_the_next_one_answered() -> None:
    session = _growing()

    with pytest.raises(BundleError, match="policy cannot be run: it needs more than 1024 MB"):
        session.run(["y"], _numbers(60))

    assert session.run(["y"], _numbers(1))[0] == 0


def test_a_call_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_session, "MAX_SECONDS", 1)
    nodes = [helper.make_node("Add", ["row", "x"], ["rows"])]
    for place in range(3000):
        before = f"p{place - 1}" if place else "rows"
        nodes.append(helper.make_node("Erf", [before], [f"p{place}"]))
    nodes.append(helper.make_node("ReduceSum", ["p2999"], ["y"], keepdims=0))
    session = _session(nodes, row=np.full((4_000, 1), 0.5, np.float32))

    with pytest.raises(BundleError, match="it takes more than 1 s for one call; export"):
        session.run(["y"], _numbers(1_000))

    assert session.run(["y"], _numbers(1))[0] > 0


@pytest.mark.parametrize("text", ["Failed to allocate memory for requested buffer", "bad_alloc"])
def test_a_lack_of_memory_is_no_fault_of_the_bundle(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = _growing()

    class Failing:
        def run(self, *_: object) -> None:
            raise RuntimeError(text)

    monkeypatch.setattr(session, "_session", Failing())
    with pytest.raises(ResourceLimitError, match="no memory left to run the bundle's policy"):
        session.run(["y"], _numbers(1))


def test_memory_that_python_lacks_stays_a_memory_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("onnxruntime.InferenceSession", failing)
    with pytest.raises(MemoryError):
        _growing()
