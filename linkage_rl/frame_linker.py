"""A linker that takes and returns tables of other libraries."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, NoReturn, TypeVar, overload

import numpy as np
from tqdm.auto import tqdm

from linkage_rl.decision_log.linked import Facts, PackedEvidence, new_ids
from linkage_rl.decision_log.list_log import ListLog, Log, opened
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import SchemaError
from linkage_rl.frames import Columns, OpenTable, column_mapping, open_table
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.linked_columns import COLUMNS, DECISION_ID, own_names, texts_of
from linkage_rl.linker import Linker
from linkage_rl.records import FIELDS, CompanyRows, RecordBatch
from linkage_rl.tables.closing import closed_by, read_closed_when
from linkage_rl.tables.schema import ColumnMapping, join_texts

Table = TypeVar("Table")
"""A pandas or polars DataFrame, or an Arrow table."""

_CHUNK: Final = 4096
"""Clients linked between two steps of the progress bar."""


@dataclass(frozen=True)
class FrameLinker(Linker):
    """A `Linker` that takes tables of other libraries besides `RecordBatch`."""

    bundle: str = ""
    """Fingerprint of the bundle's manifest, for a decision log."""
    table_state: str = ""
    """Digest of the state of the company table, for a decision log; '' where it is not known."""

    @classmethod
    def of(cls, linker: Linker, bundle: str = "", table_state: str = "") -> "FrameLinker":
        """The same linker with this interface."""
        same = {one.name: getattr(linker, one.name) for one in fields(Linker)}
        return cls(**same, bundle=bundle, table_state=table_state)

    @overload
    def link(
        self,
        records: RecordBatch,
        *,
        log: Log | None = None,
        customer: str = "",
        list_id: str = "",
    ) -> LinkedBatch: ...

    @overload
    def link(
        self,
        records: Sequence[Mapping[str, Any]],
        columns: Columns = None,
        progress: bool | None = None,
        *,
        log: Log | None = None,
        customer: str = "",
        list_id: str = "",
    ) -> list[dict[str, Any]]: ...

    @overload
    def link(
        self,
        records: Table,
        columns: Columns = None,
        progress: bool | None = None,
        *,
        log: Log | None = None,
        customer: str = "",
        list_id: str = "",
    ) -> Table: ...

    def link(
        self,
        records: Any,
        columns: Columns = None,
        progress: bool | None = None,
        *,
        log: Log | None = None,
        customer: str = "",
        list_id: str = "",
    ) -> Any:
        """Decide for each client, in the order of the table.

        A table of several clients is decided as one list where the bundle has a list stage: its
        clients are evidence for each other. A `RecordBatch` is decided client by client; see
        `link_list`.

        Args:
            records: A pandas or polars DataFrame, an Arrow table, a list of dicts, or a
                `RecordBatch`. None and NaN are missing values; numbers are read as texts. A
                one-column address may be called `address`. Columns of other names go through.
            columns: Field to column, where a column is not called as its field. `client_id` is
                the key of a client; without such a column its position counts.
            progress: Whether to show a bar; None shows one for long tables in a terminal or a
                notebook.
            log: Decision log, or its URL or SQLite file, into which every decision is written
                with what the policy saw; the result then has a column `decision_id`.
            customer: Whose clients they are, for the log.
            list_id: Name of the table in the log; '' makes one.

        Returns:
            For a `RecordBatch` a `LinkedBatch`; for a table one of the same kind, with
            `client_id`, `decision` (link, no_match or review), `company_id`, `confidence`,
            the company's fields as `company_name` ..., `reason`, and the client's own columns.
            `client_` goes before an own name that is one of these. Missing values are null.

        Raises:
            SchemaError: It is no table, or a column is missing.
            DatabaseError: The log cannot be written.
        """
        if isinstance(records, RecordBatch) and columns is not None:
            raise SchemaError("a RecordBatch names its fields itself; leave columns= out")
        if log is None:
            return self._link(records, columns, progress, None, customer, list_id)
        keeping = replace(self, keeps_evidence=True)
        with opened(log) as place:
            return keeping._link(records, columns, progress, place, customer, list_id)

    def _link(
        self,
        records: Any,
        columns: Columns,
        progress: bool | None,
        log: DecisionLog | None,
        customer: str,
        list_id: str,
    ) -> Any:
        if isinstance(records, RecordBatch):
            linked = super().link(records)
            into = self._list_log(log, customer, list_id, as_list=False)
            return linked if into is None else into.append(linked, records)
        table = open_table(records)
        if not table.header:
            return records
        mapping = column_mapping(columns)
        found = mapping.of_clients(table.header, "client table", needs_id=False)
        key = found.get("client_id")
        ids = list(map(str, range(len(table)))) if key is None else table.texts(key)
        into = self._list_log(
            log, customer, list_id or new_ids(1)[0], as_list=self.decides_lists(len(table))
        )
        before = COLUMNS if into is None else (*COLUMNS, DECISION_ID)
        batch = RecordBatch(ids, _fields(table, found, mapping))
        decided = self._decided(batch, progress, into, before[1:])
        own = [column for column in table.header if column != key]
        return table.linked(decided, key, own_names(own, table.header, before))

    def _list_log(
        self, log: DecisionLog | None, customer: str, list_id: str, as_list: bool
    ) -> ListLog | None:
        """Where the decisions go; None without a log."""
        if log is None:
            return None
        facts = Facts.of(
            self,
            *("link", self.bundle, self.table_state, log.privacy, customer, list_id, as_list),
        )
        return ListLog(log, facts)

    def _decided(
        self,
        records: RecordBatch,
        progress: bool | None,
        into: ListLog | None,
        columns: Sequence[str],
    ) -> dict[str, list[Any]]:
        """Values of these columns; None where missing."""
        values: dict[str, list[Any]] = {name: [] for name in columns}
        shown = len(records) > _CHUNK and _watched() if progress is None else progress
        with tqdm(total=len(records), desc="linking", unit="client", disable=not shown) as bar:
            chunks = self._as_list if self.decides_lists(len(records)) else self._one_by_one
            for linked in chunks(records, bar, into):
                for name, texts in texts_of(linked).items():
                    values[name].extend(text or None for text in texts)
                values["confidence"].extend(linked.confidence.tolist())
                if into is not None:
                    values[DECISION_ID].extend(linked.decision_ids)
        return values

    def _one_by_one(
        self, records: RecordBatch, bar: "tqdm[NoReturn]", into: ListLog | None
    ) -> Iterator[LinkedBatch]:
        for part in _parts(len(records)):
            some = records.take(part)
            linked = super().link(some)
            yield linked if into is None else into.append(linked, some)
            bar.update(len(part))

    def _as_list(
        self, records: RecordBatch, bar: "tqdm[NoReturn]", into: ListLog | None
    ) -> Iterator[LinkedBatch]:
        """The table decided as one list; the bar shows the first pass, which takes the time."""
        first, packed = [], []
        for part in _parts(len(records)):
            found, seen = self.first_pass_with_evidence(records.take(part))
            first.append(found)
            packed.append(None if seen is None else PackedEvidence.of(seen))
            bar.update(len(part))
        whole = np.concatenate(first)
        decisions = self.decide_list(whole)
        for part, mine in zip(_parts(len(records)), packed, strict=True):
            some = records.take(part)
            between = (part.start, part.stop)
            linked = self.finish(some, whole[slice(*between)], decisions.between(*between))
            yield linked if into is None else into.append(linked, some, mine)


def _parts(clients: int) -> list[range]:
    return [range(begin, min(begin + _CHUNK, clients)) for begin in range(0, clients, _CHUNK)]


def company_rows(table: object, columns: Columns = None) -> CompanyRows:
    """A table of companies as rows of the company table.

    Args:
        table: A table as `FrameLinker.link` takes them.
        columns: Field to column, where a column is not called as its field.

    Raises:
        SchemaError: It is no table, `company_id` or `name` is missing, or an id is empty or
            repeated.
    """
    opened = open_table(table)
    mapping, what = column_mapping(columns), "company table"
    found = mapping.of_companies(opened.header, what)
    ids = opened.texts(found["company_id"])
    seen: set[str] = set()
    for row, company_id in enumerate(ids):
        if not company_id or company_id in seen:
            raise SchemaError(
                f"company table needs a company_id of its own in every row, got {company_id!r} "
                f"in row {row} {'again' if company_id else ''}".rstrip()
            )
        seen.add(company_id)
    stamps = opened.texts(found["updated_at"]) if "updated_at" in found else [""] * len(ids)
    conditions = read_closed_when(mapping.closed_when)
    closed = closed_by(opened.texts, found.get("closed_at", ""), conditions, len(ids), what)
    return CompanyRows(RecordBatch(ids, _fields(opened, found, mapping)), stamps, closed)


def _fields(
    table: OpenTable, found: Mapping[str, str], mapping: ColumnMapping
) -> dict[str, list[str]]:
    joined = mapping.joined(table.header)
    spread = {getattr(mapping, name): parts for name, parts in joined.items()}
    return {
        field: join_texts(field, [table.texts(one) for one in spread[found[field]]])
        if found[field] in spread
        else table.texts(found[field])
        for field in FIELDS
        if field in found
    }


def _watched() -> bool:
    """Whether a person sees the progress bar: in a terminal or a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules
