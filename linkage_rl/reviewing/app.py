"""The review page as an application of Starlette; whoever serves it runs it with uvicorn."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from typing import Final
from urllib.parse import parse_qsl, quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from linkage_rl.decision_log.privacy import storable
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError, DatabaseError, LinkageError, SchemaError
from linkage_rl.reviewing.access import Access, SecurityHeaders, is_same_origin, is_secure
from linkage_rl.reviewing.companies import open_companies
from linkage_rl.reviewing.finished_list import open_finished_list
from linkage_rl.reviewing.pages import Pages
from linkage_rl.reviewing.rendering import STATIC
from linkage_rl.reviewing.settings import ReviewSettings
from linkage_rl.reviewing.visits import CHOICES, COOKIES, Visit, choice_of
from linkage_rl.reviewing.words import Words, language_of

MAX_FORM: Final = 64 << 10
"""Bytes of a form."""
MAX_VERDICTS: Final = 8 << 20
"""Bytes of a request of a program."""
_YEAR_S: Final = 365 * 86_400
_FOREVER: Final = f"public, max-age={_YEAR_S}, immutable"

_WAIT_S: Final = 0.5
_FOREIGN: Final = (
    "expected a form of this page, got one that was sent by another site, or before you logged in "
    "again; load the page and answer again"
)
_BROKEN: Final = "the page has a fault, which the log of its server shows; load it again"
_NO_TOKEN: Final = "expected the header 'Authorization: Bearer TOKEN', got none or another token"

Handler = Callable[[Visit], Response]

_log = logging.getLogger(__name__)


def create_app(settings: ReviewSettings) -> Starlette:
    """The application, with log, companies and finished list opened.

    Raises:
        LinkageError: One of them cannot be opened.
    """
    resources = ExitStack()
    with ExitStack() as opening:
        log = opening.enter_context(DecisionLog.open(settings.log)) if settings.log else None
        companies = opening.enter_context(open_companies(settings))
        linked = (
            opening.enter_context(open_finished_list(settings.linked, settings.columns))
            if settings.linked
            else None
        )
        resources = opening.pop_all()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with resources:
            yield

    access = Access(settings)
    return _Server(access, Pages(access, log, companies, linked)).app(lifespan)


class _Server:
    """Translates HTTP into calls of `Pages`."""

    def __init__(self, access: Access, pages: Pages) -> None:
        self._access, self._pages = access, pages

    def app(self, lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]]) -> Starlette:
        """The application with its routes."""
        pages = self._pages
        return _Application(
            routes=[
                Route("/", self._shown(pages.queues)),
                Route("/queues", self._sent(pages.make), methods=["POST"]),
                Route("/queues/{queue}", self._shown(pages.question)),
                Route("/queues/{queue}/answer", self._sent(pages.answer), methods=["POST"]),
                Route("/queues/{queue}/undo", self._sent(pages.undo), methods=["POST"]),
                Route("/decisions", self._shown(pages.decisions)),
                Route("/decisions/{decision}", self._shown(pages.decision)),
                Route("/decisions/{decision}/answer", self._sent(pages.judge), methods=["POST"]),
                Route("/decisions/{decision}/undo", self._sent(pages.withdraw), methods=["POST"]),
                Route("/list", self._shown(pages.finished)),
                Route("/list/{decision}", self._shown(pages.finished_row)),
                Route("/verdicts", self._verdicts, methods=["POST"]),
                Route("/login", self._login_form, methods=["GET"]),
                Route("/login", self._log_in, methods=["POST"]),
                Route("/logout", self._sent(pages.log_out), methods=["POST"]),
                Route("/ping", self._ping),
                Mount("/static", _Static(directory=STATIC)),
            ],
            exception_handlers={
                LinkageError: self._fault,
                HTTPException: self._fault,
                Exception: self._fault,
            },
            lifespan=lifespan,
        )

    def _shown(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """A page that only a reviewer sees."""

        async def endpoint(request: Request) -> Response:
            if "prefetch" in request.headers.get("sec-purpose", ""):
                # nobody looks yet, and looking at a queue takes a question
                return Response(status_code=503)
            reviewer = self._access.reviewer(request)
            if not reviewer:
                return self._to_login(request)
            visit = Visit(request, _words(request), reviewer)
            response = _with_choices(request, await run_in_threadpool(handler, visit))
            self._access.renew(response, request)
            return response

        return endpoint

    def _sent(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """What happens to a form that a reviewer has sent."""

        async def endpoint(request: Request) -> Response:
            reviewer = self._access.reviewer(request)
            if not reviewer:
                return self._to_login(request)
            form = await _form(request)
            if not self._access.is_own_form(request, form.get("mark", "")):
                raise HTTPException(403, _FOREIGN)
            visit = Visit(request, _words(request), reviewer, form)
            response = await run_in_threadpool(handler, visit)
            self._access.renew(response, request)
            return response

        return endpoint

    async def _login_form(self, request: Request) -> Response:
        visit = Visit(request, _words(request))
        return _with_choices(request, await run_in_threadpool(self._pages.login, visit))

    async def _log_in(self, request: Request) -> Response:
        if not is_same_origin(request):
            raise HTTPException(403, _FOREIGN)
        visit = Visit(request, _words(request), form=await _form(request))
        response = await run_in_threadpool(self._pages.log_in, visit)
        if response.status_code == 403:
            # whoever tries many tokens waits for each
            await asyncio.sleep(_WAIT_S)
        return response

    async def _verdicts(self, request: Request) -> Response:
        """Verdicts of a program that has the token, or that the proxy names."""
        reviewer = self._access.reviewer(request)
        by_person = reviewer and not self._access.by_token and is_same_origin(request)
        has_token = self._access.has_token(request.headers)
        if not by_person and not has_token:
            return JSONResponse({"error": _NO_TOKEN}, 401, {"www-authenticate": "Bearer"})
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            # a form of another site cannot send this type
            return JSONResponse({"error": "expected Content-Type: application/json"}, 415)
        content = await _body(request, MAX_VERDICTS)
        take = self._pages.take_verdicts
        return await run_in_threadpool(take, content, reviewer or "api", has_token)

    async def _ping(self, request: Request) -> Response:
        return Response()

    async def _fault(self, request: Request, error: Exception) -> Response:
        """A fault as a sentence: JSON for programs, a page for people."""
        status, sentence = _said(error)
        if status >= 500:
            _log.error("%s %s: %s", request.method, request.url.path, sentence)
        if request.url.path.endswith("/verdicts"):
            return JSONResponse({"error": sentence}, status)
        words, reviewer = _words(request), self._access.reviewer(request)
        visit = Visit(request, words, reviewer)
        return await run_in_threadpool(self._pages.problem, visit, sentence, status)

    def _to_login(self, request: Request) -> Response:
        if not self._access.by_token:
            raise HTTPException(401, "the proxy before this page has not named you; log in there")
        root = request.scope.get("root_path", "")
        path = request.url.path.removeprefix(root)
        if request.method != "GET":
            # where the form was shown
            shown, _, action = path.rpartition("/")
            path = shown if action in ("answer", "undo") else "/"
        elif request.url.query:
            path = f"{path}?{request.url.query}"
        return RedirectResponse(f"{root}/login?next={quote(path)}", status_code=303)


class _Application(Starlette):
    """Starlette, whose own answers to errors have the security headers too."""

    def build_middleware_stack(self) -> ASGIApp:
        """The application with everything around it."""
        return SecurityHeaders(super().build_middleware_stack())


class _Static(StaticFiles):
    """Files that never change under one address, which holds a digest of them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = _FOREVER
        return response


def _said(error: Exception) -> tuple[int, str]:
    """Status and sentence of a fault."""
    if isinstance(error, HTTPException):
        return error.status_code, error.detail
    if isinstance(error, (SchemaError, ConfigError)):
        return 400, str(error)
    if isinstance(error, LinkageError):
        return (503 if isinstance(error, DatabaseError) else 500), str(error)
    # what it says is for whoever reads the log of the server, where it is raised again
    return 500, _BROKEN


def _words(request: Request) -> Words:
    accepted = request.headers.get("accept-language", "")
    return Words(language_of(choice_of(request, "lang"), accepted))


def _with_choices(request: Request, response: Response) -> Response:
    """Remember what the address chooses: the language, and whether keys press buttons."""
    for name, cookie in COOKIES.items():
        chosen = request.query_params.get(name, "")
        if chosen in CHOICES[name]:
            response.set_cookie(
                cookie,
                chosen,
                max_age=_YEAR_S,
                httponly=True,
                samesite="lax",
                secure=is_secure(request),
            )
    return response


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form that is not multipart, each once."""
    content = await _body(request, MAX_FORM)
    try:
        pairs = parse_qsl(
            content.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=50
        )
    except ValueError:
        raise HTTPException(400, "expected a form of this page, got one of many fields") from None
    # no database holds NUL in a text
    return {name: storable(text) for name, text in pairs}


async def _body(request: Request, most: int) -> bytes:
    """The body of a request.

    Raises:
        HTTPException: It has more than this many bytes.
    """
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise HTTPException(413, f"expected at most {most:,} bytes, got more; send less")
        parts.append(part)
    return b"".join(parts)
