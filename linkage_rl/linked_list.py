"""A client list on disk, and what becomes of its chunks: the rows of the output."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.list_stage import ListDecisions
from linkage_rl.linked_columns import COLUMNS, own_names, texts_of
from linkage_rl.linker import LinkedBatch, Linker
from linkage_rl.tables.readers import ClientList, count_clients, iter_clients, open_clients
from linkage_rl.tables.schema import ColumnMapping

Row = tuple[str, ...]
"""One line of the output: a text for each of its columns."""


@dataclass(frozen=True)
class ListFile:
    """A client list on disk, with its columns as the user named and ordered them."""

    path: Path
    columns: ColumnMapping
    """As the user names them."""
    encoding: str
    sheet: str
    header_row: int
    header: tuple[str, ...]
    found: Mapping[str, str]
    """Field to its column, as named or recognised."""
    said: str
    """How the list is read, for the first line; '' if it is as most are."""

    @classmethod
    def open(
        cls,
        path: Path,
        columns: ColumnMapping,
        encoding: str,
        sheet: str = "",
        header_row: int = 0,
    ) -> "ListFile":
        """Read the header.

        Raises:
            InputFileError: The file is missing, empty or malformed.
            SchemaError: A column is missing.
        """
        opened = open_clients(path, columns, encoding=encoding, sheet=sheet, header_row=header_row)
        found = opened.mapping.of_clients(opened.header, f"client list {path}")
        header = opened.file.header
        return cls(path, columns, encoding, sheet, header_row, header, found, str(opened))

    def count(self) -> int:
        """Number of clients; reads the file to its end, so that every fault is found first."""
        return count_clients(
            self.path,
            self.columns,
            encoding=self.encoding,
            sheet=self.sheet,
            header_row=self.header_row,
        )

    def chunks(self, size: int) -> Iterator[ClientList]:
        """The clients, `size` at a time."""
        return iter_clients(
            self.path,
            self.columns,
            encoding=self.encoding,
            sheet=self.sheet,
            header_row=self.header_row,
            size=size,
        )

    def own_names(self) -> dict[str, str]:
        """Columns of the list without the id, each with its name in the output."""
        return own_names(self._own(), self.header)

    def own_texts(self, chunk: ClientList) -> list[Sequence[str]]:
        """Texts of some clients under each of `own_names`."""
        canonical = {theirs: name for name, theirs in self.found.items()}
        texts: list[Sequence[str]] = []
        for name in self._own():
            if name not in canonical:
                texts.append(chunk.extra[name])
            elif canonical[name] == "company_id":
                texts.append(chunk.truth or [""] * len(chunk))
            else:
                texts.append(chunk.records.column(canonical[name]))
        return texts

    def _own(self) -> list[str]:
        return [name for name in self.header if name != self.found.get("client_id")]


def link_chunk(linker: Linker, source: ListFile, chunk: ClientList) -> list[Row]:
    """Output rows of one chunk of a list, one per client in its order."""
    return _rows(linker.link(chunk.records), source, chunk)


@dataclass(frozen=True)
class ListPart:
    """A chunk of a list that was decided as a whole."""

    clients: ClientList
    first: NDArray[np.void]
    """What `Linker.first_pass` gave for these clients."""
    decisions: ListDecisions
    """What `Linker.decide_list` gave for them."""


def first_pass_of_chunk(linker: Linker, chunk: ClientList) -> NDArray[np.void]:
    """The first pass over one chunk of a list."""
    return linker.first_pass(chunk.records)


def finish_chunk(linker: Linker, source: ListFile, part: ListPart) -> list[Row]:
    """Output rows of one chunk of a list that was decided as a whole."""
    linked = linker.finish(part.clients.records, part.first, part.decisions)
    return _rows(linked, source, part.clients)


def _rows(linked: LinkedBatch, source: ListFile, chunk: ClientList) -> list[Row]:
    texts = {
        **texts_of(linked),
        "client_id": chunk.records.ids,
        "confidence": [f"{confidence:.4f}" for confidence in linked.confidence.tolist()],
    }
    return list(
        zip(*(texts[name] for name in COLUMNS), *source.own_texts(chunk), strict=True),
    )
