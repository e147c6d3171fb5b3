"""What every writer of results takes: rows as columns, some of them lists of entries per client.

The writers themselves have modules of their own: `csv_writer`, `jsonl_writer`, `parquet_writer`
and `table_writer`, which writes into a database.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from linkage_rl.errors import InputFileError

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def file_fingerprint(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits.

    Raises:
        InputFileError: The file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputFileError(f"cannot read {path}: {error.strerror}; check the path") from None


def without_surrogates(texts: Sequence[str]) -> Sequence[str]:
    r"""Texts with U+FFFD for each lone surrogate, which neither UTF-8 nor a database can hold.

    >>> without_surrogates(["a\ud800b", "青空"])
    ['a\ufffdb', '青空']
    """
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return [_SURROGATE.sub("\ufffd", text) for text in texts]
    return texts


@dataclass(frozen=True)
class NestedColumn:
    """A column that holds several entries per client, such as its candidates."""

    name: str
    """In formats that can nest: 'candidates'."""
    single: str
    """Begins the names of the flat columns of other formats: 'candidate' for candidate_1_id."""
    fields: tuple[str, ...]
    """What an entry consists of."""
    width: int
    """Most entries of a client."""

    def flat_names(self) -> list[str]:
        """Names of its columns in formats that cannot nest."""
        return [
            f"{self.single}_{place}_{name}"
            for place in range(1, self.width + 1)
            for name in self.fields
        ]


@dataclass(frozen=True)
class ResultColumns:
    """The columns of a result, in their order."""

    decision: tuple[str, ...]
    """Columns of the decision, its company and its run; the first is the client's id."""
    own: tuple[str, ...]
    """The client's own columns, which come last."""
    nested: tuple[NestedColumn, ...] = ()
    """Columns between these two that hold several entries per client."""
    numbers: frozenset[str] = frozenset()
    """Names of columns, and of fields of nested ones, that are numbers where a format has them."""

    def flat_names(self) -> list[str]:
        """Names of all columns in a format that cannot nest."""
        nested = (name for column in self.nested for name in column.flat_names())
        return [*self.decision, *nested, *self.own]

    def flat_numbers(self) -> set[str]:
        """Those of `flat_names` that are numbers."""
        nested = {
            flat
            for column in self.nested
            for flat in column.flat_names()
            if flat.rpartition("_")[2] in self.numbers
        }
        return nested | (self.numbers & set(self.decision))


@dataclass(frozen=True)
class NestedValues:
    """The entries of N clients, one client after the other."""

    counts: NDArray[np.int64]
    """Entries of each client, shape (N,); P in all."""
    fields: Mapping[str, Sequence[str]]
    """P texts of each field."""

    def flat(self, column: NestedColumn) -> dict[str, list[str]]:
        """N texts for each of the column's flat names, '' where a client has fewer entries."""
        first = np.cumsum(self.counts) - self.counts
        texts = {}
        for place in range(column.width):
            some = np.flatnonzero(self.counts > place)
            for name in column.fields:
                values = np.full(len(self.counts), "", dtype=object)
                values[some] = np.array(self.fields[name], dtype=object)[first[some] + place]
                texts[f"{column.single}_{place + 1}_{name}"] = values.tolist()
        return texts


class LineForm(Protocol):
    """How rows look in a file of lines; a worker process gets it."""

    def lines(self, rows: "ResultRows") -> bytes:
        """The lines of these rows."""


@dataclass(frozen=True)
class ResultRows:
    """The rows of one chunk of clients as columns of N texts, '' where missing."""

    texts: Mapping[str, Sequence[str]]
    """Name of each column that is not nested to its texts."""
    nested: Mapping[str, NestedValues] = field(default_factory=dict)
    """Name of each nested column to its entries."""
    written: bytes | None = None
    """The rows as lines of the file that they are for, where `texts` no longer has all of them."""

    def in_form(self, form: LineForm, kept: Sequence[str]) -> "ResultRows":
        """The rows as lines, and the texts of these columns: less to send to another process."""
        return ResultRows({name: self.texts[name] for name in kept}, written=form.lines(self))

    def lines(self, form: LineForm) -> bytes:
        """The rows as lines of a file."""
        return form.lines(self) if self.written is None else self.written

    def __len__(self) -> int:
        return len(next(iter(self.texts.values())))

    def flat(self, columns: ResultColumns) -> list[Sequence[str]]:
        """N texts of each of `columns.flat_names()`."""
        texts = dict(self.texts)
        for column in columns.nested:
            texts |= self.nested[column.name].flat(column)
        return [texts[name] for name in columns.flat_names()]

    def counts(self) -> Counter[str]:
        """Decision to the number of these clients that it was made on."""
        return Counter(self.texts["decision"])


class ResultWriter(Protocol):
    """Keeps the rows of a run, chunk after chunk, so that an interrupted run can go on."""

    finished: int
    """Clients whose rows are safe; skip as many of the input."""
    counts: Counter[str]
    """Decision to the number of finished clients that it was made on."""
    started: str
    """When the run began; an earlier time where an interrupted run goes on."""

    def __enter__(self) -> Self:
        """Close what is open at the end of a `with` statement."""

    def __exit__(self, *error: object) -> None:
        """Close what is open; what is finished is kept."""

    def write(self, rows: ResultRows) -> None:
        """Append the rows of one chunk; they are safe afterwards.

        Raises:
            LinkageError: The disk is full, or the database is lost; earlier chunks stay safe.
        """

    def complete(self) -> None:
        """Make the result available under its name.

        Raises:
            LinkageError: That is not possible; all rows stay safe.
        """
