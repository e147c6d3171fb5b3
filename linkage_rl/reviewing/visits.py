"""A request of somebody who may see pages, and where it leads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from linkage_rl.decision_log.privacy import storable
from linkage_rl.decision_log.rows import Answer
from linkage_rl.reviewing.words import Words

LONGEST: Final = 1000
"""Characters of a parameter that are read."""
_NOTICES: Final = ("taken", "undone", "nothing_to_undo")
_OVER: Final = ("saved", "notice")
COOKIES: Final = {"lang": "linkage_language", "keys": "linkage_keys"}
"""Parameters of an address that are kept, each in its cookie."""
CHOICES: Final = {"lang": ("en", "ja"), "keys": ("on", "off")}
"""Their values."""


@dataclass(frozen=True)
class Visit:
    """A request of somebody who may see pages."""

    request: Request
    words: Words
    reviewer: str = ""
    """Who has logged in, '' for nobody."""
    form: Mapping[str, str] = field(default_factory=dict)
    """Fields of a form that was sent."""

    @property
    def root(self) -> str:
        """Path of the application at the server."""
        return str(self.request.scope.get("root_path", ""))

    @property
    def enhanced(self) -> bool:
        """Whether htmx asks, which replaces the page in place."""
        return self.request.headers.get("hx-request", "") == "true"

    @property
    def has_keys(self) -> bool:
        """Whether single keys press buttons, which people who dictate switch off."""
        return choice_of(self.request, "keys") != "off"

    def asked(self, name: str) -> str:
        """A parameter of the address."""
        return storable(self.request.query_params.get(name, "")[:LONGEST])

    def of_path(self, name: str) -> str:
        """A part of the path."""
        return storable(str(self.request.path_params[name]))


def choice_of(request: Request, name: str) -> str:
    """What the address or else the cookie chooses of `CHOICES`; anything where they are faulty."""
    return request.query_params.get(name, "") or request.cookies.get(COOKIES[name], "")


def to_page(visit: Visit, path: str) -> Response:
    """Go to another page of this application, by GET."""
    return RedirectResponse(f"{visit.root}{path}", status_code=303)


def changed(visit: Visit, path: str, **values: str) -> str:
    """Address of a page with the parameters of this visit, of which some are changed.

    What has happened is left out, and so is what a cookie keeps.
    """
    over = {*_OVER, *COOKIES}
    kept = {name: text for name, text in visit.request.query_params.items() if name not in over}
    if "next" in visit.form:
        kept["next"] = visit.form["next"]
    return f"{visit.root}{path}?{urlencode(kept | values)}"


def own_path(text: str) -> str:
    """The path if it is one of this application, else that of its first page."""
    plain = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return quote(text, safe="/?=&%") if plain else "/"


def notice_of(visit: Visit) -> str:
    """What the address says has happened; nothing that another site could have put there."""
    words, saved, notice = visit.words, visit.asked("saved"), visit.asked("notice")
    if notice in _NOTICES:
        return words(notice)
    if saved in {*map(str, Answer)}:
        return words("saved", answer=words(f"answer_{saved}", company="").strip())
    return ""
