"""One request from its bytes to its answer: decode, link, encode."""

from collections import Counter
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, TypeVar

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.linked_batch import LinkedBatch, RankedCandidates
from linkage_rl.linker import Linker
from serving.attributes import NOBODY, Origin
from serving.codec import decode, encode
from serving.content_type import CSV, ContentType, negotiate, unpack
from serving.errors import RequestError
from serving.link_jobs import Jobs
from serving.linking import Draft, LinkJob, LinkResult, Work
from serving.list_slot import ListSlot
from serving.live_index import LiveIndex
from serving.live_table import LiveTable
from serving.log_writer import DecisionWriter
from serving.logs import RequestLog
from serving.metrics import Metrics
from serving.model import Model
from serving.models import ModelLibrary
from serving.readback import CurrentRows, read_back
from serving.requests import LinkageRequest
from serving.responses import LinkageResponse, blockers_run, candidate_results, link_results
from serving.scheduler import SMALL_REQUEST, Scheduler
from serving.settings import WorkerSettings

LONG_BODY: Final = 32 << 10
"""Bytes above which a request is unpacked, parsed and answered outside the event loop."""
_SAMPLED_BYTES: Final = 1 << 20
"""Beginning of a long body, from which its number of clients is estimated."""

_Value = TypeVar("_Value")

Answer = tuple[bytes, str]
"""The bytes of an answer and their Content-Type."""


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
    origin: Origin = NOBODY
    """Whose clients they are, unless the body says so itself."""


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
    writer: DecisionWriter | None = None
    """Logs decisions; None where no log is configured."""

    @cached_property
    def jobs(self) -> Jobs:
        """How the clients of each model are linked."""
        settings = self.settings
        return Jobs(self.live_table, settings.on_database_down, self.writer)

    async def respond(
        self, request: RawRequest, model_name: str, log: RequestLog, work: Work
    ) -> Answer:
        """Answer a request.

        Args:
            request: The request.
            model_name: The model to ask.
            log: Filled in with what is logged of the request.
            work: Whether somebody still waits for the answer.

        Raises:
            RequestError: The request cannot be answered at all.
        """
        content_type = ContentType.parse(request.content_type)
        accepted = negotiate(request.accept, content_type)
        if request.coding:
            request = await self._unpack(request)
        model = self.library.in_memory(model_name)
        if model is None:
            model = await self.scheduler.run_load(lambda: self.library.get(model_name))
        one = _Exchange(self, request, model, content_type, accepted, log, work)
        if len(request.body) <= LONG_BODY:
            return await self._respond_to_short(one)
        clients = _estimate_clients(request.body, self.settings.max_clients)
        async with self.scheduler.list_slot(clients) as slot:
            parsed = await self.scheduler.run_in_thread(one.parse)
            return await self._respond_in_threads(one, parsed, slot)

    async def _unpack(self, request: RawRequest) -> RawRequest:
        body, limit = request.body, self.settings.max_payload_mb << 20
        scheduler = self.scheduler
        run = scheduler.run_short if len(body) <= LONG_BODY else scheduler.run_in_thread
        unpacked = await run(lambda: unpack(body, request.coding, limit))
        return replace(request, body=unpacked)

    async def _respond_to_short(self, one: "_Exchange") -> Answer:
        """Answer in the event loop where that takes no longer than a thread would."""
        request = one.parse()
        if request.mode in ("linkage", "bulk_linkage") and len(request) <= SMALL_REQUEST:
            job = one.job()
            size, origin = len(one.raw.body), request.origin
            return one.link_answer(
                request, await self.scheduler.link(job, request.records, size, origin)
            )
        return await self._respond_in_threads(one, request, None)

    async def _respond_in_threads(
        self, one: "_Exchange", request: LinkageRequest, slot: ListSlot | None
    ) -> Answer:
        """Answer a long list, which has a slot, or a short one, which has none."""
        if request.mode == "info":
            return one.info(request)
        scheduler, records = self.scheduler, request.records
        run = scheduler.run_short if slot is None else scheduler.run_in_thread
        wait_for = _wait_for if slot is None else slot.wait_for
        if request.mode == "candidates":
            linker = one.job().linker
            ranked = await run(lambda: linker.rank(records, one.work.check))
            wanted, on_down = ranked.wanted, self.settings.on_database_down
            current = await wait_for(read_back(self.live_table, wanted, on_down))
            return await run(lambda: one.candidates_answer(request, linker, ranked, current))
        job = one.job()

        def decide() -> Draft | Answer:
            draft = job.decide(records, one.work)
            if job.needs_database(draft):
                return draft
            # nothing to wait for
            return one.completed_answer(request, job, draft, CurrentRows())

        decided = await run(decide)
        if not isinstance(decided, Draft):
            return decided
        current = await wait_for(job.read_back(decided))
        return await run(lambda: one.completed_answer(request, job, decided, current))

    def info(self, model: Model) -> dict[str, Any]:
        """Data on the model and the company table, the answer to mode `info`."""
        index = self.index_of(model)
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
            "decision_log": self.metrics.log_totals() if self.writer else None,
        }

    def is_ready(self, model_name: str) -> bool:
        """Whether the model could answer now; loads it if necessary."""
        try:
            self.index_of(self.library.get(model_name))
        except RequestError:
            return False
        return True

    def update_gauges(self) -> None:
        """Set the gauges of the index to their current values."""
        if self.live_index is not None and self.live_index.current is not None:
            self.metrics.index_companies.set(len(self.live_index.current))
            if (age := self.live_index.age_s()) is not None:
                self.metrics.index_age.set(age)

    def index_of(self, model: Model) -> CompanyIndex:
        """The index on which a model links now: that of the database, if there is one."""
        live = self.live_index.current if self.live_index is not None else None
        return model.linker.index if live is None else live


@dataclass(frozen=True)
class _Exchange:
    """A request, and what it is answered with."""

    service: Service
    raw: RawRequest
    model: Model
    content_type: ContentType
    accepted: ContentType
    log: RequestLog
    work: Work

    def parse(self) -> LinkageRequest:
        """The clients of the request."""
        self.work.check()
        settings, raw = self.service.settings, self.raw
        request = decode(
            raw.body, self.content_type, raw.mode, settings.max_clients, settings.csv_columns
        )
        origin, log = request.origin.or_else(raw.origin), self.log
        log.model, log.mode, log.clients = self.model.name, request.mode, len(request)
        return request if origin is request.origin else replace(request, origin=origin)

    def job(self) -> LinkJob:
        """How its clients are linked."""
        service, model = self.service, self.model
        return service.jobs.of(model, service.index_of(model))

    def info(self, request: LinkageRequest) -> Answer:
        """The answer to mode `info`."""
        info = self.service.info(self.model)
        content = _flatten(info) if self.accepted.media == CSV else info
        response = LinkageResponse(self.model.labels, warnings=request.warnings, info=content)
        return encode(response, self.accepted.with_header(request.csv_header))

    def completed_answer(
        self, request: LinkageRequest, job: LinkJob, draft: Draft, current: CurrentRows
    ) -> Answer:
        """The answer with the decisions of a draft."""
        # what nobody waits for is not logged
        self.work.check()
        askers = [(request.origin, len(draft.records))]
        return self.link_answer(request, job.complete(draft, current, askers))

    def link_answer(self, request: LinkageRequest, linked: LinkResult) -> Answer:
        """The answer with these decisions."""
        self.work.check()
        batch = linked.batch
        valid = request.reject(linked.failed) if linked.failed else request
        results = link_results(valid, batch, self.model.blockers, batch.decision_ids)
        self.log.blockers = self._blockers_run(batch)
        return self._encoded(request, results, linked.stale, linked.database_s)

    def candidates_answer(
        self,
        request: LinkageRequest,
        linker: Linker,
        ranked: RankedCandidates,
        current: CurrentRows,
    ) -> Answer:
        """The answer with these candidates."""
        self.work.check()
        candidates = linker.complete_candidates(ranked, current.rows)
        results = candidate_results(request, candidates)
        return self._encoded(request, results, current.stale, current.seconds)

    def _encoded(
        self,
        request: LinkageRequest,
        results: list[dict[str, Any]],
        stale: bool,
        seconds: float,
    ) -> Answer:
        logs, warnings = self.service.writer is not None, request.warnings
        if logs:
            warnings = [*warnings, *request.origin.faults]
        response = LinkageResponse(self.model.labels, results, stale, warnings, csv_ids=logs)
        self._count(response, seconds)
        return encode(response, self.accepted.with_header(request.csv_header))

    def _blockers_run(self, linked: LinkedBatch) -> dict[str, int]:
        """Number of clients for whom each blocker was run."""
        found: dict[str, int] = {}
        for bits, clients in _counts(linked.ran.tolist()).items():
            for name in blockers_run(bits, self.model.blockers):
                found[name] = found.get(name, 0) + clients
        return found

    def _count(self, response: LinkageResponse, database_s: float) -> None:
        log, metrics = self.log, self.service.metrics
        log.stale, log.database_s = response.stale, database_s
        log.decisions = _counts([result["decision"] for result in response.results])
        if response.stale:
            metrics.stale.inc()
        if database_s:
            metrics.database.observe(database_s)


def _counts(values: list[_Value]) -> dict[_Value, int]:
    """How often each of few different values occurs, in the order of their first places."""
    if len(values) == 1:
        # most requests have one client, for which a `Counter` would take ten times as long
        return {values[0]: 1}
    return Counter(values)


async def _wait_for(answer: Awaitable[CurrentRows]) -> CurrentRows:
    return await answer


def _estimate_clients(body: bytes, max_clients: int) -> int:
    """About how many clients a body holds, estimated from its first megabyte."""
    part = body[:_SAMPLED_BYTES]
    separators = max(part.count(b"{"), part.count(b"\n")) * len(body) // max(1, len(part))
    return max(len(body) // 200, min(max_clients, separators))


def _flatten(info: Mapping[str, Any]) -> dict[str, Any]:
    """Nested objects as columns of their own, such as `metrics_f1`."""
    return {name: value for name, value in info.items() if not isinstance(value, Mapping)} | {
        f"{name}_{key}": item
        for name, value in info.items()
        if isinstance(value, Mapping)
        for key, item in value.items()
    }
