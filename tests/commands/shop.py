"""A company table known by heart, clients who ask it, and a policy that can be followed by hand."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from linkage_rl.bundle import (
    ListStageFiles,
    Settings,
    golden_answers,
    load_bundle,
    write_bundle,
)
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.candidates.storage import save_index
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.decide import Thresholds
from linkage_rl.features.matrix import PAIR_FEATURES
from linkage_rl.records import CompanyRows, RecordBatch

COMPANIES = [
    ("company_id", "name", "prefecture", "city", "street", "phone"),
    ("c1", "株式会社青空商事", "東京都", "千代田区", "丸の内1-1", "03-3222-0001"),
    ("c2", "有限会社山田製作所", "愛知県", "名古屋市中区", "栄3-3", "052-241-0002"),
    ("c3", "合同会社はるか", "大阪府", "大阪市北区", "梅田1-1", "06-6345-0003"),
]

CLIENTS = [
    ("client_id", "name", "city", "company_id", "担当"),
    ("k1", "㈱青空商事", "千代田区", "c1", "佐藤"),
    ("k2", "（有）山田製作所", "", "c2", "鈴木, 一郎"),
    ("k3", "株式会社どこにもない", "", "", ""),
    ("k4", "合同会社はるか", "京都市", "c3", "田中"),
]
"""Three clients whose name is that of a company, and one who has no row."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line of the error stream: the sentence for the user."""
        return (self.err.strip().splitlines() or [""])[-1]


Run = Callable[..., Ended]


def write_csv(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write rows of texts."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)


def company_rows() -> CompanyRows:
    """`COMPANIES` as rows of the company table."""
    header, *rows = COMPANIES
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    records = RecordBatch(columns.pop("company_id"), columns)
    nothing = [""] * len(records)
    return CompanyRows(records, nothing, nothing)


def write_shop_bundle(
    folder: Path,
    thresholds: Thresholds | None = None,
    with_index: bool = True,
    list_stage: ListStageFiles | None = None,
) -> Path:
    """A bundle that runs every blocker, and links a client to a company of the same name."""
    save_index(CompanyIndex.build([company_rows()]), folder / "index")
    settings = Settings(
        blockers=CandidateSettings().blockers(),
        limit=20,
        max_candidates=5,
        allow_review=False,
        thresholds=thresholds,
        origin={"agent": "same name", "seed": "1"},
    )
    write_same_name_policy(folder / "policy.onnx", len(settings.blockers))
    made = folder / "bundle"
    parts = (folder / "policy.onnx", Calibration.identity(), settings)
    write_bundle(made, *parts, [], folder / "index", list_stage)
    clients = RecordBatch(["g1", "g2"], {"name": ["株式会社青空商事", "鈴木組"]})
    golden = golden_answers(load_bundle(made), clients)
    write_bundle(made, *parts, golden, folder / "index" if with_index else None, list_stage)
    return made


def write_same_name_policy(path: Path, blockers: int) -> None:
    """A graph: blockers 30 while they are legal, links 10 for equal names, else -10, no match 0."""

    def constant(name: str, values: object, kind: type = np.float32) -> onnx.TensorProto:
        return onnx.numpy_helper.from_array(np.asarray(values, dtype=kind), name)

    node = helper.make_node
    nodes = [
        node("Gather", ["candidates", "core_equal"], ["equal"], axis=2),
        node("Mul", ["equal", "twenty"], ["scaled"]),
        node("Sub", ["scaled", "ten"], ["links"]),
        node("MatMul", ["state", "to_stops"], ["zeros"]),
        node("Add", ["zeros", "stops"], ["others"]),
        node("Concat", ["links", "others"], ["unmasked"], axis=1),
        node("Cast", ["action_mask"], ["legal"], to=TensorProto.FLOAT),
        node("Sub", ["legal", "one"], ["forbidden"]),
        node("Mul", ["forbidden", "huge"], ["masked"]),
        node("Add", ["unmasked", "masked"], ["logits"]),
    ]
    stops = [[0.0, -20.0, *[30.0] * blockers]]
    values = [
        constant("core_equal", PAIR_FEATURES.index("core_equal"), np.int64),
        *(constant(name, value) for name, value in (("twenty", 20), ("ten", 10), ("one", 1))),
        constant("huge", 1e8),
        constant("to_stops", np.zeros((blockers + 2, blockers + 2))),
        constant("stops", stops),
    ]
    shapes: dict[str, list[str | int]] = {
        "candidates": ["batch", "slots", "features"],
        "query": ["batch", "fields"],
        "state": ["batch", blockers + 2],
        "action_mask": ["batch", "actions"],
        "logits": ["batch", "actions"],
    }
    tensors = {
        name: helper.make_tensor_value_info(
            name, TensorProto.INT8 if name == "action_mask" else TensorProto.FLOAT, shape
        )
        for name, shape in shapes.items()
    }
    result = tensors.pop("logits")
    graph = helper.make_graph(nodes, "same name", list(tensors.values()), [result], values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, str(path))
