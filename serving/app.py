"""The routes of SageMaker's hosting contract, of the multi-model one, and a few of our own."""

import asyncio
import contextlib
import gc
import logging
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import unquote_plus

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from serving.codec import JSON, parse_json, to_json
from serving.errors import (
    ModelLoadedError,
    RequestError,
    TooManyClientsError,
    UnavailableError,
)
from serving.live_index import LiveIndex
from serving.logs import RequestLine
from serving.metrics import Meters
from serving.models import Entry, ModelLibrary, memory_of
from serving.openapi import document
from serving.readback import LiveTable
from serving.scheduler import Lanes
from serving.service import Question, Service
from serving.settings import Settings

_REQUEST_ID: Final = re.compile(r"[\w.\-]{1,64}", re.ASCII)
_QUIET: Final = ("/ping", "/metrics")
"""Paths whose good answers are not logged: they come every few seconds."""
_TIDY_S: Final = 5.0
_FAULT: Final = "the server met a fault of its own, which is logged under this request's id"

_log = logging.getLogger("serving")

Handler = Callable[[Request, RequestLine], Awaitable[Response]]


def create_app(settings: Settings) -> Starlette:
    """The application of one worker; the model is loaded before it takes its first request."""
    return Server(settings).app


class Server:
    """Turns HTTP into calls of a `Service`, and whatever goes wrong into one sentence."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._service: Service | None = None
        self.app = Starlette(
            routes=[
                Route("/ping", self._logged(self._ping), methods=["GET"]),
                Route("/invocations", self._logged(self._invocations), methods=["POST"]),
                Route("/execution-parameters", self._logged(self._parameters), methods=["GET"]),
                self._route("/models", GET=self._models, POST=self._load),
                self._route("/models/{name}", GET=self._describe, DELETE=self._unload),
                Route("/models/{name}/invoke", self._logged(self._invoke), methods=["POST"]),
                Route("/metrics", self._logged(self._metrics), methods=["GET"]),
                Route("/openapi.json", self._logged(self._openapi), methods=["GET"]),
            ],
            exception_handlers={HTTPException: _refused},
            lifespan=self._lifespan,
        )

    @property
    def service(self) -> Service:
        """What answers; there while the application runs."""
        if self._service is None:
            raise UnavailableError("the server is starting; try again in a moment")
        return self._service

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        settings = self._settings
        lanes = Lanes(settings.max_waiting, in_loop=not settings.database)
        live_index = live_table = None
        if settings.database:
            live_index = LiveIndex(settings.index_folder, settings.run_folder)
            live_index.look()
            live_index.watch()
            live_table = LiveTable(settings)
        library = ModelLibrary(
            settings.run_folder / "models",
            settings.model_memory_mb,
            lambda: live_index.current if live_index else None,
        )
        self._service = Service(settings, library, lanes, Meters(), live_index, live_table)
        if not settings.multi_model:
            with contextlib.suppress(UnavailableError):
                library.begin_with(settings.model_name, str(settings.model_folder))
        # what is loaded now stays, so that collecting garbage need not look at it again
        gc.collect()
        gc.freeze()
        lanes.start()
        tidying = asyncio.create_task(self._tidy())
        yield
        tidying.cancel()
        await lanes.close()
        if live_index is not None and live_table is not None:
            live_index.close()
            live_table.close()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_S)
            self.service.library.drop_unloaded()

    async def _ping(self, request: Request, line: RequestLine) -> Response:
        settings, service = self._settings, self.service
        if settings.multi_model or service.library.held(settings.model_name) is not None:
            return Response()
        if await service.lanes.run(lambda: service.is_ready(settings.model_name)):
            return Response()
        raise UnavailableError("the model is not ready yet; try again in a moment")

    async def _invocations(self, request: Request, line: RequestLine) -> Response:
        target = request.headers.get("x-amzn-sagemaker-target-model", "")
        return await self._answer(request, target or self._settings.model_name, line)

    async def _invoke(self, request: Request, line: RequestLine) -> Response:
        return await self._answer(request, request.path_params["name"], line)

    async def _answer(self, request: Request, model: str, line: RequestLine) -> Response:
        question = Question(
            await self._body(request, line),
            request.headers.get("content-type", ""),
            request.headers.get("accept", ""),
            _mode(request),
        )
        payload, media = await self.service.answer(question, model, line)
        return Response(payload, headers={"content-type": media})

    async def _parameters(self, request: Request, line: RequestLine) -> Response:
        return _json(
            {
                "MaxConcurrentTransforms": 2,
                "BatchStrategy": "MULTI_RECORD",
                "MaxPayloadInMB": self._settings.max_payload_mb,
            }
        )

    async def _models(self, request: Request, line: RequestLine) -> Response:
        entries = sorted(self.service.library.entries(), key=lambda entry: entry.name)
        return _json({"models": [_described(entry) for entry in entries]})

    async def _load(self, request: Request, line: RequestLine) -> Response:
        asked = parse_json((await self._body(request, line)).decode("utf-8", "replace"))
        if not isinstance(asked, dict) or not all(
            isinstance(asked.get(key), str) for key in ("model_name", "url")
        ):
            raise RequestError('expected {"model_name": NAME, "url": FOLDER}, got another value')
        service = self.service
        name, url = asked["model_name"], asked["url"]
        model = await service.lanes.run(lambda: service.library.load(name, url))
        return _json({"modelName": name, "modelUrl": url, "version": model.version})

    async def _describe(self, request: Request, line: RequestLine) -> Response:
        return _json(_described(self.service.library.find(request.path_params["name"])))

    async def _unload(self, request: Request, line: RequestLine) -> Response:
        name = request.path_params["name"]
        if name == self._settings.model_name and not self._settings.multi_model:
            # without it `/ping` would fail for good, and the platform replace the server
            raise ModelLoadedError(f"model {name!r} is what this server is for; it stays loaded")
        await self.service.lanes.run(lambda: self.service.library.unload(name))
        return _json({"modelName": name})

    async def _metrics(self, request: Request, line: RequestLine) -> Response:
        self.service.gauge()
        text = self.service.meters.text()
        return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})

    async def _openapi(self, request: Request, line: RequestLine) -> Response:
        return _json(document(self._settings))

    async def _body(self, request: Request, line: RequestLine) -> bytes:
        """The whole body; nginx has refused those that are too long, this is for without it."""
        most = self._settings.max_payload_mb << 20
        parts: list[bytes] = []
        async for part in request.stream():
            line.bytes_in += len(part)
            if line.bytes_in > most:
                raise TooManyClientsError(
                    f"expected a body of at most {most} bytes, got more; split the list"
                )
            parts.append(part)
        return b"".join(parts)

    def _route(self, path: str, **handlers: Handler) -> Route:
        """One route for all methods, so that a 405 names each of them in its Allow header."""
        logged = {method: self._logged(handler) for method, handler in handlers.items()}

        async def answer(request: Request) -> Response:
            return await logged["GET" if request.method == "HEAD" else request.method](request)

        return Route(path, answer, methods=[*logged])

    def _logged(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """The handler with an id, a log line, counters, and errors turned into sentences."""

        async def handle(request: Request) -> Response:
            route = request.scope["path"]
            if name := request.path_params.get("name"):
                route = route.replace(name, "{name}", 1)
            line = RequestLine(_request_id(request), request.method, route)
            try:
                response = await handler(request, line)
            except RequestError as error:
                line.reason = type(error).__name__
                response = _error(str(error), error.status, line.request_id)
                if error.retry_after_s is not None:
                    response.headers["retry-after"] = str(error.retry_after_s)
            except ClientDisconnect:
                line.reason = "ClientDisconnect"
                response = _error("the client went away", 400, line.request_id)
            except Exception as error:
                # left to the framework it would be bare text, without an id, and not counted
                _log.exception("request %s failed", line.request_id)
                line.reason = type(error).__name__
                response = _error(_FAULT, 500, line.request_id)
            response.headers["x-request-id"] = line.request_id
            self._close(line, response)
            return response

        return handle

    def _close(self, line: RequestLine, response: Response) -> None:
        line.status, line.bytes_out = response.status_code, len(response.body)
        if self._service is not None:
            meters = self._service.meters
            meters.requests.labels(line.path, str(line.status)).inc()
            meters.latency.labels(line.path).observe(line.seconds())
        if line.status >= 400 or line.path not in _QUIET:
            print(line.text(self._settings.embed_metrics), flush=True)  # noqa: T201 - the log


async def _refused(request: Request, error: Exception) -> Response:
    """Unknown paths and methods."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    response = _error(
        f"{request.method} {request.url.path[:80]} is not served; see /openapi.json",
        status,
        _request_id(request),
    )
    response.headers.update(headers)
    return response


def _mode(request: Request) -> str:
    """What CSV and JSON Lines ask for: `?mode=`, or custom attributes `mode=`."""
    if mode := request.query_params.get("mode", ""):
        return mode
    attributes = request.headers.get("x-amzn-sagemaker-custom-attributes", "")
    for part in attributes.split(","):
        key, _, value = part.partition("=")
        if key.strip() == "mode":
            return unquote_plus(value.strip())
    return "bulk_linkage"


def _request_id(request: Request) -> str:
    for name in ("x-amzn-requestid", "x-request-id"):
        given = request.headers.get(name, "")
        if _REQUEST_ID.fullmatch(given):
            return given
    return uuid.uuid4().hex


def _described(entry: Entry) -> dict[str, Any]:
    known = asdict(entry)
    return {"modelName": known["name"], "modelUrl": known["url"], "bytes": memory_of([entry])}


def _json(value: object) -> Response:
    return Response(to_json(value), headers={"content-type": JSON})


def _error(message: str, status: int, request_id: str) -> Response:
    # boto3 shows what it finds as `message`, and else says no more than the status
    body = to_json({"error": message, "message": message, "request_id": request_id})
    return Response(body, status_code=status, headers={"content-type": JSON})
