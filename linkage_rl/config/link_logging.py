"""What `link` writes into a decision log, chunk after chunk; workers make the rows, too."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from linkage_rl.config.command import say
from linkage_rl.config.inputs import database_from_here, from_here
from linkage_rl.config.link_settings import LinkSettings
from linkage_rl.decision_log.evidence_file import EvidenceFile
from linkage_rl.decision_log.forgetting import forget_ids
from linkage_rl.decision_log.linked import Facts, PackedEvidence, ids_of_run, rows_of
from linkage_rl.decision_log.privacy import Privacy
from linkage_rl.decision_log.rows import DecisionRows
from linkage_rl.decision_log.schema import DECISIONS
from linkage_rl.decision_log.store import IDS, DecisionLog
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.linked_columns import Run
from linkage_rl.linked_list import ResultLayout
from linkage_rl.linker import Linker
from linkage_rl.tables.readers import ClientList
from linkage_rl.tables.writer import ResultRows

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LinkedChunk:
    """A chunk of a list that was linked."""

    rows: ResultRows
    logged: DecisionRows | None = None
    """Its decisions for the log; None without one."""


@dataclass(frozen=True)
class FirstLook:
    """What the first pass over a list leaves of a chunk."""

    first: NDArray[np.void]
    """Structured array of `FIRST_PASS`, shape (N,)."""
    packed: PackedEvidence | None
    """What the policy saw; None without a log."""

    @classmethod
    def of(cls, linker: Linker, chunk: ClientList) -> Self:
        """Run the first pass over one chunk of a list."""
        first, seen = linker.first_pass_with_evidence(chunk.records)
        return cls(first, None if seen is None else PackedEvidence.of(seen))


@dataclass(frozen=True)
class RunLog:
    """What the logged decisions of one run have in common."""

    facts: Facts
    run: str
    """Tells the run from every other; the ids of its decisions derive from it."""

    @classmethod
    def of(
        cls,
        settings: LinkSettings,
        run: Run,
        mark: str,
        linker: Linker,
        as_list: bool,
        privacy: Privacy,
    ) -> Self:
        """The log of a run.

        Args:
            settings: The settings of the command.
            run: The run.
            mark: Fingerprint of list, bundle and settings.
            linker: It decides.
            as_list: Whether the list stage of the bundle decides.
            privacy: What the log keeps of clients.
        """
        facts = Facts.of(
            linker,
            "link",
            run.bundle,
            run.table_state,
            privacy,
            settings.customer,
            run.run_id,
            as_list,
        )
        return cls(facts, "\0".join((mark, run.linked_at)))

    def drop_outdated(self, log: DecisionLog, begin: int, clients: int) -> None:
        """Delete what an earlier start of the run logged of clients that are linked again now.

        The company table has changed since, and the result will say something else of them.

        Args:
            log: The log.
            begin: Clients that are finished.
            clients: Clients after them that may have been logged before.

        Raises:
            DatabaseError: The log refused it.
        """
        ids = ids_of_run(self.run, begin, clients)
        outdated: list[str] = []
        for page in range(0, len(ids), IDS):
            statement = select(DECISIONS.c.decision_id).where(
                DECISIONS.c.decision_id.in_(ids[page : page + IDS]),
                DECISIONS.c.table_state != self.facts.table_state,
            )
            with log.reading("read decisions") as connection:
                outdated += connection.execute(statement).scalars()
        forgotten = forget_ids(log, outdated)
        if outdated:
            _log.warning(
                "%d decisions of an earlier start of this run are replaced, since the table "
                "has changed; %d verdicts on them are gone",
                forgotten.decisions,
                forgotten.verdicts,
            )

    def warn_of_lost(self, log: DecisionLog, finished: int) -> None:
        """Warn where a run goes on of whose finished clients the log lacks some.

        Args:
            log: The log.
            finished: Clients that an earlier start of the run has finished.
        """
        # a run_id= that was used before has more decisions than those of this run
        found = len(log.known(ids_of_run(self.run, 0, finished)))
        if found < finished:
            _log.warning(
                "of %s clients that are finished, the log %s holds %s: the others were deleted "
                "from it, and stay out",
                *(f"{finished:,}", log, f"{found:,}"),
            )

    def chunk(
        self,
        layout: ResultLayout,
        linked: LinkedBatch,
        clients: ClientList,
        packed: PackedEvidence | None = None,
        numbers: Mapping[str, NDArray[np.int64]] | None = None,
    ) -> LinkedChunk:
        """The rows of a chunk, of the result and of the log.

        Args:
            layout: Of the rows of the result.
            linked: The decisions on N clients.
            clients: The clients.
            packed: Their evidence; None packs that of `linked`.
            numbers: See `ResultLayout.rows`.
        """
        ids = ids_of_run(self.run, clients.begin, len(clients))
        return LinkedChunk(
            layout.rows(linked, clients, numbers, ids),
            rows_of(linked, clients.records, self.facts, ids, packed),
        )


def open_log(settings: LinkSettings, resources: ExitStack) -> DecisionLog | None:
    """The log that the settings name, closed with the other resources; None for none. Says which.

    Raises:
        LinkageError: It cannot be opened or created.
    """
    if not settings.log:
        return None
    log = resources.enter_context(DecisionLog.open(settings.log))
    say(f"log      {log}")
    return log


def say_next(log: DecisionLog, settings: LinkSettings) -> None:
    """Say which commands make something of the logged decisions."""
    bundle = f"bundle={from_here(Path(settings.bundle))}"
    table = f"database={database_from_here(settings.database)}" if settings.database else bundle
    say(f"next     linkage-rl review log={log} {table}")
    say(f"         then linkage-rl learn {bundle} log={log} output=learned")


def evidence_chunks(seen: EvidenceFile | None, begin: int) -> Iterator[PackedEvidence | None]:
    """The evidence of each chunk after the first `begin` clients; None for each without a log."""
    if seen is not None:
        yield from seen.chunks(begin)
        return
    while True:
        yield None
