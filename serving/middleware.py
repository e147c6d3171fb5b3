"""What all answers have in common: a request id, a log line, counters, and errors as sentences."""

import errno
import hmac
import logging
import re
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send

from serving.content_type import JSON
from serving.errors import NO_ROOM, RequestError
from serving.json_steps import to_json
from serving.logs import RequestLog, write_line
from serving.metrics import Metrics

UNMATCHED: Final = "unmatched"
"""Path in logs and metrics of a request that matches no route."""
_SCOPE_KEY: Final = "linkage_rl.request_log"
"""Key of the ASGI scope under which the middleware hands the `RequestLog` on."""
_REQUEST_ID: Final = re.compile(r"[\w.\-]{1,64}", re.ASCII)
_QUIET: Final = ("/ping", "/metrics")
"""Paths whose successful requests are not logged, since they come every few seconds."""
_OPEN: Final = "/ping"
"""The one path that needs no token: platforms cannot send one with their health checks."""
_NO_TOKEN: Final = (
    "expected the header 'Authorization: Bearer TOKEN' with this server's token, got none or "
    "another; ask its operator for the token"
)
_INTERNAL_ERROR: Final = "an internal error occurred; it is logged under this request id"

_log = logging.getLogger("serving")


class RequestLogMiddleware:
    """Gives every answer an id, counts it, and writes its log line, whoever has made the answer.

    It surrounds the routes as well as the exception handlers, so that a 404 or 405 of the router
    is treated as any other answer. An exception that no handler knows becomes a 500 here.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, embed_metrics: bool) -> None:
        """Wrap an application.

        Args:
            app: The application.
            metrics: Where requests are counted.
            embed_metrics: Whether log lines are also CloudWatch metrics.
        """
        self._app = app
        self._metrics = metrics
        self._embed_metrics = embed_metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as an ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        log = scope[_SCOPE_KEY] = RequestLog(request_id_of(Headers(scope=scope)), scope["method"])

        held: list[Message] = []

        async def send_logged(message: Message) -> None:
            # the head waits for the body, so that both leave together: a worker that is killed
            # between the two would leave half an answer, which nginx cannot ask again
            if message["type"] == "http.response.start":
                log.status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = log.request_id
                held.append(message)
                return
            log.bytes_out += len(message.get("body", b""))
            if not message.get("more_body", False):
                log.path = _path_of(scope)
                finish_request(log, self._metrics, self._embed_metrics)
            while held:
                await send(held.pop())
            await send(message)

        try:
            await self._app(scope, receive, send_logged)
        except Exception as error:
            _log.exception("request %s failed", log.request_id)
            if log.status and not held:
                # the answer has begun and cannot be replaced
                raise
            held.clear()
            log.reason = type(error).__name__
            response = error_response(_INTERNAL_ERROR, 500, log.request_id)
            await response(scope, receive, send_logged)


class TokenMiddleware:
    """Asks for a bearer token (RFC 6750) for everything but `/ping`, if there is one."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        """Wrap an application.

        Args:
            app: The application.
            token: What callers must send; '' lets everybody pass.
        """
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as an ASGI application."""
        needed = self._token and scope["type"] == "http" and scope["path"] != _OPEN
        if not needed or self._has_token(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        log = request_log(Request(scope))
        log.reason = HTTPStatus.UNAUTHORIZED.name
        response = error_response(_NO_TOKEN, HTTPStatus.UNAUTHORIZED, log.request_id)
        response.headers["www-authenticate"] = "Bearer"
        await response(scope, receive, send)

    def _has_token(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        # in constant time, so that its duration says nothing about the token
        right = hmac.compare_digest(given.strip().encode("latin-1"), self._token)
        return right and scheme.lower() == "bearer"


def finish_request(log: RequestLog, metrics: Metrics, embed_metrics: bool) -> None:
    """Count an answered request and write its log line."""
    metrics.requests.labels(log.path, str(log.status)).inc()
    metrics.latency.labels(log.path).observe(log.seconds())
    if log.status >= 400 or log.path not in _QUIET:
        write_line(log.text(embed_metrics))


def request_log(request: Request) -> RequestLog:
    """What will be logged of this request."""
    log: RequestLog = request.scope[_SCOPE_KEY]
    return log


def error_response(sentence: str, status: int, request_id: str) -> Response:
    """An error as JSON."""
    # boto3 shows the text under `message`; without it, nothing but the status
    body = to_json({"error": sentence, "message": sentence, "request_id": request_id})
    return Response(body, status_code=status, headers={"content-type": JSON})


async def handle_request_error(request: Request, error: Exception) -> Response:
    """A `RequestError` as the status and the sentence that it carries."""
    if not isinstance(error, RequestError):
        raise TypeError(f"expected a RequestError, got {type(error).__name__}")
    log = request_log(request)
    log.reason = type(error).__name__
    response = error_response(str(error), error.status, log.request_id)
    if error.retry_after_s is not None:
        response.headers["retry-after"] = str(error.retry_after_s)
    return response


async def handle_http_exception(request: Request, error: Exception) -> Response:
    """What the router refuses: unknown paths (404) and methods (405)."""
    if not isinstance(error, HTTPException):
        raise TypeError(f"expected an HTTPException, got {type(error).__name__}")
    log = request_log(request)
    # not `request.url`, which holds the socket's name where the Host header is no host
    path = request.scope["path"][:80]
    log.reason = HTTPStatus(error.status_code).name
    headers = dict(error.headers or {})
    sentence = str(error.detail)
    if error.status_code == HTTPStatus.NOT_FOUND:
        sentence = f"expected a path that /openapi.json lists, got {path!r}"
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = sorted(headers.get("Allow", "").split(", "))
        headers["Allow"] = ", ".join(allowed)
        sentence = f"expected {' or '.join(allowed)} for {path}, got {request.method[:20]}"
    response = error_response(sentence, error.status_code, log.request_id)
    response.headers.update(headers)
    return response


async def handle_os_error(request: Request, error: Exception) -> Response:
    """A full or read-only disk, or no descriptors left: nothing that the request could change."""
    if not isinstance(error, OSError):
        raise TypeError(f"expected an OSError, got {type(error).__name__}")
    if error.errno not in NO_ROOM:
        raise error
    log = request_log(request)
    log.reason = errno.errorcode[error.errno]
    sentence = (
        f"expected to write to the run folder, got: {error.strerror}; free disk space, or "
        "descriptors by unloading models, then try again"
    )
    return error_response(sentence, HTTPStatus.INSUFFICIENT_STORAGE, log.request_id)


async def handle_disconnect(request: Request, error: Exception) -> Response:
    """The client has gone before its body had arrived; only the log sees this answer."""
    log = request_log(request)
    log.reason = type(error).__name__
    return error_response("the client disconnected", 400, log.request_id)


EXCEPTION_HANDLERS: Final[Mapping[type[Exception], ExceptionHandler]] = {
    RequestError: handle_request_error,
    HTTPException: handle_http_exception,
    OSError: handle_os_error,
    ClientDisconnect: handle_disconnect,
}


def _path_of(scope: Scope) -> str:
    # the router sets `route`, also where only the method did not match
    return str(getattr(scope.get("route"), "path", UNMATCHED))


def request_id_of(headers: Mapping[str, str]) -> str:
    """The id that a caller or a platform has sent, by lower-case header, else a new one."""
    for name in ("x-amzn-requestid", "x-request-id"):
        given = headers.get(name, "")
        if _REQUEST_ID.fullmatch(given):
            return given
    return uuid.uuid4().hex
