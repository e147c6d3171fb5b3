"""`python -m linkage_rl.companies`: loads or refreshes a company table and its index."""

if __name__ == "__main__":
    # before the imports, which take seconds and may lack an extra
    from linkage_rl.command_line import run_command

    run_command("companies")
    raise SystemExit

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tqdm.auto import tqdm

from linkage_rl.candidates.refresh import build_index, open_index
from linkage_rl.config.command import command, say
from linkage_rl.config.inputs import TableChoice, choose_database, index_folder
from linkage_rl.errors import ConfigError
from linkage_rl.records import CompanyRows
from linkage_rl.tables.credentials import shown
from linkage_rl.tables.nta import is_difference, read_nta
from linkage_rl.tables.readers import open_companies, read_companies
from linkage_rl.tables.schema import CANONICAL
from linkage_rl.tables.store import CompanyStore


@dataclass(frozen=True)
class CompaniesSettings:
    """The company file, and the database and index it goes into."""

    source: str = ""
    """Company file; '' takes that of `table`, and without one only the index is built."""
    database: str = ""
    """Database URL or path of an SQLite file; '' takes that of `table` or of the environment."""
    index: str = ""
    """Index folder; '' takes the default place of the database."""
    refresh: bool = False
    """Whether to apply changes to the index instead of rebuilding it."""
    encoding: str = ""
    """Encoding of a CSV file; '' detects it."""
    sheet: str = ""
    """Sheet of a workbook; '' takes the one with the likeliest header."""
    header_row: int = 0
    """Row of the header, counted from 1; 0 finds it."""
    nta: bool = False
    """Whether a CSV file has the layout of the National Tax Agency, without a header; a zip always
    has."""
    replace: bool = False
    """Whether the file is a complete snapshot: companies that it lacks are removed."""
    replace_limit: float = 0.1
    """Largest share of the table's companies that `replace` may remove, in [0, 1]."""
    table: TableChoice = field(default_factory=TableChoice)

    def __post_init__(self) -> None:
        if not 0 <= self.replace_limit <= 1:
            raise ConfigError(f"replace_limit must be from 0 to 1, got {self.replace_limit}")
        if self.replace and not (self.source or self.table.source):
            raise ConfigError(
                "replace=true needs source=, the file of all companies that the table is to have"
            )
        if self.header_row < 0:
            raise ConfigError(f"header_row must be at least 0, got {self.header_row}")


def run(settings: CompaniesSettings) -> None:
    """Load the file if there is one, then build or refresh the index, and print a summary.

    Raises:
        LinkageError: The file has a fault, the database cannot be written, or the disk is full;
            the table is then as it was.
    """
    table = settings.table
    source = settings.source or table.source
    chosen = choose_database(settings.database, table)
    # the mapping is that of the file; the table that it is loaded into has canonical columns
    mapping = CANONICAL if source else table.mapping
    say(chosen.said(mapping.table))
    with CompanyStore(
        chosen.text, mapping, read_only=not source, limits=table.limits, paging=table.paging
    ) as store:
        if source:
            load(store, Path(source).expanduser(), settings)
        folder = index_folder(store, settings.index or table.index)
        counts = store.check()
        begin = time.perf_counter()
        if settings.refresh:
            open_index(store, folder)
        else:
            build_index(store, folder)
        seconds = time.perf_counter() - begin
        verb = "refreshed" if settings.refresh else "built"
        where = shown(store.url)
        say(f"table    {counts.rows:,} companies, {counts.open:,} of them open, in {where}")
        if counts.said_left_out:
            say(f"left out {counts.said_left_out}")
        for line in store.said_conditions():
            say(f"closed   {line}")
        say(f"index    {verb} in {seconds:.1f} s, {_megabytes(folder):,.0f} MB, in {folder}")


def load(store: CompanyStore, source: Path, settings: CompaniesSettings) -> None:
    """Check the file to its end, then load all of it or, on a fault, nothing."""
    begin = time.perf_counter()
    if settings.replace and _from_tax_agency(source, settings) and is_difference(source):
        raise ConfigError(
            f"replace=true needs all companies, got {source}, a daily difference of the tax agency;"
            " load it without replace=true, or its full file (全件データ) with it"
        )
    if not _from_tax_agency(source, settings):
        _say_columns(source, settings)
    checked = _with_progress(_chunks(source, settings), "checking")
    rows = sum(len(chunk.records) for chunk in checked)
    store.create()
    chunks = _with_progress(_chunks(source, settings, store), "loading", rows)
    removed = 0
    if settings.replace:
        _, removed = store.replace(chunks, settings.replace_limit)
    else:
        store.load(chunks)
    seconds = time.perf_counter() - begin
    say(f"loaded   {rows:,} rows of {source} in {seconds:.1f} s ({rows / seconds:,.0f} rows/s)")
    if settings.replace:
        say(f"removed  {removed:,} companies that {source} lacks")


def _chunks(
    source: Path, settings: CompaniesSettings, store: CompanyStore | None = None
) -> Iterator[CompanyRows]:
    if _from_tax_agency(source, settings):
        return read_nta(source, store)
    return read_companies(
        source,
        settings.table.mapping,
        encoding=settings.encoding,
        sheet=settings.sheet,
        header_row=settings.header_row,
    )


def _from_tax_agency(source: Path, settings: CompaniesSettings) -> bool:
    return settings.nta or source.suffix == ".zip"


def _say_columns(source: Path, settings: CompaniesSettings) -> None:
    opened = open_companies(
        source,
        settings.table.mapping,
        encoding=settings.encoding,
        sheet=settings.sheet,
        header_row=settings.header_row,
    )
    if str(opened):
        say(str(opened))


def _with_progress(
    chunks: Iterator[CompanyRows], title: str, total: int | None = None
) -> Iterator[CompanyRows]:
    with tqdm(total=total, desc=title, unit="row", unit_scale=True, disable=None) as bar:
        for chunk in chunks:
            yield chunk
            bar.update(len(chunk.records))


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


main = command("companies", CompaniesSettings, run)
