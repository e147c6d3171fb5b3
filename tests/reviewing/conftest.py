"""A page of three decisions, with a reviewer logged in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.reviewing.logged import decision, log_in, make_log, make_table, page_of


@pytest.fixture(scope="session")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small company table, with its index; only read."""
    path = tmp_path_factory.mktemp("companies") / "companies.db"
    make_table(path)
    return path


@pytest.fixture
def queue(tmp_path: Path, companies: Path) -> str:
    """A queue of a link, a decision left to a person, and a no match; gives its id."""
    (tmp_path / "companies.db").symlink_to(companies)
    (tmp_path / "companies.db.index").symlink_to(f"{companies}.index")
    return make_log(
        tmp_path / "log.db",
        decision("a"),
        decision("b", "review"),
        decision("c", "no_match", shown=("goyo", "acme")),
    )


@pytest.fixture
def page(tmp_path: Path, queue: str) -> Iterator[TestClient]:
    """The page, where ann has logged in."""
    with page_of(tmp_path) as client:
        yield log_in(client)
