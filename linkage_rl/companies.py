"""`python -m linkage_rl.companies`: loads or updates a company table and its index."""

if __name__ == "__main__":
    # before the imports, which take seconds and may lack an extra
    from linkage_rl.command_line import run_command

    run_command("companies")
    raise SystemExit

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from linkage_rl.candidates.refresh import build_index, open_index
from linkage_rl.config.command import command, say
from linkage_rl.config.inputs import TableChoice, database_of, index_folder
from linkage_rl.records import CompanyRows
from linkage_rl.tables.credentials import shown
from linkage_rl.tables.nta import read_nta
from linkage_rl.tables.readers import read_companies
from linkage_rl.tables.schema import CANONICAL
from linkage_rl.tables.store import CompanyStore


@dataclass(frozen=True)
class CompaniesSettings:
    """What is loaded, and where to."""

    source: str = ""
    """Company file; '' takes that of `table`, and without one only the index is made."""
    database: str = ""
    """Database URL or path of an SQLite file; '' takes that of `table` or of the environment."""
    index: str = ""
    """Index folder; '' takes the usual place."""
    refresh: bool = False
    """Whether to apply changes to the index instead of building it anew."""
    encoding: str = ""
    """Encoding of a CSV file; '' finds it out."""
    nta: bool = False
    """Whether a file without header is the tax agency's; a zip always is."""
    table: TableChoice = field(default_factory=TableChoice)


def run(settings: CompaniesSettings) -> None:
    """Load the file if there is one, then bring the index up to date; prints what was done.

    Raises:
        LinkageError: The file has a fault, the database cannot be written, or the disk is full;
            the table is then as it was.
    """
    table = settings.table
    source = settings.source or table.source
    url = database_of(settings.database or table.database)
    # a file comes in by the mapping; the table it goes into is the canonical one
    with CompanyStore(url, CANONICAL if source else table.mapping, read_only=not source) as store:
        if source:
            load(store, Path(source).expanduser(), settings)
        folder = index_folder(store, settings.index or table.index)
        store.check()
        begin = time.perf_counter()
        index = open_index(store, folder) if settings.refresh else build_index(store, folder)
        seconds = time.perf_counter() - begin
        done = "refreshed" if settings.refresh else "built"
        say(f"table    {store.count():,} companies, {len(index):,} of them open, in {shown(url)}")
        say(f"index    {done} in {seconds:.1f} s, {_megabytes(folder):,.0f} MB, in {folder}")


def load(store: CompanyStore, source: Path, settings: CompaniesSettings) -> None:
    """Read the file through to meet all its faults, then load it whole."""
    begin = time.perf_counter()
    rows = sum(len(chunk.records) for chunk in _shown(_chunks(source, settings), "checking"))
    store.create()
    store.load(_shown(_chunks(source, settings, store), "loading", rows))
    seconds = time.perf_counter() - begin
    say(f"loaded   {rows:,} rows of {source} in {seconds:.1f} s ({rows / seconds:,.0f} rows/s)")


def _chunks(
    source: Path, settings: CompaniesSettings, store: CompanyStore | None = None
) -> Iterator[CompanyRows]:
    if settings.nta or source.suffix == ".zip":
        return read_nta(source, store)
    return read_companies(source, settings.table.mapping, encoding=settings.encoding)


def _shown(
    chunks: Iterator[CompanyRows], title: str, total: int | None = None
) -> Iterator[CompanyRows]:
    with tqdm(total=total, desc=title, unit="row", unit_scale=True, disable=None) as bar:
        for chunk in chunks:
            yield chunk
            bar.update(len(chunk.records))


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


main = command("companies", CompaniesSettings, run)
