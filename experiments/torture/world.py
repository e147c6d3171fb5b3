"""Tables, lists and bundles to torture: a small sample, and a policy without training."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from linkage_rl.bundle import (
    Settings,
    golden_answers,
    load_bundle,
    read_settings,
    write_bundle,
)
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.candidates.storage import save_index
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.decide import Thresholds
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.sample import SampleConfig, generate_clients, generate_companies
from tests.commands.list_shop import write_list_bundle
from tests.commands.shop import write_same_name_policy

COMPANIES: Final = "companies.csv"
CHANGED: Final = "changed.csv"
"""The table after some days: companies renamed, closed and new."""
CLIENTS: Final = "clients.csv"
BUNDLE: Final = "bundle"
LIST_BUNDLE: Final = "list-bundle/bundle"
"""Decides lists as a whole; its own table has three companies."""


@dataclass(frozen=True)
class Size:
    """How large a world is."""

    companies: int = 600
    clients: int = 800
    """Over all splits of the sample; the list has about a fifth of them."""
    seed: int = 0


def make_world(folder: Path, size: Size) -> None:
    """Write table, list and bundles into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    config = SampleConfig(companies=size.companies, clients=size.clients, seed=size.seed)
    chunks = list(generate_companies(config))
    write_companies(folder / COMPANIES, chunks)
    write_companies(folder / CHANGED, [changed(chunk) for chunk in chunks])
    write_clients(folder / CLIENTS, generate_clients(config, "test").records)
    write_sample_bundle(folder, chunks)
    write_list_bundle(folder / "list-bundle")


def write_sample_bundle(folder: Path, chunks: Sequence[CompanyRows]) -> None:
    """A bundle with an index of these companies; its policy links clients of the same name."""
    save_index(CompanyIndex.build(chunks), folder / "index")
    settings = Settings(
        blockers=CandidateSettings().blockers(),
        limit=20,
        max_candidates=5,
        allow_review=False,
        thresholds=None,
        origin={"agent": "same name", "seed": "1"},
    )
    write_same_name_policy(folder / "policy.onnx", len(settings.blockers))
    parts = (folder / "policy.onnx", Calibration.identity(), settings)
    write_bundle(folder / BUNDLE, *parts, [], folder / "index")
    some = chunks[0].records.take(range(5))
    golden = golden_answers(load_bundle(folder / BUNDLE), some)
    write_bundle(folder / BUNDLE, *parts, golden, folder / "index")


def write_other_bundle(served: Path, folder: Path) -> None:
    """A bundle like another one that links only clients of which it is nearly sure."""
    settings = read_settings(served)
    strict = replace(
        settings, thresholds=Thresholds(link=0.97), origin={**settings.origin, "agent": "strict"}
    )
    calibration = Calibration.from_json((served / "calibration.json").read_text(encoding="utf-8"))
    parts = (served / "policy.onnx", calibration, strict)
    write_bundle(folder, *parts, [], served / "index")


def changed(rows: CompanyRows) -> CompanyRows:
    """The same companies some days later: every seventh renamed, every eleventh closed."""
    columns = {name: list(texts) for name, texts in rows.records.columns.items()}
    closed = list(rows.closed_at)
    for place in range(len(rows.records)):
        if place % 7 == 0:
            columns["name"][place] += "ホールディングス"
        if place % 11 == 0:
            closed[place] = "2026-01-31"
    stamps = ["" for _ in closed]
    return CompanyRows(RecordBatch(list(rows.records.ids), columns), stamps, closed)


def write_companies(path: Path, chunks: Sequence[CompanyRows]) -> None:
    """Write a company file."""
    fields = [*chunks[0].records.columns]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["company_id", *fields, "closed_at"])
        for chunk in chunks:
            columns = (chunk.records.columns[name] for name in fields)
            writer.writerows(zip(chunk.records.ids, *columns, chunk.closed_at, strict=True))


def write_clients(path: Path, records: RecordBatch) -> None:
    """Write a client list."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["client_id", *records.columns])
        writer.writerows(zip(records.ids, *records.columns.values(), strict=True))


def as_objects(records: RecordBatch) -> list[Mapping[str, str]]:
    """The clients as JSON objects, without missing fields."""
    return [
        {"client_id": client_id}
        | {name: texts[row] for name, texts in records.columns.items() if texts[row]}
        for row, client_id in enumerate(records.ids)
    ]
