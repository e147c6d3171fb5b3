"""A client list on disk, and what becomes of its chunks: the rows of the result."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.list_stage import ListDecisions
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.linked_columns import (
    COLUMNS,
    DECISION_ID,
    EXPLANATION,
    NUMBERS,
    RUN_COLUMNS,
    Run,
    candidate_column,
    candidate_values,
    explanation_values,
    own_names,
    texts_of,
)
from linkage_rl.linker import Linker
from linkage_rl.tables.readers import ClientList, count_clients, iter_clients, open_clients
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.writer import LineForm, NestedColumn, ResultColumns, ResultRows


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

    def own_names(self, before: Sequence[str] = COLUMNS) -> dict[str, str]:
        """Columns of the list without the id, each with its name in the output.

        Args:
            before: Columns of the output that are not the client's own.
        """
        return own_names(self._own(), self.header, before)

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


@dataclass(frozen=True)
class ResultLayout:
    """What the rows of a result consist of: decision, company, run, candidates, own columns."""

    source: ListFile
    run: Run
    nested: tuple[NestedColumn, ...] = ()
    listed: tuple[str, ...] = ()
    """Columns of `ListDecisions` that follow those of the run."""
    logged: bool = False
    """Whether each row has the id of its decision in a decision log."""
    form: LineForm | None = None
    """Turns rows into lines of their file where they are made; None leaves that to the writer."""

    @classmethod
    def of(
        cls,
        source: ListFile,
        run: Run,
        shown: int,
        explained: bool = False,
        listed: tuple[str, ...] = (),
        logged: bool = False,
    ) -> "ResultLayout":
        """The layout of a list.

        Args:
            source: The list.
            run: The run that links it.
            shown: Number of candidates of each client in the result.
            explained: Whether an explanation of the best candidate is in the result.
            listed: Columns of `ListDecisions` that are in the result.
            logged: Whether each row has the id of its decision in a decision log.
        """
        nested = (candidate_column(shown),) if shown else ()
        return cls(source, run, (*nested, EXPLANATION) if explained else nested, listed, logged)

    @property
    def _decision(self) -> tuple[str, ...]:
        """Columns of the decision, its company and its run."""
        logged = (DECISION_ID,) if self.logged else ()
        return (*COLUMNS, *RUN_COLUMNS, *self.listed, *logged)

    @property
    def columns(self) -> ResultColumns:
        """The columns of the result."""
        return ResultColumns(
            self._decision,
            tuple(self._own_names().values()),
            self.nested,
            NUMBERS,
        )

    def rows(
        self,
        linked: LinkedBatch,
        chunk: ClientList,
        numbers: Mapping[str, NDArray[np.int64]] | None = None,
        decision_ids: Sequence[str] = (),
    ) -> ResultRows:
        """The rows of a chunk of the list, one per client in its order.

        Args:
            linked: The decisions on N clients.
            chunk: The clients.
            numbers: `listed` to numbers of shape (N,), 0 for none; None where nothing is listed.
            decision_ids: Ids of the decisions in a log, where the rows have them.
        """
        nested = {}
        if linked.candidates is not None:
            nested["candidates"] = candidate_values(linked.candidates)
        if linked.explanations is not None:
            nested[EXPLANATION.name] = explanation_values(linked.explanations)
        rows = ResultRows(
            {
                **texts_of(linked),
                "client_id": chunk.records.ids,
                "confidence": [f"{confidence:.4f}" for confidence in linked.confidence.tolist()],
                **self.run.texts(len(linked)),
                **{
                    name: [str(number) if number else "" for number in values.tolist()]
                    for name, values in (numbers or {}).items()
                    if name in self.listed
                },
                **({DECISION_ID: decision_ids} if self.logged else {}),
                **self.own_texts(chunk),
            },
            nested,
        )
        return rows if self.form is None else rows.in_form(self.form, self._looked_at())

    def _looked_at(self) -> list[str]:
        """Columns that a command still looks at when the rows are lines of a file."""
        name = self.column_of("name")
        return ["decision", "reason", *([name] if name else [])]

    @property
    def own_columns(self) -> tuple[str, ...]:
        """The client's own columns as the list names them."""
        return tuple(self._own_names())

    def own_texts(self, chunk: ClientList) -> dict[str, Sequence[str]]:
        """Texts of some clients under the names that their own columns have in the result."""
        texts = self.source.own_texts(chunk)
        return dict(zip(self._own_names().values(), texts, strict=True))

    def column_of(self, field: str) -> str:
        """The column of the result that holds a field of the client; '' if none does."""
        return self._own_names().get(self.source.found.get(field, ""), "")

    def _own_names(self) -> dict[str, str]:
        nested = [name for one in self.nested for name in (one.name, *one.flat_names())]
        return self.source.own_names([*self._decision, *nested])


def link_chunk(linker: Linker, layout: ResultLayout, chunk: ClientList) -> ResultRows:
    """Rows of one chunk of a list, whose clients are decided one by one."""
    return layout.rows(linker.link(chunk.records), chunk)


@dataclass(frozen=True)
class ListPart:
    """A chunk of a list that was decided as a whole."""

    clients: ClientList
    first: NDArray[np.void]
    """What `Linker.first_pass` gave for these clients."""
    decisions: ListDecisions
    """What `Linker.decide_list` gave for them."""


def finish_chunk(linker: Linker, layout: ResultLayout, part: ListPart) -> ResultRows:
    """Rows of one chunk of a list that was decided as a whole."""
    linked = linker.finish(part.clients.records, part.first, part.decisions)
    return layout.rows(linked, part.clients, part.decisions.columns)
