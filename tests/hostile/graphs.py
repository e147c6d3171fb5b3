"""Hostile graphs: ONNX files that loop, reach outside, lie about themselves, or give no logits."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.hostile.making import Bundle, Case


def _graph(change: Callable[[Any], object]) -> Case:
    """The policy with a changed model."""

    def case(bundle: Bundle) -> None:
        model = onnx.load(bundle.folder / "policy.onnx")
        change(model)
        bundle.write("policy.onnx", model.SerializeToString())
        bundle.seal(with_index=False)

    return case


def _bytes(change: Callable[[bytes], bytes]) -> Case:
    def case(bundle: Bundle) -> None:
        bundle.write("policy.onnx", change((bundle.folder / "policy.onnx").read_bytes()))
        bundle.seal(with_index=False)

    return case


def _with_node(operator: str, inputs: list[str], domain: str = "", **attributes: Any) -> Case:
    """The policy with one operator more, whose result nobody reads."""
    node = helper.make_node(operator, inputs, ["unread"], domain=domain, **attributes)
    return _graph(lambda model: model.graph.node.insert(0, node))


def _with_tensor(tensor: TensorProto) -> Case:
    return _graph(lambda model: model.graph.initializer.append(tensor))


def _tensor(**fields: Any) -> TensorProto:
    tensor = TensorProto(name="more", data_type=TensorProto.FLOAT, dims=[2])
    tensor.raw_data = bytes(8)
    for name, value in fields.items():
        if name == "dims":
            del tensor.dims[:]
            tensor.dims.extend(value)
        else:
            setattr(tensor, name, value)
    return tensor


def _external() -> TensorProto:
    tensor = _tensor(data_location=TensorProto.EXTERNAL)
    tensor.ClearField("raw_data")
    tensor.external_data.add(key="location", value="../../../../etc/passwd")
    return tensor


def _branch() -> Any:
    value = helper.make_tensor_value_info("then", TensorProto.FLOAT, None)
    node = helper.make_node("Identity", ["candidates"], ["then"])
    return helper.make_graph([node], "branch", [], [value])


def _function(model: Any) -> None:
    node = helper.make_node("Identity", ["a"], ["b"])
    opset = helper.make_opsetid("", 18)
    model.functions.append(helper.make_function("own", "F", ["a"], ["b"], [node], [opset]))


def _input(name: str, kind: int, shape: list[Any]) -> Case:
    def change(model: Any) -> None:
        for value in [*model.graph.input, *model.graph.output]:
            if value.name == name:
                value.CopyFrom(helper.make_tensor_value_info(name, kind, shape))

    return _graph(change)


def _rename_input(model: Any) -> None:
    model.graph.input[1].name = "other"


def _swap_inputs(model: Any) -> None:
    first, second = model.graph.input[0].name, model.graph.input[1].name
    model.graph.input[0].name, model.graph.input[1].name = second, first


def _set_weight(name: str, value: object) -> Case:
    """Another constant of the graph that `shop.write_same_name_policy` writes."""

    def change(model: Any) -> None:
        for tensor in model.graph.initializer:
            if tensor.name == name:
                tensor.CopyFrom(numpy_helper.from_array(np.asarray(value), name))

    return _graph(change)


def _divided_by_zero(model: Any) -> None:
    last = model.graph.node[-1]
    last.output[0] = "before"
    model.graph.node.extend(
        [
            helper.make_node("Sub", ["before", "before"], ["nothing"]),
            helper.make_node("Div", ["nothing", "nothing"], ["logits"]),
        ]
    )


def _sized_by_clients(*operators: tuple[str, list[str], str], **tensors: object) -> Case:
    """The policy with a tensor whose size, the value `size`, follows from the number of clients."""

    def change(model: Any) -> None:
        for name, value in tensors.items():
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        model.graph.initializer.append(numpy_helper.from_array(np.array([0]), "first"))
        nodes = [
            helper.make_node("Shape", ["query"], ["shape"]),
            helper.make_node("Gather", ["shape", "first"], ["clients"]),
            *(helper.make_node(name, inputs, [output]) for name, inputs, output in operators),
            helper.make_node("ConstantOfShape", ["size"], ["unread"]),
        ]
        for place, node in enumerate(nodes):
            model.graph.node.insert(place, node)

    return _graph(change)


def _weights_read(times: int, through: str) -> Case:
    """Half a megabyte of weights, which so many operators multiply."""

    def change(model: Any) -> None:
        weights = np.full((360, 360), 1e-3, np.float32)
        model.graph.initializer.append(numpy_helper.from_array(weights, "weights"))
        model.graph.node.append(helper.make_node(through, ["weights"], ["same"]))
        for place in range(times):
            before = f"product{place - 1}" if place else "same"
            node = helper.make_node("MatMul", [before, "same"], [f"product{place}"])
            model.graph.node.append(node)

    return _graph(change)


def _list_policy(change: Callable[[bytes], bytes]) -> Case:
    """The bundle says that it has a list stage, and this is its graph."""

    def case(bundle: Bundle) -> None:
        content = change((bundle.folder / "policy.onnx").read_bytes())
        bundle.write("list_policy.onnx", content)
        bundle.write("list_calibration.json", (bundle.folder / "calibration.json").read_bytes())

        def add(manifest: dict[str, Any]) -> None:
            manifest["list_thresholds"] = {"link": 0.5, "review": 1.1}
            names = dict.fromkeys(("list_policy.onnx", "list_calibration.json"), "0" * 32)
            manifest["checksums"] |= names

        bundle.change_manifest(add)
        bundle.seal(with_index=False)

    return case


_FLOAT: Final = TensorProto.FLOAT
GRAPH_CASES: Final[dict[str, Case]] = {
    "a loop": _with_node("Loop", ["", ""], body=_branch()),
    "a branch": _with_node("If", ["action_mask"], then_branch=_branch(), else_branch=_branch()),
    "a scan": _with_node("Scan", ["candidates"], body=_branch(), num_scan_inputs=1),
    "a graph in an attribute of a harmless operator": _with_node(
        "Identity", ["candidates"], body=_branch()
    ),
    "a function": _graph(_function),
    "an operator of another domain": _with_node("PyOp", ["candidates"], "ai.onnx.contrib"),
    "an operator of Microsoft": _with_node("FusedMatMul", ["candidates"], "com.microsoft"),
    "a second domain": _graph(
        lambda model: model.opset_import.append(helper.make_opsetid("own", 1))
    ),
    "a random operator": _with_node("RandomNormal", [], shape=[2]),
    "a sequence": _with_node("SequenceConstruct", ["candidates"]),
    "a range": _with_node("Range", ["one", "one", "one"]),
    "a string": _with_node("StringNormalizer", ["candidates"]),
    "an operator without a name": _with_node("", ["candidates"]),
    "thousands of operators": _graph(
        lambda model: model.graph.node.extend(
            [helper.make_node("Identity", ["one"], [f"n{place}"]) for place in range(5000)]
        )
    ),
    "a tensor in another file": _with_tensor(_external()),
    "a constant in another file": _with_node("Constant", [], value=_external()),
    "a tensor that is shorter than it says": _with_tensor(_tensor(dims=[1000])),
    "a tensor that is longer than it says": _with_tensor(_tensor(dims=[1])),
    "a tensor of exabytes": _with_tensor(_tensor(dims=[1 << 60])),
    "a tensor of a negative size": _with_tensor(_tensor(dims=[-2])),
    "a tensor of many dimensions": _with_tensor(_tensor(dims=[1] * 50)),
    "a tensor of texts": _with_tensor(_tensor(data_type=TensorProto.STRING)),
    "a tensor of no type": _with_tensor(_tensor(data_type=99)),
    "a tensor of NaN": _with_tensor(_tensor(raw_data=np.array([np.nan, 1], np.float32).tobytes())),
    "a sparse tensor": _graph(lambda model: model.graph.sparse_initializer.add()),
    "training": _graph(lambda model: model.training_info.add()),
    "no graph": _graph(lambda model: model.ClearField("graph")),
    "no operators": _graph(lambda model: model.graph.ClearField("node")),
    "an unknown opset": _graph(
        lambda model: model.opset_import[0].CopyFrom(helper.make_opsetid("", 999))
    ),
    "an input of another name": _graph(_rename_input),
    "inputs in another order": _graph(_swap_inputs),
    "an input more": _graph(
        lambda model: model.graph.input.append(helper.make_tensor_value_info("x", _FLOAT, [1]))
    ),
    "an output more": _graph(
        lambda model: model.graph.output.append(helper.make_tensor_value_info("links", _FLOAT, [1]))
    ),
    "no output": _graph(lambda model: model.graph.ClearField("output")),
    "candidates of another rank": _input("candidates", _FLOAT, ["batch", "slots"]),
    "candidates that are texts": _input(
        "candidates", TensorProto.STRING, ["batch", "slots", "features"]
    ),
    "a batch of a fixed size": _input("query", _FLOAT, [1, "fields"]),
    "logits of another rank": _input("logits", _FLOAT, ["batch"]),
    "logits without a shape": _graph(
        lambda model: model.graph.output[0].type.tensor_type.ClearField("shape")
    ),
    "a result of other widths": _set_weight("to_stops", np.zeros((4, 9), np.float32)),
    "weights that do not fit": _set_weight("to_stops", np.zeros((3, 3), np.float32)),
    "weights that are NaN": _set_weight("to_stops", np.full((4, 4), np.nan, np.float32)),
    "infinite logits": _set_weight("stops", np.full((1, 4), np.inf, np.float32)),
    "logits that are NaN": _graph(_divided_by_zero),
    "a feature that there is not": _set_weight("core_equal", np.int64(10_000)),
    "gigabytes for a single client": _sized_by_clients(
        ("Equal", ["clients", "single"], "is_single"),
        ("Where", ["is_single", "huge", "single"], "size"),
        single=np.array([1]),
        huge=np.array([600_000_000]),
    ),
    "memory that grows with the fourth power of the clients": _sized_by_clients(
        ("Pow", ["clients", "four"], "size"), four=np.array([4])
    ),
    "weights that hundreds of operators multiply": _weights_read(200, "Identity"),
    "turned weights that hundreds of operators multiply": _weights_read(200, "Transpose"),
    "an empty file": _bytes(lambda content: b""),
    "a text": _bytes(lambda content: b"import os; os.system('true')"),
    "zeros": _bytes(lambda content: bytes(10_000)),
    "half a graph": _bytes(lambda content: content[: len(content) // 2]),
    "two graphs in one": _bytes(lambda content: content + content),
    "a field that models do not have": _bytes(lambda content: content + b"\xf8\x07\x01"),
    "a number without end": _bytes(lambda content: b"\x08" + b"\xff" * 20),
    "a message that is longer than the file": _bytes(lambda content: b"\x3a\xff\xff\xff\x7f"),
    "more entries than a graph has": _bytes(lambda content: content + b"\x72\x00" * 250_000),
    "a file of 70 MB": _bytes(lambda content: content + bytes(70 << 20)),
    "a list stage that is a policy": _list_policy(lambda content: content),
    "a list stage that is empty": _list_policy(lambda content: b""),
    "a list stage that is text": _list_policy(lambda content: b"import os"),
}
