"""`python -m linkage_rl.link`: links a client list of any length and writes the result."""

if __name__ == "__main__":
    # before the imports, which take seconds and may lack an extra
    from linkage_rl.command_line import run_command

    run_command("link")
    raise SystemExit

import logging
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linkage_rl.config.command import command, say
from linkage_rl.config.inputs import choose_database, open_linker
from linkage_rl.config.link_clients import clients_on_disk
from linkage_rl.config.link_logging import FirstLook, LinkedChunk, RunLog, open_log, say_next
from linkage_rl.config.link_mark import bundle_mark, fingerprint
from linkage_rl.config.link_only import part_to_link
from linkage_rl.config.link_output import LinkOutput
from linkage_rl.config.link_passes import (
    OpenedLinker,
    first_passes,
    linked_rows,
    rows_of_list,
    showing,
)
from linkage_rl.config.link_report import Progress, Unlinked
from linkage_rl.config.link_settings import LinkSettings, utc, with_short_words
from linkage_rl.config.list_passes import ListWithinItself, claims_said, decided_list
from linkage_rl.config.own_bundle import with_bundle
from linkage_rl.decision.list_stage import ListDecisions
from linkage_rl.decision.whole_list import FIRST_PASS
from linkage_rl.decision_log.evidence_file import EvidenceFile
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.linked_columns import DECISIONS, Run, digest
from linkage_rl.linked_list import ListFile, ResultLayout
from linkage_rl.records import SHORTLIST
from linkage_rl.tables.ddl import stamp
from linkage_rl.tables.partial_file import RecordFile, only_writer
from linkage_rl.tables.writer import ResultWriter

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Job:
    """A list that is being linked."""

    settings: LinkSettings
    clients: int
    opened: OpenedLinker
    layout: ResultLayout
    output: LinkOutput
    writer: ResultWriter
    mark: str
    """Fingerprint of what the result depends on, but for the state of the table."""
    log: DecisionLog | None = None
    """Where the decisions are logged."""
    within: ListWithinItself | None = None
    """The list, where it is linked with itself."""
    part_of: "_Whole | None" = None
    """What the clients are a part of; None where they are the whole list."""

    @property
    def said(self) -> "_Whole":
        """List and result as the user knows them."""
        return self.part_of or _Whole(self.layout.source.path, self.output)


@dataclass(frozen=True)
class _Whole:
    """The list and the result that the user has named, for messages."""

    clients: Path
    output: LinkOutput


def run(settings: LinkSettings) -> None:
    """Link the list, resuming an interrupted run after its last finished chunk.

    Raises:
        LinkageError: The list, the bundle, the database or the index has a fault, or the disk is
            full. The output is then absent or the previous one, and finished chunks are kept.
    """
    begin = time.perf_counter()
    if not settings.dedupe:
        chosen = choose_database(settings.database, settings.table, settings.bundle)
        say(chosen.said(settings.table.columns.table, settings.bundle))
        # workers may have another environment
        settings = replace(settings, database=chosen.text)
    output = LinkOutput.of(settings)
    with ExitStack() as resources:
        resources.enter_context(only_writer(output.beside("lock"), output))
        settings = resources.enter_context(clients_on_disk(settings, output))
        source = _opened_list(settings)
        if source.said:
            say(source.said)
        clients = source.count()
        settings = with_bundle(settings)
        if settings.only:
            _link_part(settings, source, output, begin)
        else:
            _link_list(settings, source, clients, output, begin)


def _link_list(
    settings: LinkSettings,
    source: ListFile,
    clients: int,
    output: LinkOutput,
    begin: float,
    part_of: _Whole | None = None,
) -> None:
    """Link every client of a list, or of a part of one, and say so."""
    with ExitStack() as resources:
        job = _prepared(settings, source, clients, output, resources)
        job = replace(job, part_of=part_of)
        finished, ready = job.writer.finished, time.perf_counter()
        _say_start(job)
        _link(job)
        output.forget_linked()
    end = time.perf_counter()
    _say_end(job, end - begin, (clients - finished) / (end - ready))


def _link_part(settings: LinkSettings, source: ListFile, output: LinkOutput, begin: float) -> None:
    """Link the clients that have to be, and carry over the rows of the others."""
    layout = _layout(settings, source)
    mark = fingerprint(settings, source, bundle_mark(settings))
    with part_to_link(settings, layout, output, mark) as part:
        if part.clients:
            chosen, whole = _opened_list(part.settings), _Whole(source.path, output)
            _link_list(part.settings, chosen, part.clients, part.output, begin, whole)
        if output.url is None:
            # a mark of its own: joining both starts again where it was interrupted
            with output.open(
                *(layout.columns, digest(stamp()), stamp()),
                *(settings.bom, settings.quotes_formulas),
            ) as writer:
                part.merge(writer)
            say(f"{writer.finished:,} rows in {output}")


def _layout(settings: LinkSettings, source: ListFile) -> ResultLayout:
    """What the rows consist of, without the run."""
    return ResultLayout.of(
        *(source, Run("", "", "", ""), settings.candidates.shown),
        *(settings.explain, settings.listed, bool(settings.log)),
    )


def _opened_linker(settings: LinkSettings, resources: ExitStack) -> OpenedLinker:
    """The linker of the main process, closed with the other resources."""
    linker, table = resources.enter_context(
        open_linker(settings.bundle, settings.database, settings.index, settings.table)
    )
    return OpenedLinker(showing(linker, settings), table)


def _opened_list(settings: LinkSettings) -> ListFile:
    """The client list, with its header read."""
    return ListFile.open(
        Path(settings.clients).expanduser(),
        settings.columns,
        settings.encoding,
        settings.sheet,
        settings.header_row,
    )


def _prepared(
    settings: LinkSettings,
    source: ListFile,
    clients: int,
    output: LinkOutput,
    resources: ExitStack,
) -> _Job:
    """The job with its linker and its writer opened."""
    bundle = bundle_mark(settings)
    mark = fingerprint(settings, source, bundle)
    within = ListWithinItself.of(settings, source) if settings.dedupe else None
    log = open_log(settings, resources)
    opened = _opened_linker(settings, resources) if within is None else within.opened()
    layout = _layout(settings, source)
    started = utc(settings.linked_at) if settings.linked_at else stamp()
    writer = resources.enter_context(
        output.open(layout.columns, mark, started, settings.bom, settings.quotes_formulas)
    )
    run = Run.of(settings.run_id, mark, bundle, writer.started, opened.table)
    form = output.form(layout.columns, settings.quotes_formulas)
    layout = replace(layout, run=run, form=form)
    if log is not None:
        as_list = opened.linker.decides_lists(clients)
        run_log = RunLog.of(settings, run, mark, opened.linker, as_list, log.privacy)
        run_log.warn_of_lost(log, writer.finished)
        left = clients - writer.finished
        # a chunk is logged before it is written; a time that is given makes ids that come again
        again = left if settings.linked_at else min(settings.chunk, left)
        run_log.drop_outdated(log, writer.finished, again)
        opened = replace(opened, run_log=run_log)
    return _Job(settings, clients, opened, layout, output, writer, mark, log, within)


def _link(job: _Job) -> None:
    """Write the rows that are missing, and complete the result."""
    settings, writer = job.settings, job.writer
    if not job.opened.linker.decides_lists(job.clients) and not settings.listed:
        _write_rows(job, linked_rows(settings, job.layout, job.opened, writer.finished))
        writer.complete()
        return
    if settings.candidates.shown > SHORTLIST:
        _log.info(
            "candidates=%d: the list is decided as a whole, for which %d candidates of each client "
            "are kept; more come only from clients like it",
            *(settings.candidates.shown, SHORTLIST),
        )
    # its records are rows of the index: of no use once the table has changed
    state = digest(job.mark, job.opened.table)
    with ExitStack() as files:
        first = files.enter_context(RecordFile(job.output.beside("first-pass"), FIRST_PASS, state))
        seen = None
        if job.log is not None:
            seen = files.enter_context(EvidenceFile(job.output.beside("evidence"), state))
            seen.check(first.finished)
        _run_first_pass(job, first, seen)
        records = first.records()
        decisions = _decided(job, records)
        _write_rows(job, _rows_of_list(job, records, decisions, seen))
        writer.complete()
        first.discard()
        if seen is not None:
            seen.discard()
    # a part does not say how the list is linked
    whole = job.within is None and job.part_of is None
    if whole and (claimed := claims_said(decisions)):
        say(claimed)


def _decided(job: _Job, records: NDArray[np.void]) -> ListDecisions:
    """The decisions on the whole list after the first pass over it."""
    if job.within is not None:
        return job.within.decided(records)
    linker = job.opened.linker
    if not linker.decides_lists(job.clients):
        linker = replace(linker, list_stage=None)
    return decided_list(job.settings, job.layout.source, linker, records)


def _rows_of_list(
    job: _Job, records: NDArray[np.void], decisions: ListDecisions, seen: EvidenceFile | None
) -> Iterable[LinkedChunk]:
    """The rows that the result lacks of a list that was decided as a whole."""
    finished = job.writer.finished
    if job.within is not None:
        return job.within.rows(job.layout, records, decisions, finished)
    return rows_of_list(job.settings, job.layout, job.opened, records, decisions, finished, seen)


def _run_first_pass(job: _Job, first: RecordFile, seen: EvidenceFile | None) -> None:
    """The first pass over the clients that the file lacks."""
    if first.finished >= job.clients:
        return
    passes: Iterable[FirstLook]
    if job.within is None:
        passes = first_passes(job.settings, job.layout.source, job.opened, first.finished)
    else:
        passes = job.within.first_passes(first.finished)
    with Progress("first pass", job.clients, first.finished) as progress:
        for look in passes:
            # an interrupted run may have left the evidence of a chunk without its records
            if seen is not None and look.packed is not None and seen.finished <= first.finished:
                seen.append(look.packed)
            first.append(look.first)
            progress.advance(len(look.first))


def _write_rows(job: _Job, chunks: Iterable[LinkedChunk]) -> None:
    """Write the rows that the result lacks, saying how far it is, and whether nobody is linked."""
    writer, unlinked = job.writer, Unlinked(job.layout, job.opened.linker.index)
    if writer.finished:
        job.output.note_linked()
    with Progress("linking", job.clients, writer.finished) as progress:
        for chunk in chunks:
            rows = chunk.rows
            # first, so that every row of the result has its decision in the log
            if job.log is not None and chunk.logged is not None:
                job.log.append(chunk.logged)
            writer.write(rows)
            job.output.note_linked()
            unlinked.add(rows)
            progress.advance(len(rows), writer.counts["link"] / writer.finished)
    # a list without duplicates needs no warning
    if not writer.counts["link"] and job.within is None and job.part_of is None:
        unlinked.warn()


def _say_start(job: _Job) -> None:
    """One line: which clients, companies and bundle, and how many workers."""
    settings, run, finished = job.settings, job.layout.run, job.writer.finished
    rows = "companies" if job.within is None else "rows of its own"
    _log.info(
        "linking %s clients of %s with %s %s (%s), bundle %s (%s), %s%s",
        f"{job.clients:,}",
        job.said.clients,
        f"{len(job.opened.linker.index):,}",
        rows,
        f"state {run.table_state}",
        settings.bundle,
        run.bundle,
        "1 worker" if settings.workers == 1 else f"{settings.workers} workers",
        f", going on after {finished:,} finished clients" if finished else "",
    )


def _say_end(job: _Job, seconds: float, speed: float) -> None:
    """The result line: decisions counted, time, speed and where the result is."""
    counts = {kind: job.writer.counts[kind] for kind in DECISIONS.values()}
    said = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
    say(
        f"{job.clients:,} clients, {counts['link'] / job.clients:.1%} linked ({said}), "
        f"{seconds:.1f} s, {speed:,.0f} clients/s, {job.said.output}",
        clients=job.clients,
        **counts,
        seconds=round(seconds, 1),
        run_id=job.layout.run.run_id,
        output=str(job.said.output),
    )
    if job.log is not None:
        say_next(job.log, job.settings)


main = command("link", LinkSettings, run, rewrite=with_short_words)
