"""The HTTP application: SageMaker's hosting contract, its multi-model contract, and a few more."""

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST

from linkage_rl.decision_log.attributes import custom_attributes
from serving.attributes import HEADER, origin_of
from serving.batch_transform import execution_parameters
from serving.bearer_token import check_token
from serving.errors import ModelLoadedError, RequestError, UnavailableError
from serving.free_memory import free_memory
from serving.http_request import Receive, Request, Scope, Send, headers_of
from serving.json_body import parse_json
from serving.linking import Work
from serving.live_index import LiveIndex
from serving.live_table import LiveTable, column_mapping
from serving.log_place import open_log, place_of
from serving.log_sink import LogSink, RemoteSink
from serving.log_writer import DecisionWriter
from serving.logs import RequestLog
from serving.metrics import Metrics
from serving.model import Model
from serving.model_entry import ModelEntry, memory_of
from serving.models import ModelLibrary
from serving.openapi import document
from serving.replies import (
    UNMATCHED,
    Reply,
    finish_request,
    json_reply,
    reply_to_error,
    request_id_of,
)
from serving.routes import Route, Routes
from serving.scheduler import Scheduler
from serving.service import LONG_BODY, RawRequest, Service
from serving.settings import WorkerSettings
from serving.stopping import seconds_to_stop
from serving.tally import Tally

_TIDY_S: Final = 5.0
"""Pause between two searches for models that were unloaded through another worker."""

_log = logging.getLogger("serving")


def create_app(settings: WorkerSettings) -> "Server":
    """The application of one worker, with its model loaded.

    Raises:
        RequestError: The bundle cannot be loaded.
        SettingError: `LINKAGE_TABLE_MAPPING` names no column of the schema, or `LINKAGE_LOG_URL`
            no database.
    """
    return Server(settings)


class Server:
    """Translates HTTP into calls of a `Service`."""

    def __init__(self, settings: WorkerSettings) -> None:
        column_mapping(settings)
        self._settings = settings
        self._metrics = Metrics(settings.process)
        self._tally = Tally(self._metrics)
        self._live_index = _open_live_index(settings)
        self._library = _open_library(settings, self._live_index)
        self._writer = _open_writer(settings, self._metrics)
        self._service: Service | None = None
        self._token = settings.token.encode()
        self._routes = Routes(
            Route("/ping", {"GET": self._ping}),
            Route("/invocations", {"POST": self._invocations}),
            Route("/execution-parameters", {"GET": self._execution_parameters}),
            Route("/models", {"GET": self._list_models, "POST": self._load_model}),
            Route("/models/{name}", {"GET": self._describe_model, "DELETE": self._unload_model}),
            Route("/models/{name}/invoke", {"POST": self._invoke_model}),
            Route("/metrics", {"GET": self._prometheus}),
            Route("/openapi.json", {"GET": self._openapi}),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live as long as the server, as an ASGI application."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        headers = headers_of(scope)
        log = RequestLog(request_id_of(headers), scope["method"], UNMATCHED)
        request = Request(scope, receive, headers, log)
        try:
            check_token(request, self._token)
            reply = await self._routes.answer(request)
            head = reply.raw_headers(log.request_id)
        except Exception as error:
            reply = reply_to_error(error, log)
            head = reply.raw_headers(log.request_id)
        log.status, log.bytes_out = reply.status, len(reply.body)
        self.finish(log)
        await send({"type": "http.response.start", "status": reply.status, "headers": head})
        await send({"type": "http.response.body", "body": reply.body})

    def finish(self, log: RequestLog) -> None:
        """Count an answered request and write its log line."""
        self._tally.add(log)
        finish_request(log, self._metrics, self._settings.embed_metrics)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        stage = "startup"
        try:
            async with self.lifespan():
                await send({"type": "lifespan.startup.complete"})
                stage = "shutdown"
                await receive()
        except Exception:
            _log.exception("the server failed at its %s", stage)
            await send({"type": f"lifespan.{stage}.failed", "message": f"{stage} failed"})
        else:
            await send({"type": "lifespan.shutdown.complete"})

    @property
    def service(self) -> Service:
        """Answers requests; exists while the application runs."""
        if self._service is None:
            raise UnavailableError("the server is starting; try again in a moment")
        return self._service

    @contextlib.asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Start what works beside the requests, and end it."""
        settings, live_index = self._settings, self._live_index
        scheduler = Scheduler(settings.max_waiting)
        live_table = LiveTable(settings) if settings.database else None
        self._service = Service(
            settings, self._library, scheduler, self._metrics, live_index, live_table, self._writer
        )
        # what is loaded now lives on, so the garbage collector need not visit it again
        gc.collect()
        gc.freeze()
        if live_index is not None:
            live_index.start()
        if self._writer is not None:
            self._writer.start()
        tidying = asyncio.create_task(self._tidy())
        yield
        tidying.cancel()
        scheduler.close()
        if live_index is not None:
            live_index.close()
        if live_table is not None:
            live_table.close()
        if self._writer is not None:
            # last, when nothing is decided any more
            await asyncio.to_thread(self._writer.close, seconds_to_stop(settings.run_folder))

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_S)
            self.service.jobs.forget()
            try:
                if self.service.scheduler.take_lists_done():
                    await asyncio.to_thread(free_memory)
                # in no thread of the requests, however many of them are waiting
                await asyncio.to_thread(self._library.drop_unloaded)
            except Exception:
                _log.exception("unloaded models are still in memory; trying again")

    async def _ping(self, request: Request) -> Reply:
        settings, service = self._settings, self.service
        if settings.multi_model or service.library.in_memory(settings.model_name) is not None:
            return Reply()
        if await service.scheduler.run_load(lambda: service.is_ready(settings.model_name)):
            return Reply()
        raise UnavailableError("the model is not ready yet; try again in a moment")

    async def _invocations(self, request: Request) -> Reply:
        target = request.headers.get("x-amzn-sagemaker-target-model", "")
        return await self._link(request, target or self._settings.model_name)

    async def _invoke_model(self, request: Request) -> Reply:
        return await self._link(request, request.route_name)

    async def _link(self, request: Request, model_name: str) -> Reply:
        limit_s, work = self._settings.give_up_s, Work()
        try:
            async with asyncio.timeout(limit_s):
                raw = await self._raw_request(request)
                answer = self.service.respond(raw, model_name, request.log, work)
                # a few packed bytes may be a long list
                if len(raw.body) <= LONG_BODY and not raw.coding:
                    payload, media = await answer
                else:
                    payload, media = await request.unless_disconnected(answer)
        except TimeoutError:
            raise UnavailableError(
                f"expected an answer within {limit_s:g} s, got none yet; send fewer clients per "
                "request, or raise LINKAGE_TIMEOUT_S if the caller waits for longer"
            ) from None
        finally:
            # whatever is still going on in a thread stops at its next chunk
            work.give_up()
        return Reply(200, payload, media)

    async def _raw_request(self, request: Request) -> RawRequest:
        headers = request.headers
        given = headers.get(HEADER)
        attributes = custom_attributes(given) if given else {}
        return RawRequest(
            await request.body(self._settings.max_payload_mb << 20),
            headers.get("content-type", ""),
            headers.get("accept", ""),
            request.parameter("mode") or attributes.get("mode", "bulk_linkage"),
            headers.get("content-encoding", ""),
            origin_of(attributes, "list"),
        )

    async def _execution_parameters(self, request: Request) -> Reply:
        return json_reply(execution_parameters(self._settings))

    async def _list_models(self, request: Request) -> Reply:
        entries = await self.service.scheduler.run_load(self.service.library.entries)
        ordered = sorted(entries, key=lambda entry: entry.name)
        return json_reply({"models": [_description(entry) for entry in ordered]})

    async def _load_model(self, request: Request) -> Reply:
        body = await request.body(self._settings.max_payload_mb << 20)
        text = body.decode("utf-8", "replace")
        content = await self.service.scheduler.run_load(lambda: parse_json(text))
        if not isinstance(content, dict) or not all(
            isinstance(content.get(key), str) for key in ("model_name", "url")
        ):
            raise RequestError('expected {"model_name": NAME, "url": FOLDER}, got another value')
        name, url = content["model_name"], self._below_root(content["url"])
        model = await self._load(name, url)
        return json_reply({"modelName": name, "modelUrl": url, "version": model.version})

    async def _load(self, name: str, url: str) -> Model:
        service, limit_s, work = self.service, self._settings.give_up_load_s, Work()
        try:
            async with asyncio.timeout(limit_s):
                return await service.scheduler.run_load(
                    lambda: service.library.load(name, url, work.check)
                )
        except TimeoutError:
            raise UnavailableError(
                f"expected model {name[:80]!r} to be loaded within {limit_s:g} s, but others are "
                "being loaded; try again"
            ) from None
        finally:
            # a load that is still waiting for its turn loads nothing then
            work.give_up()

    def _below_root(self, url: str) -> str:
        """The folder that a caller names, if it may be loaded; relative ones start at the root.

        Raises:
            RequestError: It is not below `LINKAGE_MODEL_ROOT`.
        """
        root = self._settings.model_root
        try:
            is_below = (root / url).resolve().is_relative_to(root.resolve())
        except (OSError, RuntimeError, ValueError):
            # a circle of links, or a NUL character
            is_below = False
        if not is_below:
            raise RequestError(
                f"expected a folder below {root}, got {url[:200]!r}; move the bundle there, or "
                "start the server with another LINKAGE_MODEL_ROOT"
            )
        return str(root / url)

    async def _describe_model(self, request: Request) -> Reply:
        return json_reply(_description(self.service.library.find(request.route_name)))

    async def _unload_model(self, request: Request) -> Reply:
        name, service = request.route_name, self.service
        if name == self._settings.model_name and not self._settings.multi_model:
            # without it `/ping` would fail from now on, and the platform replace the server
            raise ModelLoadedError(f"model {name!r} is this server's own and stays loaded")
        await service.scheduler.run_load(lambda: service.library.unload(name))
        return json_reply({"modelName": name})

    async def _prometheus(self, request: Request) -> Reply:
        self.service.update_gauges()
        self._tally.count()
        text = await asyncio.to_thread(self._metrics.text)
        return Reply(200, text, CONTENT_TYPE_LATEST)

    async def _openapi(self, request: Request) -> Reply:
        return json_reply(document(self._settings))


def _open_live_index(settings: WorkerSettings) -> LiveIndex | None:
    if not settings.database:
        return None
    live_index = LiveIndex(settings.index_folder, settings.run_folder)
    live_index.reload_if_changed()
    return live_index


def _open_library(settings: WorkerSettings, live_index: LiveIndex | None) -> ModelLibrary:
    """The models, of which the default one is loaded unless the server starts without a model."""
    library = ModelLibrary(
        settings.run_folder / "models",
        settings.model_memory_mb,
        lambda: live_index.current if live_index else None,
        settings.load_timeout_s,
    )
    if not settings.multi_model:
        # a bundle without an index waits for that of the database
        with contextlib.suppress(UnavailableError):
            library.load_default(settings.model_name, str(settings.model_folder))
    return library


def _open_writer(settings: WorkerSettings, metrics: Metrics) -> DecisionWriter | None:
    """What logs decisions; the log itself is opened in its thread."""
    log = settings.log
    if not log:
        return None
    place_of(log)
    # without a supervisor there is no process of the log
    own = not settings.process
    sink = LogSink(lambda: open_log(log)) if own else RemoteSink(settings.run_folder)
    return DecisionWriter(sink, metrics.log, log.waiting, log.evidence)


def _description(entry: ModelEntry) -> dict[str, Any]:
    return {"modelName": entry.name, "modelUrl": entry.url, "bytes": memory_of([entry])}
