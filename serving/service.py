"""One request from its bytes to its answer: decode, link, encode."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.linker import Linker
from linkage_rl.records import RecordBatch
from serving.codec import CSV, Form, accepted, decode, encode
from serving.errors import RequestError
from serving.live_index import LiveIndex
from serving.logs import RequestLine
from serving.metrics import Meters
from serving.models import Model, ModelLibrary
from serving.readback import LiveTable, Readback
from serving.requests import Inquiry
from serving.responses import Answer, candidate_results, link_results
from serving.scheduler import Lanes, Linked
from serving.settings import Settings

_LONG: Final = 32 << 10
"""Bytes from which on a body is read, and its answer written, beside the event loop."""

_log = logging.getLogger("serving")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Question:
    """A request to a model, as it came."""

    body: bytes
    content_type: str
    accept: str
    mode: str
    """What CSV and JSON Lines ask for."""


@dataclass(frozen=True)
class Service:
    """What a worker needs to answer."""

    settings: Settings
    library: ModelLibrary
    lanes: Lanes
    meters: Meters
    live_index: LiveIndex | None
    """None where no database is configured."""
    live_table: LiveTable | None

    async def answer(
        self, question: Question, model_name: str, line: RequestLine
    ) -> tuple[bytes, str]:
        """The answer's bytes and Content-Type; `line` learns what the log says of it.

        Raises:
            RequestError: The request as a whole cannot be answered.
        """
        form = Form.of(question.content_type)
        out = accepted(question.accept, form)
        model = self.library.held(model_name)
        if model is None:
            model = await self.lanes.run(lambda: self.library.get(model_name))
        long = len(question.body) > _LONG
        if not long:
            return await self._answer(question, model, form, out, line)
        async with self.lanes.turn(_size(question.body, self.settings.max_clients)):
            return await self._answer(question, model, form, out, line)

    async def _answer(
        self, question: Question, model: Model, form: Form, out: Form, line: RequestLine
    ) -> tuple[bytes, str]:
        long, settings = len(question.body) > _LONG, self.settings
        asked = await self._here_or_beside(
            lambda: decode(
                question.body, form, question.mode, settings.max_clients, settings.csv_columns
            ),
            long,
        )
        line.model, line.mode, line.clients = model.name, asked.mode, len(asked)
        answer, linked = await self._act(model, asked, out)
        if linked is not None:
            line.stale, line.database_s = linked.stale, linked.database_s
        line.decisions = Counter(result["decision"] for result in answer.results)
        self._count(answer, linked, line)
        return await self._here_or_beside(lambda: encode(answer, out), long)

    def info(self, model: Model) -> dict[str, Any]:
        """What the model and the table are."""
        index = self._index_of(model)
        about = model.settings
        return {
            "name": model.name,
            "version": model.version,
            "origin": dict(about.origin),
            "metrics": dict(about.metrics),
            "link_threshold": about.thresholds.link if about.thresholds else None,
            "max_candidates": about.max_candidates,
            "blocker_costs": {blocker.name: blocker.cost for blocker in about.blockers},
            "companies": len(index),
            "watermark": index.watermark,
            "index_age_s": self.live_index.age_s() if self.live_index else None,
            "companies_from": "database" if self.live_table else "bundle",
            "database_down": bool(self.live_table and self.live_table.is_down),
        }

    def is_ready(self, model_name: str) -> bool:
        """Whether the model would answer now."""
        try:
            self._index_of(self.library.get(model_name))
        except RequestError:
            return False
        return True

    def gauge(self) -> None:
        """Bring the gauges of the index up to date."""
        if self.live_index is not None and self.live_index.current is not None:
            self.meters.index_companies.set(len(self.live_index.current))
            if (age := self.live_index.age_s()) is not None:
                self.meters.index_age.set(age)

    async def _act(self, model: Model, asked: Inquiry, out: Form) -> tuple[Answer, Linked | None]:
        shared = Answer(model.labels, warnings=asked.warnings)
        if asked.mode == "info":
            info = self.info(model)
            flat = out.media == CSV
            return replace(shared, info=_flattened(info) if flat else info), None
        index = self._index_of(model)
        if asked.mode == "candidates":
            source = self._readback(index)
            linker = model.on(index, source)
            found = await self.lanes.run(lambda: linker.candidates(asked.records))
            results = candidate_results(asked, found)
            return replace(shared, results=results, stale=source.stale), None

        def link(records: RecordBatch) -> Linked:
            source = self._readback(index)
            return link_sound(model.on(index, source), source, records)

        key = (model.name, model.version, id(index))
        linked = await self.lanes.link(key, link, asked.records)
        blockers = tuple(blocker.name for blocker in model.settings.blockers)
        if linked.failed:
            asked = asked.without(linked.failed)
        results = link_results(asked, linked.batch, blockers)
        return replace(shared, results=results, stale=linked.stale), linked

    async def _here_or_beside(self, act: Callable[[], _T], long: bool) -> _T:
        return await self.lanes.run(act) if long else act()

    def _index_of(self, model: Model) -> CompanyIndex:
        live = self.live_index.current if self.live_index is not None else None
        return model.linker.index if live is None else live

    def _readback(self, index: CompanyIndex) -> Readback:
        return Readback(self.live_table, index, self.settings.on_database_down)

    def _count(self, answer: Answer, linked: Linked | None, line: RequestLine) -> None:
        ran = Counter(
            blocker for result in answer.results for blocker in result.get("blockers", ())
        )
        self.meters.decided(line.model, line.decisions, ran)
        if answer.stale:
            self.meters.stale.inc()
        if linked is not None and linked.database_s:
            self.meters.database.observe(linked.database_s)


def link_sound(linker: Linker, source: Readback, records: RecordBatch) -> Linked:
    """Link these clients; one on which the library stumbles does not take the others along.

    Raises:
        RequestError: The database is needed and does not answer.
    """
    try:
        return Linked(linker.link(records), source.stale, source.seconds)
    except (RequestError, MemoryError):
        raise
    except Exception:
        _log.exception("a client could not be linked")
    failed = _failing(linker, records, range(len(records)))
    kept = [row for row in range(len(records)) if row not in failed]
    batch = linker.link(records.take(kept))
    return Linked(batch, source.stale, source.seconds, tuple(sorted(failed)))


def _size(body: bytes, most: int) -> int:
    """About how many clients a body holds, told before it is read."""
    return max(len(body) // 200, min(most, max(body.count(b"{"), body.count(b"\n"))))


def _failing(linker: Linker, records: RecordBatch, rows: Sequence[int]) -> set[int]:
    """The rows on which the linker stumbles, found by halving."""
    try:
        linker.link(records.take(rows))
    except (RequestError, MemoryError):
        raise
    except Exception:
        if len(rows) == 1:
            return set(rows)
        middle = len(rows) // 2
        return _failing(linker, records, rows[:middle]) | _failing(linker, records, rows[middle:])
    return set()


def _flattened(info: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in info.items() if not isinstance(value, Mapping)} | {
        f"{name}_{key}": item
        for name, value in info.items()
        if isinstance(value, Mapping)
        for key, item in value.items()
    }
