"""The application of one worker over the table and the bundle of `shop`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from serving.app import create_app
from serving.settings import WorkerSettings
from tests.commands.shop import write_shop_bundle


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that links a client to a company of the same name."""
    return write_shop_bundle(tmp_path_factory.mktemp("served"))


@contextmanager
def serving(bundle: Path, run_folder: Path, **variables: str) -> Iterator[TestClient]:
    """A client of a running application."""
    environ = {
        "LINKAGE_MODEL_DIR": str(bundle),
        "LINKAGE_RUN_DIR": str(run_folder),
        **variables,
    }
    with TestClient(
        create_app(WorkerSettings.from_environ(environ)), raise_server_exceptions=False
    ) as client:
        yield client


@pytest.fixture
def client(bundle: Path, tmp_path: Path) -> Iterator[TestClient]:
    """A client of an application without a database."""
    with serving(bundle, tmp_path) as one:
        yield one
