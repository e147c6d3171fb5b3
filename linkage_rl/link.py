"""`python -m linkage_rl.link`: links a client list of any length and writes the result."""

if __name__ == "__main__":
    # before the imports, which take seconds and may lack an extra
    from linkage_rl.command_line import run_command

    run_command("link")
    raise SystemExit

import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import astuple, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from linkage_rl.config.command import command, say
from linkage_rl.config.inputs import choose_database, database_of, open_linker
from linkage_rl.config.link_output import LinkOutput
from linkage_rl.config.link_passes import (
    OpenedLinker,
    first_passes,
    linked_rows,
    rows_of_list,
    showing,
)
from linkage_rl.config.link_settings import LinkSettings, utc, with_short_words
from linkage_rl.config.own_bundle import with_bundle
from linkage_rl.decision.list_stage import ListDecisions
from linkage_rl.linked_columns import Run, digest
from linkage_rl.linked_list import ListFile, ResultLayout
from linkage_rl.linker import FIRST_PASS, Linker
from linkage_rl.tables.credentials import shown
from linkage_rl.tables.ddl import stamp
from linkage_rl.tables.partial_file import RecordFile
from linkage_rl.tables.writer import ResultRows, ResultWriter, file_fingerprint


def run(settings: LinkSettings) -> None:
    """Link the list, resuming an interrupted run after its last finished chunk.

    Raises:
        LinkageError: The list, the bundle, the database or the index has a fault, or the disk is
            full. The output is then absent or the previous one, and finished chunks are kept.
    """
    begin = time.perf_counter()
    chosen = choose_database(settings.database, settings.table, settings.bundle)
    say(chosen.said(settings.table.columns.table, settings.bundle))
    # workers may have another environment
    settings = replace(settings, database=chosen.text)
    output = LinkOutput.of(settings)
    source = _opened_list(settings)
    clients = source.count()
    settings = with_bundle(settings)
    bundle = file_fingerprint(Path(settings.bundle).expanduser() / "manifest.json")
    mark = _fingerprint(settings, source, bundle)
    started = utc(settings.linked_at) if settings.linked_at else stamp()
    with ExitStack() as resources:
        linker, table = resources.enter_context(
            open_linker(settings.bundle, settings.database, settings.index, settings.table)
        )
        opened = OpenedLinker(showing(linker, settings), table)
        layout = ResultLayout.of(source, Run("", "", "", ""), settings.candidates.shown)
        writer = resources.enter_context(output.open(layout.columns, mark, started, settings.bom))
        layout = replace(layout, run=Run.of(settings.run_id, mark, bundle, writer.started, table))
        finished, ready = writer.finished, time.perf_counter()
        _link(settings, layout, clients, opened, output, writer, mark)
    end = time.perf_counter()
    say(
        f"{clients:,} clients, {writer.counts['link'] / clients:.1%} linked, {end - begin:.1f} s, "
        f"{(clients - finished) / (end - ready):,.0f} clients/s, {output}"
    )


def _opened_list(settings: LinkSettings) -> ListFile:
    """The client list; how it is read is said where that is worth a line."""
    source = ListFile.open(
        Path(settings.clients).expanduser(),
        settings.columns,
        settings.encoding,
        settings.sheet,
        settings.header_row,
    )
    if source.said:
        say(source.said)
    return source


def _link(
    settings: LinkSettings,
    layout: ResultLayout,
    clients: int,
    opened: OpenedLinker,
    output: LinkOutput,
    writer: ResultWriter,
    mark: str,
) -> None:
    """Write the rows that are missing, and complete the result."""
    if not opened.linker.decides_lists(clients):
        _write_rows(linked_rows(settings, layout, opened, writer.finished), clients, writer)
        writer.complete()
        return
    # its records are rows of the index: of no use once the table has changed
    state = digest(mark, opened.table)
    with RecordFile(output.beside("first-pass"), FIRST_PASS, state) as first:
        _run_first_pass(settings, layout.source, clients, opened, first)
        records = first.records()
        decisions = _decided(settings, opened.linker, records)
        rows = rows_of_list(settings, layout, opened, records, decisions, writer.finished)
        _write_rows(rows, clients, writer)
        writer.complete()
        first.discard()


def _decided(settings: LinkSettings, linker: Linker, records: NDArray[np.void]) -> ListDecisions:
    """The decisions on the whole list after the first pass over it."""
    return linker.decide_list(records)


def _write_rows(chunks: Iterable[ResultRows], clients: int, writer: ResultWriter) -> None:
    """Write the rows that the result lacks; a bar shows progress, speed and linkage rate."""
    with _bar("linking", clients, writer.finished) as bar:
        for rows in chunks:
            writer.write(rows)
            bar.update(len(rows))
            bar.set_postfix_str(f"{writer.counts['link'] / writer.finished:.1%} linked")


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
    with _bar("first pass", clients, first.finished) as bar:
        for records in first_passes(settings, source, opened, first.finished):
            first.append(records)
            bar.update(len(records))


def _bar(title: str, clients: int, finished: int) -> "tqdm[NoReturn]":
    return tqdm(
        total=clients, initial=finished, desc=title, unit="client", unit_scale=True, disable=None
    )


def _fingerprint(settings: LinkSettings, source: ListFile, bundle: str) -> str:
    """Hash of what the output depends on, but for the state of the table: list, bundle, settings.

    A run that is continued after the table has changed keeps its finished clients, whose rows say
    which state they are of.
    """
    parts = [
        file_fingerprint(source.path),
        bundle,
        shown(database_of(settings.database)) if settings.database else "",
        settings.encoding,
        settings.sheet,
        f"{settings.header_row} {settings.bom} {settings.candidates.shown}",
        settings.run_id,
        settings.linked_at,
        *map(str, astuple(settings.columns)),
        *map(str, astuple(settings.table.mapping)),
        str(settings.chunk),
    ]
    return digest(*parts)


main = command("link", LinkSettings, run, rewrite=with_short_words)
