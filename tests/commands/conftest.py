"""Commands run through their `main`, on the table and the bundle of `shop`."""

import importlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.list_shop import write_list_bundle
from tests.commands.shop import CLIENTS, COMPANIES, Ended, Run, write_csv, write_shop_bundle


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Runs a command through its `main` in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.setattr(logging, "raiseExceptions", True)
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
def list_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose list stage takes the company of a mate at the same address."""
    return write_list_bundle(tmp_path_factory.mktemp("list-bundle"))


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that runs every blocker, and links a client to a company of the same name."""
    return write_shop_bundle(tmp_path_factory.mktemp("bundle"))
