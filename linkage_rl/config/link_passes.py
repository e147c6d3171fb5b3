"""The passes of `link` over a client list, in this process, its workers or a Ray cluster."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from linkage_rl.config.inputs import open_linker
from linkage_rl.config.launchers import ray_module
from linkage_rl.config.link_logging import FirstLook, LinkedChunk, RunLog, evidence_chunks
from linkage_rl.config.link_settings import LinkSettings
from linkage_rl.config.workers import FORKS, in_order
from linkage_rl.decision.list_stage import ListDecisions
from linkage_rl.decision_log.evidence_file import EvidenceFile
from linkage_rl.decision_log.linked import PackedEvidence
from linkage_rl.errors import CandidateIndexError
from linkage_rl.linked_list import (
    ListFile,
    ListPart,
    ResultLayout,
    finish_chunk,
    link_chunk,
)
from linkage_rl.linker import Linker
from linkage_rl.tables.readers import ClientList
from linkage_rl.tables.store import CompanyStore

Result = TypeVar("Result")


@dataclass(frozen=True)
class OpenedLinker:
    """The linker of the main process."""

    linker: Linker
    table: str
    """Changes with the state of the company table; workers must find the same."""
    run_log: RunLog | None = None
    """What is logged of the decisions; None without a log."""

    def disconnect(self) -> None:
        """Close the connections to the table, which a copy of this process would share."""
        if isinstance(self.linker.source, CompanyStore):
            self.linker.source.dispose()


def linked_rows(
    settings: LinkSettings, layout: ResultLayout, opened: OpenedLinker, begin: int
) -> Iterable[LinkedChunk]:
    """Rows of clients that are decided one by one, chunk after chunk.

    Args:
        settings: The settings of the command.
        layout: What the rows consist of.
        opened: The linker.
        begin: Clients at the beginning of the list that are left out; they fill whole chunks.
    """
    return _distributed(
        settings,
        opened,
        partial(_linked_chunk, opened.linker, layout, opened.run_log),
        partial(_link_in_worker, settings, layout, opened.table, opened.run_log),
        partial(chunks_after, layout.source, settings.chunk, begin),
    )


def first_passes(
    settings: LinkSettings, source: ListFile, opened: OpenedLinker, begin: int
) -> Iterable[FirstLook]:
    """What `Linker.first_pass` gives for each chunk after the first `begin` clients."""
    return _distributed(
        settings,
        opened,
        partial(FirstLook.of, opened.linker),
        partial(_first_pass_in_worker, settings, opened.table),
        partial(chunks_after, source, settings.chunk, begin),
    )


def rows_of_list(
    settings: LinkSettings,
    layout: ResultLayout,
    opened: OpenedLinker,
    first: NDArray[np.void],
    decisions: ListDecisions,
    begin: int,
    seen: EvidenceFile | None = None,
) -> Iterable[LinkedChunk]:
    """Rows of clients that were decided as one list, chunk after chunk.

    Args:
        settings: The settings of the command.
        layout: What the rows consist of.
        opened: The linker.
        first: What the first pass gave for all clients.
        decisions: What was decided on all clients.
        begin: Clients at the beginning of the list that are left out; they fill whole chunks.
        seen: What the policy saw of all clients; None without a log.
    """
    return _distributed(
        settings,
        opened,
        partial(_finished_chunk, opened.linker, layout, opened.run_log),
        partial(_finish_in_worker, settings, layout, opened.table, opened.run_log),
        partial(_parts_after, layout.source, settings.chunk, begin, first, decisions, seen),
    )


def chunks_after(source: ListFile, size: int, finished: int) -> Iterator[ClientList]:
    """The chunks after the first `finished` clients, which fill complete chunks."""
    seen = 0
    for chunk in source.chunks(size):
        seen += len(chunk)
        if seen > finished:
            yield chunk


def _parts_after(
    source: ListFile,
    size: int,
    finished: int,
    first: NDArray[np.void],
    decisions: ListDecisions,
    seen: EvidenceFile | None,
) -> Iterator[tuple[ListPart, PackedEvidence | None]]:
    """The chunks after the first `finished` clients, with what was seen and decided of them."""
    begin, packed = finished, evidence_chunks(seen, finished)
    for chunk in chunks_after(source, size, finished):
        end = begin + len(chunk)
        # a copy, since the mapped file is gone when a process on another machine reads it
        part = ListPart(chunk, np.array(first[begin:end]), decisions.between(begin, end))
        yield part, next(packed)
        begin = end


def _linked_chunk(
    linker: Linker, layout: ResultLayout, run_log: RunLog | None, chunk: ClientList
) -> LinkedChunk:
    """Rows of one chunk of a list, whose clients are decided one by one."""
    if run_log is None:
        return LinkedChunk(link_chunk(linker, layout, chunk))
    return run_log.chunk(layout, linker.link(chunk.records), chunk)


def _finished_chunk(
    linker: Linker,
    layout: ResultLayout,
    run_log: RunLog | None,
    item: tuple[ListPart, PackedEvidence | None],
) -> LinkedChunk:
    """Rows of one chunk of a list that was decided as a whole."""
    part, packed = item
    if run_log is None:
        return LinkedChunk(finish_chunk(linker, layout, part))
    linked = linker.finish(part.clients.records, part.first, part.decisions)
    return run_log.chunk(layout, linked, part.clients, packed, part.decisions.columns)


def _distributed(
    settings: LinkSettings,
    opened: OpenedLinker,
    here: Callable[[Any], Result],
    in_worker: Callable[[Any], Result],
    items: Callable[[], Iterable[Any]],
) -> Iterable[Result]:
    """Results in the order of the items, from this process, its workers or a Ray cluster."""
    if settings.launcher.engine == "ray":
        on_ray = ray_module("linkage_rl.config.on_ray")
        results: Iterable[Result] = on_ray.in_order(
            in_worker, items, settings.workers, settings.launcher
        )
        return results
    if settings.workers > 1:
        opened.disconnect()
    act = here if FORKS or settings.workers == 1 else in_worker
    return in_order(act, items(), settings.workers)


def _link_in_worker(
    settings: LinkSettings,
    layout: ResultLayout,
    table: str,
    run_log: RunLog | None,
    chunk: ClientList,
) -> LinkedChunk:
    """`_linked_chunk` in a worker process."""
    return _linked_chunk(_worker_linker(settings, table)[0], layout, run_log, chunk)


def _first_pass_in_worker(settings: LinkSettings, table: str, chunk: ClientList) -> FirstLook:
    """`FirstLook.of` in a worker process."""
    return FirstLook.of(_worker_linker(settings, table)[0], chunk)


def _finish_in_worker(
    settings: LinkSettings,
    layout: ResultLayout,
    table: str,
    run_log: RunLog | None,
    item: tuple[ListPart, PackedEvidence | None],
) -> LinkedChunk:
    """`_finished_chunk` in a worker process."""
    return _finished_chunk(_worker_linker(settings, table)[0], layout, run_log, item)


@lru_cache(maxsize=1)
def _worker_linker(settings: LinkSettings, table: str) -> tuple[Linker, ExitStack]:
    """The linker of a worker process, opened at its first chunk and kept open."""
    resources = ExitStack()
    linker, found = resources.enter_context(
        open_linker(
            settings.bundle, settings.database, settings.index, settings.table, refresh=False
        )
    )
    if found != table:
        raise CandidateIndexError(
            f"expected the index of {table}, got that of {found}: it was changed while the "
            "workers started; start again"
        )
    return showing(linker, settings), resources


def showing(linker: Linker, settings: LinkSettings) -> Linker:
    """The linker, giving as many candidates as the settings want, and explanations or none."""
    return replace(
        linker,
        shown=settings.candidates.shown,
        explains=settings.explain,
        keeps_evidence=bool(settings.log),
    )
