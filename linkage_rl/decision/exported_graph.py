"""What a checked ONNX graph computes, without its weights: two graphs of one form are one network.

The exporter names tensors anew each time, and repeats a tensor under another name where two layers
are equal. The form of a graph leaves out names, such repetitions and all weights, and keeps
operators with their version, wiring, attributes and single integers such as axes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.onnx_graph import (
    ATTRIBUTE,
    GRAPH,
    MODEL,
    NODE,
    OPSET,
    TENSOR,
    TYPES,
    VALUE,
)
from linkage_rl.decision.wire import (
    Fields,
    Reader,
    messages_in,
    number_in,
    numbers_in,
    text_in,
    texts_in,
)

Array = NDArray[Any]


@dataclass(frozen=True)
class GraphForm:
    """What a graph computes, and with which numbers."""

    digest: str
    """Of the version of the operators, their wiring, attributes and single integers; SHA-256 in
    hexadecimal digits."""
    weights: Sequence[Array]
    """All other tensors in the file, in the order in which operators use them."""


def form_of(content: bytes) -> GraphForm:
    """The form of a graph that `onnx_graph.read_graph` has checked."""
    reader = Reader()
    model = reader.message(memoryview(content), MODEL)
    graph = reader.message(messages_in(model, 7)[0], GRAPH)
    tensors = [reader.message(part, TENSOR) for part in messages_in(graph, 5)]
    text = _Text(reader, {text_in(tensor, 8): _numbers(tensor) for tensor in tensors})
    for part in messages_in(graph, 1):
        text.add(reader.message(part, NODE))
    outputs = [reader.message(part, VALUE) for part in messages_in(graph, 12)]
    versions = [number_in(reader.message(part, OPSET), 2) for part in messages_in(model, 8)]
    lines = [f"opset {versions}", *text.lines]
    lines += [text.operand(text_in(output, 1)) for output in outputs]
    return GraphForm(hashlib.sha256("\n".join(lines).encode()).hexdigest(), text.weights)


@dataclass(frozen=True)
class _Text:
    """The form of a graph as text, operator by operator."""

    reader: Reader
    constants: dict[str, Array]
    results: dict[str, str] = field(default_factory=dict)
    """What other tensors are called in the text."""
    weights: list[Array] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def add(self, node: Fields) -> None:
        """Describe an operator, unless it only names a constant."""
        operator, inputs, outputs = text_in(node, 4), texts_in(node, 1), texts_in(node, 2)
        attributes = [self.reader.message(part, ATTRIBUTE) for part in messages_in(node, 5)]
        tensors = [part for one in attributes for part in messages_in(one, 5)]
        if operator == "Constant" and len(tensors) == 1:
            self.constants[outputs[0]] = _numbers(self.reader.message(tensors[0], TENSOR))
        elif operator == "Identity" and inputs[0] in self.constants:
            self.constants[outputs[0]] = self.constants[inputs[0]]
        else:
            operands = ", ".join(map(self.operand, inputs))
            settings = " ".join(sorted(map(_setting, attributes)))
            self.lines.append(f"{operator}({operands}) {settings}")
            place = len(self.lines)
            self.results.update({name: f"%{place}.{at}" for at, name in enumerate(outputs)})

    def operand(self, name: str) -> str:
        """A tensor: what it is the result of, a single integer, or '#' for weights."""
        constant = self.constants.get(name)
        if constant is None:
            # quoted, as an input could be called like a result
            return self.results.get(name, repr(name))
        if constant.size == 1 and constant.dtype.kind == "i":
            return f"{constant.dtype}{constant.tolist()}"
        self.weights.append(constant)
        return "#"


def _setting(attribute: Fields) -> str:
    """An attribute with its value, which is no tensor but for operators that are not described."""
    values = {
        number: [bytes(value) if isinstance(value, memoryview) else value for value in held]
        for number, held in sorted(attribute.items())
    }
    return str(values)


def _numbers(tensor: Fields) -> Array:
    """The numbers of a tensor; none where they are listed one by one, as no exporter does."""
    dtype, raw = TYPES[number_in(tensor, 2)], messages_in(tensor, 9)
    if not raw:
        return np.zeros(0, dtype=dtype)
    return np.frombuffer(bytes(raw[0]), dtype=dtype).reshape(numbers_in(tensor, 1))
