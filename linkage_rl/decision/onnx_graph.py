"""What an ONNX file must be before onnxruntime may see it.

A graph is a program. Of the many things that ONNX can hold, a policy needs few: arithmetic of known
operators on tensors in the file. There are no loops and branches here, no functions, no operators
of other domains, and no data in other files.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from linkage_rl.decision.wire import (
    FLOATS,
    NUMBER,
    NUMBERS,
    TEXT,
    TEXTS,
    Fields,
    Reader,
    WireError,
    count_floats,
    messages_in,
    number_in,
    numbers_in,
    text_in,
    texts_in,
)
from linkage_rl.errors import BundleError

MAX_BYTES: Final = 64 << 20
"""Size of a file; the policy of the sample has 76 KB."""
MAX_NODES: Final = 4096
MAX_RANK: Final = 8
_EXPORTED: Final = (
    "Add And Cast Clip Concat Constant ConstantOfShape Div Equal Gather Gemm Greater Identity "
    "LessOrEqual Log MatMul Mod Mul Not Or ReduceMax ReduceMean ReduceSum Relu Reshape Shape Slice "
    "Squeeze Unsqueeze Where"
)
"""What the exporter writes for the policies of this library."""
_NEIGHBOURS: Final = (
    "Abs ArgMax ArgMin BatchNormalization CastLike Ceil Celu CumSum Elu Erf Exp Expand Flatten "
    "Floor GatherElements GatherND Gelu GreaterOrEqual HardSigmoid HardSwish IsInf IsNaN "
    "LayerNormalization LeakyRelu Less LogSoftmax Max Mean Min Mish Neg PRelu Pow Reciprocal "
    "ReduceL1 ReduceL2 ReduceLogSumExp ReduceMin ReduceProd ReduceSumSquare Round Selu Sigmoid "
    "Sign Size Softmax Softplus Softsign Split Sqrt Sub Sum Tanh TopK Transpose Trilu Xor"
)
"""What it may write for a policy of your own."""
OPERATORS: Final = frozenset(f"{_EXPORTED} {_NEIGHBOURS}".split())
"""Operators of the ONNX domain that a graph may use: none holds a graph, reads a file or draws."""
_RESHAPING: Final = frozenset(
    ["Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"]
)
"""Operators whose result is their first input in another form."""

TYPES: Final[dict[int, np.dtype[Any]]] = {
    1: np.dtype("<f4"),
    2: np.dtype("u1"),
    3: np.dtype("i1"),
    6: np.dtype("<i4"),
    7: np.dtype("<i8"),
    9: np.dtype("?"),
    10: np.dtype("<f2"),
    11: np.dtype("<f8"),
}
"""Types of tensors by their number in ONNX."""
FLOAT: Final = 1
INT8: Final = 3
ANY: Final = -1

# field numbers of onnx.proto3 to their kinds; every other field is refused
MODEL: Final = {
    **dict.fromkeys((1, 5), NUMBER),
    **dict.fromkeys((2, 3, 4, 6, 7), TEXT),
    **dict.fromkeys((8, 14), TEXTS),
}
OPSET: Final = {1: TEXT, 2: NUMBER}
GRAPH: Final = {**dict.fromkeys((2, 10), TEXT), **dict.fromkeys((1, 5, 11, 12, 13, 16), TEXTS)}
NODE: Final = {**dict.fromkeys((3, 4, 6, 7, 8), TEXT), **dict.fromkeys((1, 2, 5, 9), TEXTS)}
ATTRIBUTE: Final = {
    **dict.fromkeys((2, 3, 20), NUMBER),
    **dict.fromkeys((1, 4, 5, 13), TEXT),
    **{7: FLOATS, 8: NUMBERS, 9: TEXTS},
}
TENSOR: Final = {
    **dict.fromkeys((2, 14), NUMBER),
    **dict.fromkeys((8, 9, 12), TEXT),
    **dict.fromkeys((1, 5, 7), NUMBERS),
    **dict.fromkeys((4, 10), FLOATS),
    16: TEXTS,
}
VALUE: Final = {**dict.fromkeys((1, 2, 3), TEXT), 4: TEXTS}
_TYPE: Final = {1: TEXT, 6: TEXT}
_TENSOR_TYPE: Final = {1: NUMBER, 2: TEXT}
_SHAPE: Final = {1: TEXTS}
_DIMENSION: Final = {1: NUMBER, 2: TEXT, 3: TEXT}
_INPUTS, _OUTPUTS = 11, 12
_DOMAIN: Final = "ai.onnx"
_ATTRIBUTE_TYPES: Final = {1, 2, 3, 4, 6, 7, 8}
"""Numbers, texts and tensors: all types of attributes that hold no graph."""


@dataclass(frozen=True)
class Tensor:
    """An input or output of a graph as it must be declared."""

    kind: int
    """`FLOAT` or `INT8`."""
    shape: tuple[int | None, ...]
    """Size of each dimension: None where it must be left open, `ANY` where it may be."""


def read_graph(
    path: Path, what: str, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor]
) -> bytes:
    """The content of an ONNX file, checked.

    Args:
        path: The file.
        what: What the graph is, for messages.
        inputs: Name to tensor of every input, in order.
        outputs: The same of every output.

    Raises:
        BundleError: The file is missing, too large, or not such a graph.
    """
    try:
        return _checked(path, inputs, outputs)
    except (OSError, ValueError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise BundleError(
            f"expected a {what} as an ONNX graph in {path}, but {str(reason)[:300]}; "
            "export the run again"
        ) from error


def _checked(path: Path, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> bytes:
    with path.open("rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise WireError(f"it has more than {MAX_BYTES >> 20} MB")
    file = _File()
    graph = file.graph(content)
    file.check_tensors(graph, _INPUTS, inputs)
    file.check_tensors(graph, _OUTPUTS, outputs)
    return content


@dataclass(frozen=True)
class _File:
    """Checks the parts of one file."""

    reader: Reader = field(default_factory=Reader)

    def graph(self, content: bytes) -> Fields:
        """The graph of a model with all that it holds checked, but for its inputs and outputs."""
        read = self.reader.message
        model = read(memoryview(content), MODEL)
        opsets = [text_in(read(part, OPSET), 1) for part in messages_in(model, 8)]
        if opsets not in ([""], [_DOMAIN]):
            raise WireError("it needs operators beyond those of ONNX")
        graphs = messages_in(model, 7)
        if len(graphs) != 1:
            raise WireError("it holds no graph")
        graph = read(graphs[0], GRAPH)
        nodes = messages_in(graph, 1)
        if len(nodes) > MAX_NODES:
            raise WireError(f"it has {len(nodes)} operators, more than {MAX_NODES}")
        # bytes of each result that is one of the tensors, whatever its shape
        sizes = dict(self._check_tensor(tensor) for tensor in messages_in(graph, 5))
        used = 0
        for part in nodes:
            node = read(part, NODE)
            constant = self._check_node(node)
            taken = [sizes.get(name, 0) for name in texts_in(node, 1)]
            if text_in(node, 4) in _RESHAPING:
                constant += sum(taken[:1])
            sizes |= dict.fromkeys(texts_in(node, 2), constant)
            used += sum(taken)
        # onnxruntime may keep a copy for each use
        if used > MAX_BYTES:
            raise WireError(f"its operators read tensors of more than {MAX_BYTES >> 20} MB")
        return graph

    def check_tensors(self, graph: Fields, number: int, wanted: Mapping[str, Tensor]) -> None:
        """Compare the inputs (field 11 of a graph) or outputs (12) with those wanted."""
        what = "inputs" if number == _INPUTS else "outputs"
        values = [self.reader.message(part, VALUE) for part in messages_in(graph, number)]
        names = [text_in(value, 1) for value in values]
        if names != list(wanted):
            raise WireError(f"it needs the {what} {list(wanted)}, got {names[:8]}")
        for value, (name, expected) in zip(values, wanted.items(), strict=True):
            kind, shape = self._tensor_of(value)
            fits = len(shape) == len(expected.shape) and all(
                own is None or size == ANY or own == size
                for own, size in zip(shape, expected.shape, strict=True)
            )
            if kind != expected.kind or not fits:
                raise WireError(
                    f"{name!r} must have type {expected.kind} and shape {_shown(expected.shape)}, "
                    f"got type {kind} and shape {_shown(shape)}"
                )

    def _check_node(self, node: Fields) -> int:
        """Returns the bytes of the tensors in its attributes."""
        operator, domain = text_in(node, 4), text_in(node, 7)
        if domain not in ("", _DOMAIN) or operator not in OPERATORS:
            raise WireError(f"it uses the operator {operator[:40]!r} of {domain[:40] or 'ONNX'}")
        held = 0
        for part in messages_in(node, 5):
            attribute = self.reader.message(part, ATTRIBUTE)
            if (kind := number_in(attribute, 20)) not in _ATTRIBUTE_TYPES:
                raise WireError(f"{operator} has an attribute of type {kind}")
            held += sum(self._check_tensor(tensor)[1] for tensor in messages_in(attribute, 5))
        return held

    def _check_tensor(self, data: memoryview) -> tuple[str, int]:
        """A tensor holds its numbers itself, as many as its shape says, and none of them is NaN.

        Returns its name and size in bytes.
        """
        tensor = self.reader.message(data, TENSOR)
        name, shape = text_in(tensor, 8)[:40], numbers_in(tensor, 1)
        dtype = TYPES.get(number_in(tensor, 2))
        if dtype is None or number_in(tensor, 14):
            raise WireError(f"the tensor {name!r} is of another type or in another file")
        if len(shape) > MAX_RANK or not all(0 <= size <= MAX_BYTES for size in shape):
            raise WireError(f"the tensor {name!r} has the shape {shape[:MAX_RANK]}")
        count, raw = math.prod(shape), messages_in(tensor, 9)
        listed = count_floats(tensor, 4, 4) + count_floats(tensor, 10, 8)
        listed += sum(len(numbers_in(tensor, number)) for number in (5, 7))
        held = len(raw[0]) == count * dtype.itemsize if raw else listed == count
        if not held or (raw and listed):
            raise WireError(f"the tensor {name!r} does not hold the {count} numbers of its shape")
        if raw and dtype.kind == "f" and np.isnan(np.frombuffer(raw[0], dtype)).any():
            raise WireError(f"the tensor {name!r} holds NaN")
        return text_in(tensor, 8), count * dtype.itemsize

    def _tensor_of(self, value: Fields) -> tuple[int, list[int | None]]:
        """Type and declared sizes of an input or output; None for a size that varies."""
        read = self.reader.message
        types = [read(part, _TYPE) for part in messages_in(value, 2)]
        tensors = [read(part, _TENSOR_TYPE) for held in types for part in messages_in(held, 1)]
        if len(tensors) != 1:
            raise WireError(f"{text_in(value, 1)[:40]!r} is no tensor")
        shape: list[int | None] = []
        for part in messages_in(tensors[0], 2):
            for dimension in messages_in(read(part, _SHAPE), 1):
                size = read(dimension, _DIMENSION)
                shape.append(number_in(size, 1) if 1 in size else None)
        return number_in(tensors[0], 1), shape


def _shown(shape: Sequence[int | None]) -> str:
    return f"({', '.join('*' if size in (None, ANY) else str(size) for size in shape)})"
