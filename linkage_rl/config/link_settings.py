"""Settings of the `link` command."""

from dataclasses import dataclass, field
from pathlib import Path

from linkage_rl.config.inputs import TableChoice
from linkage_rl.config.launchers import LauncherSettings
from linkage_rl.errors import ConfigError
from linkage_rl.tables.schema import CANONICAL, ColumnMapping
from linkage_rl.tables.xlsx_file import ENDINGS


@dataclass(frozen=True)
class LinkSettings:
    """The client list, the bundle that links it, and the company table it is linked with."""

    bundle: str = ""
    """Bundle folder; '' takes the one that is trained for this table and list, see `own_bundle`."""
    adapt: bool = False
    """Whether the bundle is trained anew, from its labels and from clients like those of the
    list."""
    clients: str = ""
    """Client list: a CSV or Parquet file, or a workbook."""
    output: str = ""
    """CSV file to write; it appears, or is replaced, when it is complete."""
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
    chunk: int = 8192
    """Clients that are linked and written together; an interrupted run loses at most one chunk."""
    workers: int = 1
    """Processes that link; they share the memory-mapped index, and the output is the same."""
    columns: ColumnMapping = field(default_factory=lambda: CANONICAL)
    """Columns of the client list."""
    table: TableChoice = field(default_factory=TableChoice)
    launcher: LauncherSettings = field(default_factory=LauncherSettings)
    """Where the workers run."""

    def __post_init__(self) -> None:
        for name, what in (
            ("clients", "the client list to link"),
            ("output", "the CSV file to write"),
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
        if Path(self.output).suffix.lower() in (".parquet", *ENDINGS):
            raise ConfigError(f"link writes CSV, got output={self.output}; name a .csv file")
        if Path(self.output).resolve() == Path(self.clients).resolve():
            raise ConfigError(f"output={self.output} would replace the client list; name another")
