"""`linkage-rl log`: makes a decision log, imports into it, and says what is in it."""

if __name__ == "__main__":
    # before the imports, which take seconds and may lack an extra
    from linkage_rl.command_line import run_command

    run_command("log")
    raise SystemExit

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from linkage_rl.bundle_manifest import MANIFEST
from linkage_rl.config.command import command, say
from linkage_rl.config.inputs import TableChoice, choose_database, open_linker
from linkage_rl.decision_log.capture import CaptureCounts, capture_files, read_capture
from linkage_rl.decision_log.forgetting import MAX_DAYS
from linkage_rl.decision_log.importing import Relinking, import_captured
from linkage_rl.decision_log.opening import named_log
from linkage_rl.decision_log.overview import Overview, overview
from linkage_rl.decision_log.privacy import FULL, HASHES, KINDS
from linkage_rl.decision_log.questions import Questions
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.decision_log.verdict_file import import_verdicts
from linkage_rl.errors import ConfigError
from linkage_rl.linked_columns import digest
from linkage_rl.tables.writer import file_fingerprint

UNCHANGED: Final = -1
"""`retention_days` that leaves the log as it is."""
_MOST: Final = 8
"""Customers, ids and versions that are listed."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LogSettings:
    """The log, and what is imported into it."""

    log: str = ""
    """Decision log: URL of a database, or an SQLite file; '' takes `LINKAGE_LOG_URL`."""
    capture: str = ""
    """File of SageMaker's data capture, or a folder of such files, whose answers are imported."""
    csv_columns: tuple[str, ...] = ()
    """Columns of captured requests in CSV without a header."""
    bundle: str = ""
    """Bundle with which captured clients are linked again, so that their decisions can be learned
    from; '' logs the answers alone."""
    database: str = ""
    """Database of companies for that, see `evaluate`."""
    index: str = ""
    """Index folder of the database; '' takes the default place."""
    table: TableChoice = field(default_factory=TableChoice)
    customer: str = ""
    """Whose clients captured ones are, where their requests did not say."""
    list: str = ""
    """The same for the list."""
    verdicts: str = ""
    """CSV file or workbook with the columns decision_id and verdict (accept, reject, none, unsure,
    or a company id), and perhaps company_id and reviewer."""
    reviewer: str = ""
    """Who gave the verdicts, where their list does not say."""
    privacy: str = ""
    """'hashes' makes a log that keeps keyed hashes of client ids and fields, 'full' one with the
    clients as they came; '' takes what the log has, and 'full' for a new one."""
    retention_days: int = UNCHANGED
    """Days after which `forget` and the server delete decisions, 0 for never; -1 leaves it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "log", named_log(self.log))
        if not self.log:
            raise ConfigError("log needs log=, the URL or the file of a decision log")
        if self.privacy and self.privacy not in KINDS:
            raise ConfigError(f"privacy takes one of {', '.join(KINDS)}, got {self.privacy!r}")
        if self.bundle and not self.capture:
            raise ConfigError("bundle= links captured clients again, and needs capture=")
        if not UNCHANGED <= self.retention_days <= MAX_DAYS:
            raise ConfigError(
                f"retention_days must be 0 to {MAX_DAYS:,}, or -1 to leave it, got "
                f"{self.retention_days}"
            )

    @property
    def creates(self) -> bool:
        """Whether a log is made where there is none; looking at one makes none."""
        return bool(self.privacy or self.capture) or self.retention_days > UNCHANGED


def run(settings: LogSettings) -> None:
    """Import what the settings name, then say what is in the log.

    Raises:
        LinkageError: There is no such log, or a file cannot be read.
    """
    days = None if settings.retention_days == UNCHANGED else settings.retention_days
    with DecisionLog.open(
        settings.log, settings.creates, privacy=settings.privacy, retention_days=days
    ) as log:
        if settings.capture:
            _import_capture(log, settings)
        if settings.verdicts:
            _import_verdicts(log, settings)
        _say(log, overview(log))


def _import_capture(log: DecisionLog, settings: LogSettings) -> None:
    files = capture_files(Path(settings.capture).expanduser())
    counts = CaptureCounts()
    captured = read_capture(files, counts, settings.csv_columns)
    with ExitStack() as resources:
        again = _relinking(settings, resources) if settings.bundle else None
        new = import_captured(log, captured, again, settings.customer, settings.list)
    decisions = counts.versions.total()
    say(
        f"imported {new:,} decisions of {decisions:,} in {counts.events:,} captured requests; "
        f"{decisions - new:,} were there, {counts.invalid:,} clients had an error, "
        f"{counts.without_decisions:,} requests have no decisions",
        imported=new,
        captured=decisions,
    )
    if counts.unreadable:
        _log.warning(
            "%d captured requests cannot be read: %s", counts.unreadable, "; ".join(counts.faults)
        )
    if again is not None:
        _warn_of_other_bundles(counts, again)


def _relinking(settings: LogSettings, resources: ExitStack) -> Relinking:
    chosen = choose_database(settings.database, settings.table, settings.bundle)
    say(chosen.said(settings.table.columns.table, settings.bundle))
    linker, state = resources.enter_context(
        open_linker(settings.bundle, settings.database, settings.index, settings.table)
    )
    manifest = Path(settings.bundle).expanduser() / MANIFEST
    return Relinking(linker, file_fingerprint(manifest), digest(state))


def _warn_of_other_bundles(counts: CaptureCounts, again: Relinking) -> None:
    others = {one: n for one, n in counts.versions.items() if not again.bundle.startswith(one)}
    if others:
        _log.warning(
            "%d decisions were made by another bundle (version %s); what is logged as seen is "
            "what %s sees",
            sum(others.values()),
            ", ".join(list(others)[:_MOST]),
            again.bundle[:12],
        )


def _import_verdicts(log: DecisionLog, settings: LogSettings) -> None:
    path = Path(settings.verdicts).expanduser()
    found = import_verdicts(log, path, settings.reviewer)
    say(
        f"imported {found.written:,} verdicts of {path}; {found.repeated:,} rows say what counts "
        f"already, {found.empty:,} have no verdict",
        written=found.written,
        repeated=found.repeated,
        empty=found.empty,
    )
    if found.unknown:
        ids = ", ".join(found.unknown[:_MOST])
        _log.warning(
            "%d decisions are not in the log, and their verdicts were left out: %s",
            len(found.unknown),
            ids,
        )
    if found.not_shown:
        _log.warning(
            "%d verdicts name a company that was not among the candidates of the decision; check "
            "a few of their ids",
            found.not_shown,
        )


def _say(log: DecisionLog, found: Overview) -> None:
    kept = f"{log.retention_days:,} days" if log.retention_days else "for ever"
    privacy = HASHES if log.privacy.hashes_only else FULL
    say(f"log      {log}, privacy {privacy}, kept {kept}")
    span = f" from {found.first[:10]} to {found.last[:10]}" if found.first else ""
    say(f"decisions {found.decisions:,}{_listed(found.actions)}{span}", **vars_of(found))
    if found.decisions:
        say(f"from     {_words(found.sources)}")
        learnable = sum(number for version, number in found.features.items() if version)
        say(f"evidence {learnable:,} decisions can be learned from{_versions(found)}")
    named = {name or "(no customer)": number for name, number in found.customers.items()}
    if set(found.customers) - {""}:
        say(f"customers {_words(named)}")
    say(f"verdicts {found.verdicts:,} on {found.judged:,} decisions{_listed(found.answers)}")
    for queue in Questions(log).queues():
        say(
            f"queue    {queue.queue_id} {queue.kind} of {queue.created_at[:10]}: "
            f"{queue.answered:,} of {queue.questions:,} answered"
        )


def vars_of(found: Overview) -> dict[str, object]:
    """The counts for programs that read `log=json`."""
    return {"decisions": found.decisions, "verdicts": found.verdicts, "judged": found.judged}


def _versions(found: Overview) -> str:
    versions = [version for version in found.features if version]
    return f", by {len(versions)} versions of the features" if len(versions) > 1 else ""


def _listed(counts: Mapping[str, int]) -> str:
    return f" ({_words(counts)})" if counts else ""


def _words(counts: Mapping[str, int]) -> str:
    """The largest counts: 'link 30, no_match 2'."""
    ordered = sorted(counts.items(), key=lambda one: -one[1])
    more = f", and {len(ordered) - _MOST:,} more" if len(ordered) > _MOST else ""
    return ", ".join(f"{name} {number:,}" for name, number in ordered[:_MOST]) + more


main = command("log", LogSettings, run)
