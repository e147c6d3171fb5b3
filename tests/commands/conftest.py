"""Commands run through their `main`, on the table and the bundle of `shop`."""

import importlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkage_rl.bundle import Settings, golden_answers, load_bundle, write_bundle
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.candidates.storage import save_index
from linkage_rl.decision.calibration import Calibration
from linkage_rl.records import CompanyRows, RecordBatch
from tests.commands.shop import CLIENTS, COMPANIES, Ended, Run, write_csv, write_same_name_policy


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Runs a command through its `main` in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    for name in ("DATABASE_URL", "DB_HOST", "DB_SECRET_ARN", "LINKAGE_RL_CACHE"):
        monkeypatch.delenv(name, raising=False)
    root, own = logging.getLogger(), logging.getLogger("linkage_rl")
    before = (list(root.handlers), root.level, own.level)

    def command(name: str, *words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", [name, *words])
        code = 0
        try:
            importlib.import_module(f"linkage_rl.{name}").main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        for handler in set(root.handlers) - set(before[0]):
            handler.close()
        return Ended(code, *capfd.readouterr())

    yield command
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    own.setLevel(before[2])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with `companies.csv` and `clients.csv`."""
    write_csv(tmp_path / "companies.csv", COMPANIES)
    write_csv(tmp_path / "clients.csv", CLIENTS)
    return tmp_path


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that buys every route, and links a client to a company of the same name."""
    folder = tmp_path_factory.mktemp("bundle")
    header, *rows = COMPANIES
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    records = RecordBatch(columns.pop("company_id"), columns)
    nothing = [""] * len(records)
    save_index(CompanyIndex.build([CompanyRows(records, nothing, nothing)]), folder / "index")
    settings = Settings(
        routes=CandidateSettings().routes(),
        limit=20,
        max_candidates=5,
        allow_review=False,
        thresholds=None,
        origin={"agent": "same name", "seed": "1"},
    )
    write_same_name_policy(folder / "policy.onnx", len(settings.routes))
    made = folder / "bundle"
    parts = (folder / "policy.onnx", Calibration.identity(), settings)
    write_bundle(made, *parts, [], folder / "index")
    clients = RecordBatch(["g1", "g2"], {"name": ["株式会社青空商事", "鈴木組"]})
    write_bundle(made, *parts, golden_answers(load_bundle(made), clients), folder / "index")
    return made
