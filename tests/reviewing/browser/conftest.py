"""One Chromium for all tests of the page, and a check that no page has caused trouble."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from linkage_rl.reviewing.settings import ReviewSettings
from tests.reviewing.browser.served import Person, served
from tests.reviewing.logged import TOKEN

Serve = Callable[..., str]
"""Serves the log of the test's folder; gives the address."""
Somebody = Callable[..., Person]
"""A person before the page at an address."""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.fail(
            "the page is tried in Chromium, which is not installed; apt-get install chromium"
        )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def serve(tmp_path: Path, companies: Path) -> Iterator[Serve]:
    """Serves `log.db` of the test's folder with the small company table."""
    with ExitStack() as stack:

        def start(**settings: Any) -> str:
            values = {"log": str(tmp_path / "log.db"), "database": str(companies), "token": TOKEN}
            return stack.enter_context(served(ReviewSettings(**(values | settings))))

        yield start


@pytest.fixture
def somebody(browser: Browser) -> Iterator[Somebody]:
    """People, each with a browser window of their own; none may have met trouble at the end."""
    people: list[Person] = []

    def come(address: str, **options: Any) -> Person:
        people.append(Person.at(browser, address, **options))
        return people[-1]

    yield come
    for person in people:
        person.page.context.close()
    assert [trouble for person in people for trouble in person.troubles] == []
