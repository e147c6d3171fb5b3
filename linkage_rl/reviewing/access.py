"""Who looks at the page: login by token or by a proxy's header, and forms of no other site."""

import hashlib
import hmac
import secrets
import unicodedata
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from linkage_rl.reviewing.sessions import SESSION_S, Session, Sessions
from linkage_rl.reviewing.settings import ReviewSettings

COOKIE: Final = "linkage_review"
"""Cookie of a person who has logged in."""
LONGEST_NAME: Final = 100
"""Characters of a reviewer's name."""
_CONTENT: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": _CONTENT,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # with no-referrer a browser sends 'Origin: null' with the page's own forms
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""Headers of every answer."""


class SecurityHeaders:
    """Adds `HEADERS` to every answer; pages are kept by no cache."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as an ASGI application."""

        async def send_safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, send_safe)


class Access:
    """Knows the reviewer of a request, and whether a form comes from a page of this server."""

    def __init__(self, settings: ReviewSettings) -> None:
        self._token = settings.token
        self._header = settings.auth_header
        # the same in every process that has the token, so that a login holds in all of them
        seed = settings.token.encode() if settings.token else secrets.token_bytes(32)
        self._sessions = Sessions(hashlib.sha256(b"linkage_rl review\0" + seed).digest())

    @property
    def by_token(self) -> bool:
        """Whether people log in with the token."""
        return not self._header

    def reviewer(self, request: Request) -> str:
        """The name of who has logged in; '' for nobody."""
        if self._header:
            return clean_name(_utf8(request.headers.get(self._header, "")))
        session = self._session(request)
        return session.name if session else ""

    def has_token(self, headers: Headers) -> bool:
        """Whether a program has sent the token (RFC 6750)."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.is_token(given.strip())

    def is_token(self, given: str) -> bool:
        """Whether this is the token, in a time that says nothing about it."""
        mine = hashlib.sha256(self._token.encode()).digest()
        theirs = hashlib.sha256(given.encode("utf-8", "surrogateescape")).digest()
        return bool(self._token) and hmac.compare_digest(mine, theirs)

    def log_in(self, response: Response, request: Request, name: str) -> None:
        """Set the cookie of a reviewer."""
        self._set(response, request, self._sessions.begin(name))

    def renew(self, response: Response, request: Request) -> None:
        """Let the login hold for longer, since it is used."""
        session = self._session(request)
        renewed = self._sessions.renewed(session) if session else None
        if renewed:
            self._set(response, request, renewed)

    def log_out(self, response: Response, request: Request) -> None:
        """End the login, and remove its cookie."""
        if session := self._session(request):
            self._sessions.end(session)
        response.delete_cookie(COOKIE, path=request.scope.get("root_path", "") or "/")

    def form_mark(self, request: Request) -> str:
        """The hidden field of every form that is shown in a session; '' for nobody."""
        whose = self._whose(request)
        return self._sessions.signed("form", whose) if whose else ""

    def is_own_form(self, request: Request, mark: str) -> bool:
        """Whether a form was sent by a page that this server has shown in the same session."""
        whose = self._whose(request)
        right = bool(whose) and self._sessions.is_signed("form", whose, mark)
        return right and is_same_origin(request)

    def _whose(self, request: Request) -> str:
        """What the marks of forms are bound to: the login, or the name that the proxy gives."""
        if self._header:
            name = self.reviewer(request)
            return name and f"name {name}"
        session = self._session(request)
        return f"session {session.session_id}" if session else ""

    def _session(self, request: Request) -> Session | None:
        if self._header:
            return None
        return self._sessions.read(request.cookies.get(COOKIE, ""))

    def _set(self, response: Response, request: Request, session: Session) -> None:
        response.set_cookie(
            COOKIE,
            self._sessions.cookie(session),
            max_age=SESSION_S,
            httponly=True,
            samesite="strict",
            secure=is_secure(request),
            path=request.scope.get("root_path", "") or "/",
        )


def clean_name(text: str) -> str:
    """A reviewer's name without what cannot be seen; '' for one that is too long.

    >>> clean_name("  Hanako" + chr(0x202E))
    'Hanako'
    """
    seen = "".join(one for one in text if not unicodedata.category(one).startswith("C")).strip()
    return seen if len(seen) <= LONGEST_NAME else ""


def _utf8(text: str) -> str:
    """A header in UTF-8, which Starlette reads as Latin-1; one that is no UTF-8 stays as it is."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def is_same_origin(request: Request) -> bool:
    """Whether a browser says that the request comes from a page of this server.

    Older browsers say nothing of it; the cookie of another site's request is not sent by them.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin", "")
    if not origin:
        return True
    # no page of another site can set the second one
    own = {request.headers.get("host", ""), request.headers.get("x-forwarded-host", "")}
    return urlsplit(origin).netloc in own - {""}


def is_secure(request: Request) -> bool:
    """Whether the browser speaks HTTPS, with this server or with a proxy before it."""
    forwarded = request.headers.get("x-forwarded-proto", "")
    return "https" in (request.url.scheme, forwarded.split(",")[0].strip())
