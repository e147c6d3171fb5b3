"""Settings of the `link` command."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from linkage_rl.config.inputs import TableChoice
from linkage_rl.config.launchers import LauncherSettings
from linkage_rl.decision.assignment import CLAIMED_BY, LOST_TO
from linkage_rl.decision.duplicates import DUPLICATE_GROUP, THRESHOLD
from linkage_rl.decision_log.opening import named_log
from linkage_rl.errors import ConfigError
from linkage_rl.tables.schema import CANONICAL, ColumnMapping
from linkage_rl.tables.xlsx_file import ENDINGS

ONE_TO_ONE: Final = "one_to_one"
"""The `assignment` in which a company has one client at most."""
ONLY: Final = ("new", "changed")
"""Values of `only`."""
CSV_INJECTION: Final = ("quote", "keep")
"""Values of `csv_injection`."""
LONGEST_NAME: Final = 128
"""Characters of a customer or a run in a decision log."""
NESTING: Final = (".jsonl", ".ndjson", ".parquet")
"""Endings of files that can hold several entries per client."""


@dataclass(frozen=True)
class ShownCandidates:
    """Candidates that a result shows beside the decisions."""

    shown: int = 0
    """How many of the best candidates of each client are written, linked or not; where the list is
    decided as a whole, `records.SHORTLIST` of its own at most, and those of clients like it."""

    def __post_init__(self) -> None:
        if self.shown < 0:
            raise ConfigError(f"candidates must be at least 0, got {self.shown}")


@dataclass(frozen=True)
class LinkSettings:
    """The client list, the bundle that links it, and the company table it is linked with."""

    bundle: str = ""
    """Bundle folder; '' takes the one that is trained for this table and list, see `own_bundle`."""
    adapt: bool = False
    """Whether the bundle is trained anew, from its labels and from clients like those of the
    list."""
    clients: str = ""
    """Client list: a CSV or Parquet file, a workbook, or the URL of a database with `query`."""
    query: str = ""
    """SELECT statement, or name of a table or view, that gives the clients of a database."""
    output: str = ""
    """File to write, .csv, .jsonl or .parquet, which appears, or is replaced, when it is complete;
    or the URL of a database."""
    output_table: str = "linked"
    """Table of that database, 'schema.table' where the schema is not the default one; it is created
    if it is missing, and how far each run is stands in a second one, `<table>_runs`."""
    candidates: ShownCandidates = field(default_factory=ShownCandidates)
    """Candidates beside the decisions; `candidates=5` is short for `candidates.shown=5`."""
    explain: bool = False
    """Whether the result says of the best candidate of each client how far each field agrees and
    what it weighs; for .jsonl and .parquet files."""
    assignment: str = ""
    """'one_to_one' links every company with one client at most; '' sets no limit."""
    claims: bool = False
    """Whether a column `claimed_by` says how many clients are linked to the same company."""
    duplicates: bool = False
    """Whether a column `duplicate_group` says which clients of the list are one organisation."""
    dedupe: bool = False
    """Whether the list is linked with itself, without a company table."""
    duplicate_threshold: float = THRESHOLD
    """Probability from which on two clients are duplicates, for `duplicates` and `dedupe`."""
    only: str = ""
    """'new' links the clients that an earlier result lacks, 'changed' also those that have changed
    since or whose company has; the rows of all others are carried over. '' links every client."""
    previous: str = ""
    """The earlier result: a file, or the URL of a database with `output_table`; '' takes the output
    that there is."""
    run_id: str = ""
    """Name of the run in the result; '' takes a digest of its input and of its time. In a table
    a run of the same name replaces the rows of its clients."""
    linked_at: str = ""
    """Time of the run in the result, ISO 8601; '' takes the time at which it begins. Equal input
    gives equal bytes where it is given."""
    database: str = ""
    """Database URL or path of an SQLite file; '' takes that of `table` or of the
    environment, else the index of the given bundle, and without one `outputs/companies.db`."""
    index: str = ""
    """Index folder of the database; '' takes its default place."""
    encoding: str = ""
    """Encoding of a CSV list; '' detects it."""
    sheet: str = ""
    """Sheet of a workbook; '' takes the one with the likeliest header."""
    header_row: int = 0
    """Row of the header, counted from 1; 0 finds it."""
    bom: bool = False
    """Whether the output begins with a byte order mark, by which Excel recognises UTF-8."""
    csv_injection: str = ""
    """'quote' puts an apostrophe before texts of a CSV file that a spreadsheet would calculate,
    'keep' writes them as they are; '' quotes where the file is for a spreadsheet, with `bom`."""
    chunk: int = 8192
    """Clients that are linked and written together; an interrupted run loses at most one chunk."""
    workers: int = 1
    """Processes that link; they share the memory-mapped index, and the output is the same."""
    log: str = ""
    """Decision log: URL of a database, or an SQLite file, into which every decision is written with
    what the policy saw; the column `decision_id` of the result names each. '' takes
    `LINKAGE_LOG_URL`; none is written without both."""
    customer: str = ""
    """Whose clients they are, for the log."""
    columns: ColumnMapping = field(default_factory=lambda: CANONICAL)
    """Columns of the client list."""
    table: TableChoice = field(default_factory=TableChoice)
    launcher: LauncherSettings = field(default_factory=LauncherSettings)
    """Where the workers run."""

    def __post_init__(self) -> None:
        for name, what in (
            ("clients", "the client list to link"),
            ("output", "the file or the database to write"),
        ):
            if not getattr(self, name):
                raise ConfigError(f"link needs {name}=, {what}; see --help")
        if self.adapt and not self.bundle:
            raise ConfigError(
                "adapt=true needs bundle=, the bundle to adapt; without labels leave adapt out: a "
                "bundle is then trained for this table and list"
            )
        for name, least in (("chunk", 1), ("workers", 1), ("header_row", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if Path(self.output).suffix.lower() in ENDINGS:
            raise ConfigError(
                f"link writes no workbook, got output={_named(self.output)}; name a .csv file with "
                "bom=true, which Excel opens, or a .jsonl or .parquet file"
            )
        self._check_csv_injection()
        self._check_query()
        self._check_only()
        self._check_log()
        if self.linked_at:
            utc(self.linked_at)
        self._check_list()

    def _check_list(self) -> None:
        """Refuse settings of the whole list that make no sense together."""
        if self.assignment not in ("", ONE_TO_ONE):
            raise ConfigError(
                f"assignment takes {ONE_TO_ONE}, or nothing for no limit, got {self.assignment!r}"
            )
        if not 0 < self.duplicate_threshold <= 1:
            raise ConfigError(
                "duplicate_threshold must be above 0 and at most 1, got "
                f"{self.duplicate_threshold:g}"
            )
        if self.explain and Path(self.output).suffix.lower() not in NESTING:
            raise ConfigError(
                f"explain=true needs output= with one of the endings {', '.join(NESTING)}, got "
                f"output={_named(self.output)}"
            )
        if self.dedupe:
            self._check_dedupe()

    def _check_dedupe(self) -> None:
        """Refuse what makes no sense for a list that is linked with itself."""
        if not self.bundle:
            raise ConfigError("dedupe=true needs bundle=, which compares the rows of the list")
        for name in ("database", "index", "assignment", "claims", "duplicates", "adapt", "log"):
            if getattr(self, name):
                raise ConfigError(
                    f"dedupe=true links the list with itself, got {name}=; leave it out"
                )
        if self.candidates.shown:
            raise ConfigError("dedupe=true gives the best other row of each; leave candidates out")
        if self.table.database:
            raise ConfigError("dedupe=true links the list with itself; leave table= out")
        if self.workers > 1 or self.launcher.engine == "ray":
            raise ConfigError("dedupe=true runs in one process; leave workers and launcher out")

    def _check_csv_injection(self) -> None:
        if self.csv_injection not in ("", *CSV_INJECTION):
            raise ConfigError(
                f"csv_injection takes one of {', '.join(CSV_INJECTION)}, or nothing for quote with "
                f"bom=true and else keep, got {self.csv_injection!r}"
            )
        no_csv = is_url(self.output) or Path(self.output).suffix.lower() in NESTING
        if self.csv_injection == "quote" and no_csv:
            raise ConfigError(
                f"csv_injection=quote is of CSV files, got output={_named(self.output)}; leave it "
                "out, or name a .csv file"
            )

    @property
    def quotes_formulas(self) -> bool:
        """Whether texts of a CSV file that a spreadsheet would calculate get an apostrophe."""
        return self.csv_injection == "quote" or (self.bom and not self.csv_injection)

    @property
    def listed(self) -> tuple[str, ...]:
        """Columns of the result for which the whole list is looked at."""
        wanted = {
            CLAIMED_BY: self.claims or self.duplicates,
            LOST_TO: self.assignment == ONE_TO_ONE,
            DUPLICATE_GROUP: self.duplicates or self.dedupe,
        }
        return tuple(name for name, is_wanted in wanted.items() if is_wanted)

    def _check_only(self) -> None:
        if self.only not in ("", *ONLY):
            raise ConfigError(
                f"only takes one of {', '.join(ONLY)}, or nothing for every client, got {self.only}"
            )
        if self.previous and not self.only:
            raise ConfigError("previous= needs only=new or only=changed")
        if self.only and (self.listed or self.assignment or self.dedupe):
            raise ConfigError(
                "only= links a part of the list, and assignment, claims, duplicates and dedupe "
                "need all of it; leave one of them out"
            )

    def _check_log(self) -> None:
        if not self.dedupe:
            object.__setattr__(self, "log", named_log(self.log))
        if self.customer and not self.log:
            raise ConfigError("customer= is of a decision log; name one with log=")
        for name in ("customer", "run_id"):
            text = getattr(self, name)
            if self.log and len(text) > LONGEST_NAME:
                raise ConfigError(
                    f"expected at most {LONGEST_NAME} characters in {name}= with log=, got "
                    f"{len(text):,}"
                )

    def _check_query(self) -> None:
        if bool(self.query) != is_url(self.clients):
            raise ConfigError(
                "clients=URL and query= go together: query='SELECT ...', or the name of a table of "
                "that database, gives the clients"
            )


def with_short_words(words: Sequence[str]) -> list[str]:
    """Arguments with `candidates=5` in full: a plain `candidates` is a group of `configs/`.

    >>> with_short_words(["output=o.csv", "candidates=5"])
    ['output=o.csv', 'candidates.shown=5']
    """
    return [re.sub(r"^candidates=(?=-?\d+$)", "candidates.shown=", word) for word in words]


def is_url(text: str) -> bool:
    """Whether a place is the URL of a database, rather than a path.

    >>> is_url("postgresql://host/name"), is_url("linked.csv")
    (True, False)
    """
    return re.match(r"[\w+]+://", text) is not None


def utc(text: str) -> str:
    """A time in UTC to the millisecond, as results have it.

    Raises:
        ConfigError: It is no time of ISO 8601, or has no time zone.

    >>> utc("2026-01-31T09:00+09:00")
    '2026-01-31T00:00:00.000Z'
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ConfigError(
            f"linked_at takes a time with its zone, as 2026-01-31T09:00:00Z, got {text!r}"
        )
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _named(output: str) -> str:
    """The setting for a message: of a database, whose URL may hold a password, its kind."""
    return f"{output.partition('://')[0]}://..." if "://" in output else output
