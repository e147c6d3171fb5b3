"""`python -m linkage_rl.link`: links a client list of any length and writes it as CSV."""

if __name__ == "__main__":
    # before the imports, which take seconds and may lack an extra
    from linkage_rl.command_line import run_command

    run_command("link")
    raise SystemExit

import csv
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import astuple, dataclass, replace
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from linkage_rl.config.command import command, say
from linkage_rl.config.inputs import choose_database, open_linker
from linkage_rl.config.launchers import ray_module
from linkage_rl.config.link_settings import LinkSettings
from linkage_rl.config.own_bundle import with_bundle
from linkage_rl.config.workers import in_order
from linkage_rl.decision.list_stage import ListDecisions
from linkage_rl.errors import CandidateIndexError
from linkage_rl.linked_columns import COLUMNS, DECISIONS
from linkage_rl.linked_list import (
    ListFile,
    ListPart,
    Row,
    finish_chunk,
    first_pass_of_chunk,
    link_chunk,
)
from linkage_rl.linker import FIRST_PASS, Linker
from linkage_rl.records import DecisionKind
from linkage_rl.tables.readers import ClientList
from linkage_rl.tables.writer import OutputFile, RecordFile, file_fingerprint

Result = TypeVar("Result")


@dataclass(frozen=True)
class OpenedLinker:
    """The linker of the main process."""

    linker: Linker
    table: str
    """Changes with the state of the company table; workers must find the same."""


def run(settings: LinkSettings) -> None:
    """Link the list, resuming an interrupted run after its last finished chunk.

    Raises:
        LinkageError: The list, the bundle, the database or the index has a fault, or the disk is
            full. The output file is then absent or the previous one, and finished chunks are kept.
    """
    begin = time.perf_counter()
    chosen = choose_database(settings.database, settings.table, settings.bundle)
    say(chosen.said(settings.table.columns.table, settings.bundle))
    # workers may have another environment
    settings = replace(settings, database=chosen.text)
    source = ListFile.open(
        Path(settings.clients).expanduser(),
        settings.columns,
        settings.encoding,
        settings.sheet,
        settings.header_row,
    )
    if source.said:
        say(source.said)
    clients = source.count()
    settings = with_bundle(settings)
    output, header = Path(settings.output).expanduser(), [*COLUMNS, *source.own_names().values()]
    with ExitStack() as resources:
        opened = OpenedLinker(
            *resources.enter_context(
                open_linker(settings.bundle, settings.database, settings.index, settings.table)
            )
        )
        mark = _fingerprint(settings, source, opened.table)
        file = resources.enter_context(OutputFile(output, header, mark, settings.bom))
        finished, ready = file.finished, time.perf_counter()
        if opened.linker.decides_lists(clients):
            first = resources.enter_context(RecordFile(_first_pass_file(output), FIRST_PASS, mark))
            _run_first_pass(settings, source, clients, opened, first)
            rows = _rows_of_list(settings, source, opened, first, file.finished)
            _write_rows(rows, clients, file)
            file.complete()
            first.discard()
        else:
            _write_rows(_linked_rows(settings, source, opened, file.finished), clients, file)
            file.complete()
    end = time.perf_counter()
    say(
        f"{clients:,} clients, {_linkage_rate(output):.1%} linked, {end - begin:.1f} s, "
        f"{(clients - finished) / (end - ready):,.0f} clients/s, {output}"
    )


def _write_rows(chunks: Iterable[list[Row]], clients: int, file: OutputFile) -> None:
    """Write the rows that the file lacks; a bar shows progress, speed and linkage rate."""
    done, linked = 0, 0
    with _bar("linking", clients, file.finished) as bar:
        for rows in chunks:
            file.write(rows)
            done += len(rows)
            linked += sum(row[1] == DECISIONS[DecisionKind.LINK] for row in rows)
            bar.update(len(rows))
            bar.set_postfix_str(f"{linked / done:.1%} linked")


def _bar(title: str, clients: int, finished: int) -> "tqdm[NoReturn]":
    return tqdm(
        total=clients, initial=finished, desc=title, unit="client", unit_scale=True, disable=None
    )


def _linked_rows(
    settings: LinkSettings, source: ListFile, opened: OpenedLinker, begin: int
) -> Iterable[list[Row]]:
    """Output rows of clients that are decided one by one, chunk after chunk."""
    return _distributed(
        settings,
        partial(link_chunk, opened.linker, source),
        partial(_link_in_worker, settings, source, opened.table),
        partial(_chunks_after, source, settings.chunk, begin),
    )


def _run_first_pass(
    settings: LinkSettings,
    source: ListFile,
    clients: int,
    opened: OpenedLinker,
    first: RecordFile,
) -> None:
    """The first pass over the clients that the file lacks."""
    if first.finished >= clients:
        return
    chunks = _distributed(
        settings,
        partial(first_pass_of_chunk, opened.linker),
        partial(_first_pass_in_worker, settings, opened.table),
        partial(_chunks_after, source, settings.chunk, first.finished),
    )
    with _bar("first pass", clients, first.finished) as bar:
        for records in chunks:
            first.append(records)
            bar.update(len(records))


def _rows_of_list(
    settings: LinkSettings,
    source: ListFile,
    opened: OpenedLinker,
    first: RecordFile,
    begin: int,
) -> Iterable[list[Row]]:
    """Output rows of clients that are decided as one list, chunk after chunk."""
    records = first.records()
    return _distributed(
        settings,
        partial(finish_chunk, opened.linker, source),
        partial(_finish_in_worker, settings, source, opened.table),
        partial(
            _parts_after,
            source,
            settings.chunk,
            begin,
            records,
            opened.linker.decide_list(records),
        ),
    )


def _first_pass_file(output: Path) -> Path:
    """Names the file of the first pass."""
    return output.with_name(f"{output.name}.first-pass")


def _distributed(
    settings: LinkSettings,
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
    return in_order(here if settings.workers == 1 else in_worker, items(), settings.workers)


def _parts_after(
    source: ListFile,
    size: int,
    finished: int,
    first: NDArray[np.void],
    decisions: ListDecisions,
) -> Iterator[ListPart]:
    """The chunks after the first `finished` clients, with what was decided on them."""
    begin = finished
    for chunk in _chunks_after(source, size, finished):
        end = begin + len(chunk)
        # a copy, since the mapped file is gone when a process on another machine reads it
        yield ListPart(chunk, np.array(first[begin:end]), decisions.between(begin, end))
        begin = end


def _chunks_after(source: ListFile, size: int, finished: int) -> Iterator[ClientList]:
    """The chunks after the first `finished` clients, which fill complete chunks."""
    seen = 0
    for chunk in source.chunks(size):
        seen += len(chunk)
        if seen > finished:
            yield chunk


def _link_in_worker(
    settings: LinkSettings, source: ListFile, table: str, chunk: ClientList
) -> list[Row]:
    """`link_chunk` in a worker process."""
    return link_chunk(_worker_linker(settings, table)[0], source, chunk)


def _first_pass_in_worker(
    settings: LinkSettings, table: str, chunk: ClientList
) -> NDArray[np.void]:
    """`first_pass_of_chunk` in a worker process."""
    return first_pass_of_chunk(_worker_linker(settings, table)[0], chunk)


def _finish_in_worker(
    settings: LinkSettings, source: ListFile, table: str, part: ListPart
) -> list[Row]:
    """`finish_chunk` in a worker process."""
    return finish_chunk(_worker_linker(settings, table)[0], source, part)


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
    return linker, resources


def _fingerprint(settings: LinkSettings, source: ListFile, table: str) -> str:
    """Hash of everything the output depends on: list, bundle, table and how columns are read."""
    parts = [
        file_fingerprint(source.path),
        file_fingerprint(Path(settings.bundle).expanduser() / "manifest.json"),
        table,
        settings.encoding,
        settings.sheet,
        f"{settings.header_row} {settings.bom}",
        *map(str, astuple(settings.columns)),
        *map(str, astuple(settings.table.mapping)),
        str(settings.chunk),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _linkage_rate(output: Path) -> float:
    """Share of links in a finished file, which may have taken several runs."""
    with output.open(newline="", encoding="utf-8") as stream:
        decisions = [row[1] for row in islice(csv.reader(stream), 1, None)]
    return decisions.count(DECISIONS[DecisionKind.LINK]) / len(decisions)


main = command("link", LinkSettings, run)
