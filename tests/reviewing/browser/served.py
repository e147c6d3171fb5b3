"""The review page behind a real socket, and people who look at it in Chromium."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import uvicorn
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, ViewportSize

from linkage_rl.reviewing.app import create_app
from linkage_rl.reviewing.settings import ReviewSettings
from tests.reviewing.logged import TOKEN

WAIT_MS: Final = 10_000
"""How long a page may take to show what a test waits for."""
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
DESKTOP: Final[ViewportSize] = {"width": 1280, "height": 800}
_REACHED: Final = (
    # a refused request, and a status that a test asks for
    "Failed to load resource: the server responded with a status of",
)


@contextmanager
def served(settings: ReviewSettings) -> Iterator[str]:
    """Address of the page, served by a thread as long as the block lasts."""
    config = uvicorn.Config(
        create_app(settings), host="127.0.0.1", port=0, log_level="warning", ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + WAIT_MS / 1000
        while not server.started:
            assert thread.is_alive(), "the page did not start"
            assert time.monotonic() < deadline, "the page did not start"
            time.sleep(0.005)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@dataclass
class Person:
    """Somebody before a window of Chromium; `troubles` are what no page may ever cause."""

    page: Page
    address: str
    troubles: list[str] = field(default_factory=list)

    @classmethod
    def at(cls, browser: Browser, address: str, **options: Any) -> "Person":
        """A person with a window of their own; options are those of `Browser.new_context`."""
        options = {"viewport": DESKTOP, "locale": "en-GB", **options}
        context: BrowserContext = browser.new_context(base_url=address, **options)
        context.set_default_timeout(WAIT_MS)
        person = cls(context.new_page(), address)
        context.on("request", person._requested)
        context.on("console", person._said)
        person.page.on("pageerror", lambda error: person.troubles.append(f"error: {error}"))
        person.page.on("dialog", lambda dialog: person.troubles.append("a dialog"))
        return person

    def log_in(self, name: str = "ann") -> "Person":
        """Log in by the form."""
        self.page.goto("/login")
        self.page.fill("[name=name]", name)
        self.page.fill("[name=token]", TOKEN)
        self.page.click("form.login button")
        self.page.wait_for_selector(".who")
        return self

    def asked(self) -> str:
        """Id of the client that the page asks about, '' at the end of a queue."""
        found = self.page.locator(".client .id")
        return found.inner_text().removeprefix("client-") if found.count() else ""

    def press(self, key: str) -> None:
        """Press a key and wait for the next client, or the end of the queue."""
        self._changed(lambda: self.page.keyboard.press("Space" if key == " " else key))

    def click(self, key: str) -> None:
        """Click the button that has this key, and wait for the next client."""
        self._changed(lambda: self.page.click(f'[data-key="{key}"]'))

    def _changed(self, action: Any) -> None:
        # what is replaced loses this mark, with and without htmx
        self.page.evaluate("document.querySelector('main').firstElementChild.dataset.old = 1")
        action()
        self.page.wait_for_selector("main > :first-child:not([data-old])", state="attached")

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(
            self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )

    def _requested(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.address).netloc:
            self.troubles.append(f"a request to {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_REACHED):
            self.troubles.append(f"console: {message.text}")
