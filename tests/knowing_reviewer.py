"""A reviewer who knows what is right, and answers on the review page as a browser would."""

import re
from collections.abc import Mapping
from html import unescape
from types import TracebackType
from typing import Final, Self

import httpx2

_SHOWN: Final = re.compile(r'class="card client">.*?<bdi>(.*?)</bdi>', re.DOTALL)
_OFFERED: Final = re.compile(r'name="answer" value="company:([^"]+)"')
_HIDDEN: Final = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


class KnowingReviewer:
    """Somebody who is logged in; used in a `with` statement."""

    def __init__(self, url: str, token: str, truth: Mapping[str, str]) -> None:
        """Log in.

        Args:
            url: Address of the page.
            token: What people log in with.
            truth: The company of each client, '' for none.
        """
        self._truth = truth
        self._browser = httpx2.Client(base_url=url, follow_redirects=True, timeout=30)
        self._sent("/login", name="kim", token=token)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._browser.close()

    def new_queue(self, kind: str, size: int) -> str:
        """Make a queue by the form of the first page; gives its path."""
        page = self._browser.get("/").text
        mark = dict(_HIDDEN.findall(page))["mark"]
        made = self._browser.post("/queues", data={"mark": mark, "kind": kind, "size": str(size)})
        assert made.status_code == 200, made.text
        return made.url.path

    def answer(self, path: str, clicks: int) -> int:
        """Answer the questions of a queue; gives how many there were, at most `clicks`."""
        page = self._browser.get(path).text
        for place in range(clicks):
            shown = _SHOWN.search(page)
            if shown is None:
                return place
            right = self._truth[unescape(shown[1])]
            if right and right not in _OFFERED.findall(page):
                page = self._browser.get(path, params={"find": right}).text
            form = page[page.index('id="answer"') :]
            fields = dict(_HIDDEN.findall(form))
            page = self._sent(
                f"{path}/answer", **fields, answer=f"company:{right}" if right else "none"
            )
        return clicks

    def _sent(self, path: str, **fields: str) -> str:
        """The page after a form."""
        answer = self._browser.post(path, data=fields)
        assert answer.status_code == 200, answer.text
        return answer.text
