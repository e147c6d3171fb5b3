"""One request from its bytes to its answer: decode, link, encode."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.linker import Linker
from linkage_rl.records import RecordBatch
from serving.codec import decode, encode
from serving.content_type import CSV, ContentType, negotiate, unpack
from serving.errors import RequestError
from serving.live_index import LiveIndex
from serving.logs import RequestLog
from serving.metrics import Metrics
from serving.models import Model, ModelLibrary
from serving.readback import LiveTable, Readback
from serving.requests import LinkageRequest
from serving.responses import LinkageResponse, candidate_results, link_results
from serving.scheduler import LinkResult, Scheduler
from serving.settings import WorkerSettings

_LONG_BODY: Final = 32 << 10
"""Bytes above which a body is parsed, and its answer encoded, outside the event loop."""

_log = logging.getLogger("serving")
_T = TypeVar("_T")


@dataclass(frozen=True)
class RawRequest:
    """A request to a model before it is parsed."""

    body: bytes
    content_type: str
    accept: str
    mode: str
    """Mode of CSV and JSON Lines, and of JSON that names none."""
    coding: str = ""
    """Content-Encoding of the body."""


@dataclass(frozen=True)
class Service:
    """What a worker needs to answer."""

    settings: WorkerSettings
    library: ModelLibrary
    scheduler: Scheduler
    metrics: Metrics
    live_index: LiveIndex | None
    """None where no database is configured."""
    live_table: LiveTable | None

    async def respond(
        self, request: RawRequest, model_name: str, log: RequestLog
    ) -> tuple[bytes, str]:
        """Answer a request.

        Args:
            request: The request.
            model_name: The model to ask.
            log: Filled in with what is logged of the request.

        Returns:
            The bytes of the answer and their Content-Type.

        Raises:
            RequestError: The request cannot be answered at all.
        """
        content_type = ContentType.parse(request.content_type)
        accepted = negotiate(request.accept, content_type)
        if request.coding:
            request = await self._unpack(request)
        model = self.library.in_memory(model_name)
        if model is None:
            model = await self.scheduler.run_in_thread(lambda: self.library.get(model_name))
        if len(request.body) <= _LONG_BODY:
            return await self._respond(request, model, content_type, accepted, log)
        clients = _estimate_clients(request.body, self.settings.max_clients)
        async with self.scheduler.list_slot(clients):
            return await self._respond(request, model, content_type, accepted, log)

    async def _unpack(self, request: RawRequest) -> RawRequest:
        body, limit = request.body, self.settings.max_payload_mb << 20
        unpacked = await self.scheduler.run_in_thread(lambda: unpack(body, request.coding, limit))
        return replace(request, body=unpacked)

    async def _respond(
        self,
        raw: RawRequest,
        model: Model,
        content_type: ContentType,
        accepted: ContentType,
        log: RequestLog,
    ) -> tuple[bytes, str]:
        is_long, settings = len(raw.body) > _LONG_BODY, self.settings
        request = await self._maybe_offload(
            lambda: decode(
                raw.body, content_type, raw.mode, settings.max_clients, settings.csv_columns
            ),
            is_long,
        )
        log.model, log.mode, log.clients = model.name, request.mode, len(request)
        response, linked = await self._answer(model, request, accepted)
        if linked is not None:
            log.stale, log.database_s = linked.stale, linked.database_s
        log.decisions = Counter(result["decision"] for result in response.results)
        self._count(response, linked, log)
        answered = accepted.with_header(request.csv_header)
        return await self._maybe_offload(lambda: encode(response, answered), is_long)

    def info(self, model: Model) -> dict[str, Any]:
        """Data on the model and the company table, the answer to mode `info`."""
        index = self._index_of(model)
        settings = model.settings
        return {
            "name": model.name,
            "version": model.version,
            "origin": dict(settings.origin),
            "metrics": dict(settings.metrics),
            "link_threshold": settings.thresholds.link if settings.thresholds else None,
            "max_candidates": settings.max_candidates,
            "blocker_costs": {blocker.name: blocker.cost for blocker in settings.blockers},
            "companies": len(index),
            "table_state": index.state,
            "index_age_s": self.live_index.age_s() if self.live_index else None,
            "companies_from": "database" if self.live_table else "bundle",
            "database_down": bool(self.live_table and self.live_table.is_down),
        }

    def is_ready(self, model_name: str) -> bool:
        """Whether the model could answer now; loads it if necessary."""
        try:
            self._index_of(self.library.get(model_name))
        except RequestError:
            return False
        return True

    def update_gauges(self) -> None:
        """Set the gauges of the index to their current values."""
        if self.live_index is not None and self.live_index.current is not None:
            self.metrics.index_companies.set(len(self.live_index.current))
            if (age := self.live_index.age_s()) is not None:
                self.metrics.index_age.set(age)

    async def _answer(
        self, model: Model, request: LinkageRequest, accepted: ContentType
    ) -> tuple[LinkageResponse, LinkResult | None]:
        shared = LinkageResponse(model.labels, warnings=request.warnings)
        if request.mode == "info":
            info = self.info(model)
            return replace(shared, info=_flatten(info) if accepted.media == CSV else info), None
        index = self._index_of(model)
        if request.mode == "candidates":
            source = self._readback(index)
            linker = model.linker_on(index, source)
            candidates = await self.scheduler.run_in_thread(
                lambda: linker.candidates(request.records)
            )
            results = candidate_results(request, candidates)
            return replace(shared, results=results, stale=source.stale), None

        def link(records: RecordBatch) -> LinkResult:
            source = self._readback(index)
            return link_isolating_failures(model.linker_on(index, source), source, records)

        key = (model.name, model.version, id(index))
        linked = await self.scheduler.link(key, link, request.records)
        blockers = tuple(blocker.name for blocker in model.settings.blockers)
        valid = request.reject(linked.failed) if linked.failed else request
        results = link_results(valid, linked.batch, blockers)
        return replace(shared, results=results, stale=linked.stale), linked

    async def _maybe_offload(self, act: Callable[[], _T], is_long: bool) -> _T:
        return await self.scheduler.run_in_thread(act) if is_long else act()

    def _index_of(self, model: Model) -> CompanyIndex:
        live = self.live_index.current if self.live_index is not None else None
        return model.linker.index if live is None else live

    def _readback(self, index: CompanyIndex) -> Readback:
        return Readback(self.live_table, index, self.settings.on_database_down)

    def _count(self, response: LinkageResponse, linked: LinkResult | None, log: RequestLog) -> None:
        blockers = Counter(
            blocker for result in response.results for blocker in result.get("blockers", ())
        )
        self.metrics.count_clients(log.model, log.decisions, blockers)
        if response.stale:
            self.metrics.stale.inc()
        if linked is not None and linked.database_s:
            self.metrics.database.observe(linked.database_s)


def link_isolating_failures(linker: Linker, source: Readback, records: RecordBatch) -> LinkResult:
    """Link these clients; where linking fails on some of them, link the others all the same.

    Raises:
        RequestError: The database is needed and does not answer.
    """
    try:
        return LinkResult(linker.link(records), source.stale, source.seconds)
    except (RequestError, MemoryError):
        raise
    except Exception:
        _log.exception("a client could not be linked")
    failed = _failing_rows(linker, records, range(len(records)))
    kept = [row for row in range(len(records)) if row not in failed]
    batch = linker.link(records.take(kept))
    return LinkResult(batch, source.stale, source.seconds, tuple(sorted(failed)))


def _estimate_clients(body: bytes, max_clients: int) -> int:
    """About how many clients a body holds, estimated without parsing it."""
    separators = max(body.count(b"{"), body.count(b"\n"))
    return max(len(body) // 200, min(max_clients, separators))


def _failing_rows(linker: Linker, records: RecordBatch, rows: Sequence[int]) -> set[int]:
    """The rows on which linking fails, found by bisection."""
    try:
        linker.link(records.take(rows))
    except (RequestError, MemoryError):
        raise
    except Exception:
        if len(rows) == 1:
            return set(rows)
        middle = len(rows) // 2
        return _failing_rows(linker, records, rows[:middle]) | _failing_rows(
            linker, records, rows[middle:]
        )
    return set()


def _flatten(info: Mapping[str, Any]) -> dict[str, Any]:
    """Nested objects as columns of their own, such as `metrics_f1`."""
    return {name: value for name, value in info.items() if not isinstance(value, Mapping)} | {
        f"{name}_{key}": item
        for name, value in info.items()
        if isinstance(value, Mapping)
        for key, item in value.items()
    }
