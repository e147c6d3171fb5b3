"""What the commands do, as functions on tables: `linkage_rl.link`, `.load_bundle` and `.train`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from linkage_rl import bundle as bundles
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.refresh import open_index
from linkage_rl.config.inputs import database_of, index_folder
from linkage_rl.decision_log.list_log import Log
from linkage_rl.errors import ConfigError
from linkage_rl.frame_linker import FrameLinker, Table, company_rows
from linkage_rl.frames import Columns, column_mapping
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.linked_columns import digest
from linkage_rl.protocols import CompanySource
from linkage_rl.records import RecordBatch
from linkage_rl.tables.readers import read_companies
from linkage_rl.tables.store import CompanyStore
from linkage_rl.tables.writer import file_fingerprint
from linkage_rl.tables.xlsx_file import ENDINGS

if TYPE_CHECKING:
    from linkage_rl.training.pipeline import RunResult

_COMPANY_FILES = (".csv", ".tsv", ".txt", ".parquet", *ENDINGS)


def load_bundle(
    folder: Path | str,
    index: CompanyIndex | None = None,
    source: CompanySource | None = None,
) -> FrameLinker:
    """The linker of a bundle; `load_bundle(DIR).link(clients)` links a table of clients.

    Args:
        folder: The folder that `linkage-rl train` or `export` wrote.
        index: Another state of the company table; None takes the index in the bundle.
        source: Where the fields of linked companies are read; None takes those in the index.

    Raises:
        BundleError: A part is missing or damaged, or a golden client gets another answer.
    """
    path = Path(folder).expanduser()
    linker = bundles.load_bundle(path, index, source)
    own = digest(linker.index.state) if index is None else ""
    return FrameLinker.of(linker, file_fingerprint(path / "manifest.json"), own)


@overload
def link(
    clients: RecordBatch,
    bundle: Path | str | FrameLinker | None = None,
    companies: object = None,
    *,
    log: Log | None = None,
    customer: str = "",
    list_id: str = "",
) -> LinkedBatch: ...


@overload
def link(
    clients: Sequence[Mapping[str, Any]],
    bundle: Path | str | FrameLinker | None = None,
    companies: object = None,
    *,
    columns: Columns = None,
    company_columns: Columns = None,
    progress: bool | None = None,
    log: Log | None = None,
    customer: str = "",
    list_id: str = "",
) -> list[dict[str, Any]]: ...


@overload
def link(
    clients: Table,
    bundle: Path | str | FrameLinker | None = None,
    companies: object = None,
    *,
    columns: Columns = None,
    company_columns: Columns = None,
    progress: bool | None = None,
    log: Log | None = None,
    customer: str = "",
    list_id: str = "",
) -> Table: ...


def link(
    clients: Any,
    bundle: Path | str | FrameLinker | None = None,
    companies: object = None,
    *,
    columns: Columns = None,
    company_columns: Columns = None,
    progress: bool | None = None,
    log: Log | None = None,
    customer: str = "",
    list_id: str = "",
) -> Any:
    """Find the company of each client, as `linkage-rl link` does.

    Args:
        clients: A pandas or polars DataFrame, an Arrow table, or a list of dicts; see
            `FrameLinker.link` for what it may hold. A `RecordBatch` gives a `LinkedBatch`.
        bundle: Bundle folder, or what `load_bundle` returned. It is needed: only the command
            `linkage-rl link` trains one for a list where none is given.
        companies: The companies to link with: a database URL or path of an SQLite file, a
            company file (.csv, .tsv, .xlsx, .parquet), a `CompanyStore`, or a table of companies,
            with `company_id` and `name`. Files and tables are indexed in memory; None takes the
            index in the bundle.
        columns: Field to column of the client table, as {"name": "会社名"}.
        company_columns: The same for the company table.
        progress: Whether to show a bar; None shows one for long tables in a terminal or a
            notebook.
        log: Decision log, or its URL or SQLite file, into which every decision is written with
            what the policy saw; the result then has a column `decision_id`.
        customer: Whose clients they are, for the log.
        list_id: Name of the table in the log; '' makes one.

    Returns:
        A table of the same kind, with the decisions, the fields of the linked companies and the
        client's own columns.

    Raises:
        ConfigError: There is no bundle.
        LinkageError: Clients, companies or the bundle have a fault.
    """
    if bundle is None:
        raise ConfigError(
            "linkage_rl.link needs bundle=; linkage_rl.train(['clients=own', 'clients.like=FILE', "
            "'table.database=URL']).bundle is one that needs no labels, and the command linkage-rl "
            "link trains it by itself"
        )
    with _linker(bundle, companies, company_columns) as linker:
        return linker.link(clients, columns, progress, log=log, customer=customer, list_id=list_id)


@dataclass(frozen=True, eq=False)
class TrainResult:
    """What a training run leaves behind."""

    folder: Path
    """The run folder: report.html, metrics.json, checkpoints, bundle."""
    bundle: Path
    """The bundle folder in it."""
    metrics: Mapping[str, Mapping[str, Mapping[str, Mapping[str, float | int | None]]]] = field(
        repr=False
    )
    """Client list, system, and split (valid or test) to metric and value; "all" pools the lists."""
    table: str = field(repr=False)
    """The side-by-side tables of the test lists, as the command prints them."""
    shipped: str
    """The system that the bundle decides with: agent, or where clients were drawn from the table
    and it loses there, rules or static plan."""
    drawn: Mapping[str, Mapping[str, Any]] = field(repr=False)
    """Client list to what is said of clients that were drawn in its likeness: how many of its own
    are linked, and a `warning` where it seems unlike the table; as in `metrics.json`."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One dict for each list, system and split, as `pandas.DataFrame` takes them."""
        return [
            {"list": name, "system": system, "split": split, **values}
            for name, systems in self.metrics.items()
            for system, splits in systems.items()
            for split, values in splits.items()
        ]

    def load_bundle(self) -> FrameLinker:
        """The linker of the run's bundle."""
        return load_bundle(self.bundle)

    def __str__(self) -> str:
        return f"{self.table}\n\nrun      {self.folder}\nbundle   {self.bundle}"


def train(overrides: Sequence[str] = (), *, config_dir: Path | str | None = None) -> TrainResult:
    """Train an agent, as `linkage-rl train` does; needs the extra `train`.

    It may be called in a notebook, and several times: the working folder, the global state of
    Hydra and the process stay as they are.

    Args:
        overrides: Settings as on the command line, such as `["agent=dqn", "seed=2"]`.
        config_dir: A folder with configurations of one's own, searched besides those of the
            library.

    Raises:
        ConfigError: A setting makes no sense; the message names it.
        LinkageError: A file, the database or the index has a fault, the policy collapsed, or the
            disk is full.
    """
    from linkage_rl.config.command import command_line
    from linkage_rl.config.composing import composing
    from linkage_rl.train import COMPONENTS, TrainSettings, with_saved_overrides
    from linkage_rl.train import train as train_in_run_folder

    words = [f"--config-dir={config_dir}"] if config_dir else []
    words += with_saved_overrides(overrides)
    with composing("train", words, TrainSettings, COMPONENTS) as composed:
        return _result(
            train_in_run_folder(composed.settings, command_line("train", composed.words))
        )


def _result(run: "RunResult") -> TrainResult:
    return TrainResult(
        run.folder.absolute(),
        run.bundle.absolute(),
        run.comparison.metrics(),
        run.table,
        run.shipped.policy,
        {dataset: said.as_json() for dataset, said in run.shipped.statements.items()},
    )


@contextmanager
def _linker(
    bundle: Path | str | FrameLinker, companies: object, columns: Columns
) -> Iterator[FrameLinker]:
    """The linker of a bundle with these companies; a database is closed at the end."""
    if companies is None:
        yield bundle if isinstance(bundle, FrameLinker) else load_bundle(bundle)
    elif isinstance(companies, CompanyStore):
        yield _with_store(bundle, companies)
    elif isinstance(companies, (str, Path)) and Path(companies).suffix not in _COMPANY_FILES:
        url = database_of(str(companies))
        with CompanyStore(url, column_mapping(columns), read_only=True) as store:
            yield _with_store(bundle, store)
    else:
        yield _with_companies(bundle, _index_of(companies, columns), None)


def _with_store(bundle: Path | str | FrameLinker, store: CompanyStore) -> FrameLinker:
    """With the index that is kept for a database: refreshed, or built where there is none."""
    store.check()
    index = open_index(store, index_folder(store, ""))
    return _with_companies(bundle, index, store, digest(index.state))


def _index_of(companies: object, columns: Columns) -> CompanyIndex:
    """An index in memory of a company file or table."""
    if isinstance(companies, (str, Path)):
        path = Path(companies).expanduser()
        return CompanyIndex.build(read_companies(path, column_mapping(columns)))
    return CompanyIndex.build([company_rows(companies, columns)])


def _with_companies(
    bundle: Path | str | FrameLinker,
    index: CompanyIndex,
    source: CompanySource | None,
    table_state: str = "",
) -> FrameLinker:
    linker = bundle if isinstance(bundle, FrameLinker) else load_bundle(bundle, index, source)
    return replace(linker, index=index, source=source, table_state=table_state)
