"""Writes results as Parquet, through a partial file that can be continued.

A Parquet file ends with a table of its contents, so one that was cut short cannot be read. Chunks
are therefore kept as an Arrow stream, which can be cut anywhere between two of them, and become
Parquet when the last one is there.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from linkage_rl.errors import ConfigError
from linkage_rl.tables.arrow import has_parquet, pa, pq
from linkage_rl.tables.jsonl_writer import json_values
from linkage_rl.tables.partial_file import PartialFile
from linkage_rl.tables.writer import NestedColumn, ResultColumns, ResultRows, without_surrogates

ROW_GROUP: Final = 65_536
"""Clients of a row group, whatever the size of the chunks."""


class ParquetWriter(PartialFile):
    """A Parquet file that gets its name only when it is complete."""

    def __init__(
        self, path: Path, columns: ResultColumns, fingerprint: str, started: str = ""
    ) -> None:
        """Create the partial file, or continue the one that exists; see `PartialFile`.

        Args:
            path: The result file.
            columns: Its columns; a nested one is a list of structures.
            fingerprint: Of everything that the result depends on.
            started: When the run began.

        Raises:
            ConfigError: pyarrow is not installed.
            OutputError: The folder is missing or not writable, or the disk is full.
        """
        if not has_parquet():
            raise ConfigError(
                f"writing {path} needs pyarrow, which is not installed; "
                "pip install 'linkage_rl[parquet]', or name a .csv or .jsonl file"
            )
        super().__init__(path, fingerprint, started)
        self._columns = columns
        self._schema = _schema(columns)
        self._begin(self._schema.serialize().to_pybytes())

    def write(self, rows: ResultRows) -> None:
        """Append the rows of one chunk; they are safe afterwards.

        Raises:
            OutputError: The disk is full; earlier chunks stay safe.
        """
        columns = self._columns
        numbers = columns.numbers
        arrays = [
            *(_array(rows.texts[name], name in numbers) for name in columns.decision),
            *(_lists(rows, column, numbers) for column in columns.nested),
            *(_array(rows.texts[name], False) for name in columns.own),
        ]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        self._append(batch.serialize().to_pybytes(), len(rows), rows.counts())

    def _publish(self) -> None:
        whole = self._partial.with_name(f"{self._partial.name}.parquet")
        # unbuffered, and a file of Python, whose errors say that the disk is full
        with (
            pa.memory_map(str(self._partial)) as source,
            pa.ipc.open_stream(source) as batches,
            whole.open("wb", buffering=0) as stream,
            pq.ParquetWriter(pa.PythonFile(stream), self._schema) as writer,
        ):
            for group in _row_groups(batches):
                writer.write_table(group)
        whole.replace(self.path)
        self._partial.unlink()


def _schema(columns: ResultColumns) -> Any:
    def field(name: str) -> Any:
        return pa.field(name, pa.float64() if name in columns.numbers else pa.string())

    return pa.schema(
        [
            *map(field, columns.decision),
            *(
                pa.field(column.name, pa.list_(pa.struct([*map(field, column.fields)])))
                for column in columns.nested
            ),
            *(pa.field(name, pa.string()) for name in columns.own),
        ]
    )


def _array(texts: Sequence[str], number: bool) -> Any:
    values = json_values(without_surrogates(texts), number)
    return pa.array(values, pa.float64() if number else pa.string())


def _lists(rows: ResultRows, column: NestedColumn, numbers: frozenset[str]) -> Any:
    nested = rows.nested[column.name]
    structures = pa.StructArray.from_arrays(
        [_array(nested.fields[name], name in numbers) for name in column.fields],
        names=list(column.fields),
    )
    offsets = pa.array([0, *nested.counts.cumsum().tolist()], pa.int32())
    return pa.ListArray.from_arrays(offsets, structures)


def _row_groups(batches: Iterable[Any]) -> Iterator[Any]:
    """The rows of the batches as tables of `ROW_GROUP` rows, so that chunks leave no trace."""
    waiting: list[Any] = []
    for batch in batches:
        waiting.append(batch)
        while sum(map(len, waiting)) >= ROW_GROUP:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, ROW_GROUP).combine_chunks()
            waiting = table.slice(ROW_GROUP).to_batches()
    if any(map(len, waiting)):
        yield pa.Table.from_batches(waiting).combine_chunks()
