"""The searchable company table: a large base segment, and a small one for what changed since.

A *segment* holds some rows of the table with their inverted index and keys, and never changes. A
row that was changed, closed or deleted stays in its segment and is marked as not alive; its new
state goes into the second segment, the delta. `refresh` returns a new index over the same base, so
searches go on meanwhile. What it knows of the table, hashes of all rows by page, says what has
changed; see `changes`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates import _keys
from linkage_rl.candidates.blockers import Blocker, Clients, Proposals
from linkage_rl.candidates.changes import ChangingTable, KeyOrderError, RefreshReport, Show
from linkage_rl.candidates.encode import ROW, hash_texts
from linkage_rl.candidates.fit import by_head_row, checked, fit_sites
from linkage_rl.candidates.following import MERGE_SHARE, follow
from linkage_rl.candidates.keys import COUNTED
from linkage_rl.candidates.known_pages import KnownPages, PageRows
from linkage_rl.candidates.offices import OfficeTable, offices_of
from linkage_rl.candidates.parts import Part
from linkage_rl.candidates.segment import Segment, build_segment
from linkage_rl.candidates.sites import Fit
from linkage_rl.candidates.stamps import Stamps
from linkage_rl.candidates.strings import StringColumn
from linkage_rl.records import FIELDS, CompanyRows, RecordBatch


@dataclass(frozen=True)
class CompanyIndex:
    """Rows of the company table, searchable by every blocker; several may be sites of a company."""

    parts: tuple[Part, ...]
    """The base, and the segment of changes where there is one."""
    offices: OfficeTable
    known: KnownPages
    """The rows of the table that the index knows; none where it came from no database."""
    latest_stamp: str = ""
    """Latest `updated_at` of these rows; '' where they have none. Only for what a refresh says."""

    @classmethod
    def build(cls, chunks: Iterable[CompanyRows], folder: Path | None = None) -> "CompanyIndex":
        """Index all open companies of these chunks, which come from no database.

        Args:
            chunks: The companies.
            folder: Where long arrays lie, in files without a name, instead of in memory.

        Raises:
            OutputError: The folder cannot be written, or its disk is full.
        """
        base = build_segment(chunks, folder=folder)
        parts = (Part.of(base),)
        return cls(parts, offices_of(parts), KnownPages.none())

    @classmethod
    def of_table(
        cls, table: ChangingTable, show: Show = iter, folder: Path | None = None
    ) -> "CompanyIndex":
        """Index all open companies of a table.

        Args:
            table: The table.
            show: Shows the progress of the pages that pass through it.
            folder: As for `build`.
        """
        pages: list[PageRows] = []
        stamps = Stamps()

        def chunks() -> Iterator[CompanyRows]:
            for page in show(table.pages()):
                stamps.see(page.rows)
                pages.append(PageRows.of(page.rows.records.ids, page.hashes, page.bound))
                yield page.rows

        index = cls.build(chunks(), folder)
        known = KnownPages.of(table.hashing, pages, table.rows_per_page)
        return replace(index, known=known, latest_stamp=stamps.latest)

    def __len__(self) -> int:
        """Number of companies."""
        return sum(part.companies for part in self.parts)

    @property
    def base(self) -> Segment:
        """The segment that was built from the table from scratch."""
        return self.parts[0].segment

    @property
    def state(self) -> str:
        """Equal for indexes of the same rows of a database, differs after any change."""
        return self.known.state

    def propose(
        self, blocker: Blocker, clients: Clients, chosen: NDArray[np.int64], limit: int
    ) -> Proposals:
        """The blocker's candidates for the chosen clients, best first over all segments.

        Args:
            blocker: The blocker to run.
            clients: N clients.
            chosen: Positions of the n clients to run it for, shape (n,).
            limit: Candidates per client.

        Returns:
            Head rows of the companies and their retrieval scores, shape (n, limit).

        Raises:
            ConfigError: The blocker proposed arrays of another shape, or rows that there are not.
        """
        found = [
            by_head_row(
                checked(
                    blocker.propose(part.segment, part.alive, clients, chosen, limit),
                    blocker.name,
                    (len(chosen), limit),
                    len(part.segment),
                ),
                part.segment.sites,
            )
            for part in self.parts
        ]
        if len(found) == 1:
            return found[0]
        rows = np.concatenate(
            [
                np.where(some.rows >= 0, some.rows + part.first_row, -1)
                for some, part in zip(found, self.parts, strict=True)
            ],
            axis=1,
        )
        retrieval_score = np.concatenate([some.retrieval_score for some in found], axis=1)
        order = np.where(rows >= 0, -retrieval_score, 1)
        best = np.argsort(order, axis=1, kind="stable")[:, :limit]
        return Proposals(
            np.take_along_axis(rows, best, axis=1),
            np.take_along_axis(retrieval_score, best, axis=1),
        )

    def name_frequencies(self, clients: Clients) -> NDArray[np.int64]:
        """Companies of the table that share each of `COUNTED` with N clients, shape (N, C)."""
        counts = np.zeros((len(clients), len(COUNTED)), dtype=np.int64)
        wanted = [clients.keys[name][0] for name in COUNTED]
        for part in self.parts:
            part.frequencies.add(wanted, counts)
        return counts

    def former_name_frequencies(self, clients: Clients) -> NDArray[np.int64]:
        """Companies of the table that had the core or the stem of N clients as a former name; (N,).

        Of core and stem the more frequent one is counted.
        """
        wanted = clients.keys["former_name"]
        counts = np.zeros((wanted.size, 1), dtype=np.int64)
        for part in self.parts:
            part.former_name_frequencies.add((wanted.reshape(-1),), counts)
        frequent: NDArray[np.int64] = counts.reshape(wanted.shape).max(axis=0, initial=0)
        return frequent

    @property
    def has_former_names(self) -> bool:
        """Whether any company of the table had another name before."""
        return any(len(part.segment.keys["former_name"].keys) for part in self.parts)

    def had_name(
        self, clients: Clients, client_of_pair: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """1 where a pair's company had the core or the stem of its client as a name; shape (P,)."""
        had = np.empty(len(rows), dtype=np.uint8)
        for part, mine in self._split(rows):
            former = part.segment.keys["former_name"]
            had[mine] = _keys.have_key(
                clients.keys["former_name"],
                former.keys,
                former.rows,
                np.ascontiguousarray(client_of_pair[mine]),
                rows[mine] - part.first_row,
            )
        return had

    @property
    def head_rows(self) -> NDArray[np.int64]:
        """The head row of each company that is alive, ascending."""
        heads = [
            np.flatnonzero((part.alive == 1) & part.segment.sites.is_head(len(part.alive)))
            for part in self.parts
        ]
        return np.concatenate(
            [own + part.first_row for own, part in zip(heads, self.parts, strict=True)]
        ).astype(np.int64)

    @property
    def has_sites(self) -> bool:
        """Whether any company has several rows."""
        return any(part.segment.sites for part in self.parts)

    def has_several_rows(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the company of each of these rows has others, shape (P,)."""
        several = np.zeros(len(rows), dtype=np.bool_)
        for part, mine in self._split(rows):
            several[mine] = part.segment.sites.has_others(rows[mine] - part.first_row)
        return several

    def is_trade_name(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the name of each of these rows is a trade name of its company, shape (P,)."""
        trade = np.empty(len(rows), dtype=np.bool_)
        for part, mine in self._split(rows):
            trade[mine] = part.segment.is_trade_name[rows[mine] - part.first_row]
        return trade

    def fit(
        self, clients: Clients, client_of_pair: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> Fit:
        """The sites of each pair's company that fit its client best."""
        return fit_sites(self._split(rows), clients, client_of_pair, rows)

    def rows(self, rows: NDArray[np.int64]) -> NDArray[np.void]:
        """Packed rows, shape (P,)."""
        if len(self.parts) == 1:
            return self.base.rows[rows]
        packed = np.empty(len(rows), dtype=ROW)
        for part, mine in self._split(rows):
            packed[mine] = part.segment.rows[rows[mine] - part.first_row]
        return packed

    def counts(self, rows: NDArray[np.int64]) -> NDArray[np.uint16]:
        """How many companies share each of `COUNTED` with these rows, shape (P, C)."""
        counts = np.empty((len(rows), len(COUNTED)), dtype=np.uint16)
        for part, mine in self._split(rows):
            counts[mine] = part.counts[rows[mine] - part.first_row]
        return counts

    def texts(self, field: str, rows: NDArray[np.int64]) -> list[str]:
        """Canonical core, kana or Latin name of these rows."""

        def column(part: Part, own: NDArray[np.int64]) -> list[str]:
            texts: StringColumn = getattr(part.segment.documents, field)
            return texts.take(part.segment.rows["doc"][own])

        return self._gather(rows, column)

    def company_ids(self, rows: NDArray[np.int64]) -> list[str]:
        """Ids of these rows."""
        return self._gather(rows, lambda part, own: part.segment.ids.take(own))

    def names(self, rows: NDArray[np.int64]) -> list[str]:
        """Raw names of these rows as they were when indexed."""
        return self._gather(rows, lambda part, own: part.segment.raw("name", own))

    def records(self, rows: NDArray[np.int64]) -> RecordBatch:
        """Raw fields of these rows as they were when indexed."""
        return RecordBatch(
            self.company_ids(rows),
            {
                name: self._gather(rows, lambda part, own, name=name: part.segment.raw(name, own))
                for name in FIELDS
            },
        )

    def find(self, company_ids: Sequence[str]) -> NDArray[np.int64]:
        """Head row that is alive of each company, -1 where the index has none; shape (N,)."""
        wanted = hash_texts(company_ids)
        rows = np.full(len(wanted), -1, dtype=np.int64)
        for part in self.parts:
            index = part.segment.keys["company_id"]
            if len(index.keys) == 0:
                continue
            place = np.minimum(np.searchsorted(index.keys, wanted), len(index.keys) - 1)
            own = index.rows[place]
            hit = (index.keys[place] == wanted) & (part.alive[own] == 1)
            rows = np.where(hit, own + part.first_row, rows)
        return rows

    def fetch(self, company_ids: Sequence[str]) -> CompanyRows:
        """Those of these companies that the index holds, as they were when indexed."""
        rows = self.find(company_ids)
        records = self.records(rows[rows >= 0])
        nothing = [""] * len(records)
        return CompanyRows(records, nothing, nothing)

    def refresh(
        self,
        table: ChangingTable,
        merge_share: float = MERGE_SHARE,
        show: Show = iter,
        folder: Path | None = None,
    ) -> tuple["CompanyIndex", RefreshReport]:
        """An index that knows all changes of the table up to now, and what they were.

        What it holds, counts and weighs is exactly that of an index built anew. It proposes the
        same companies, too, up to the limits of the blockers, such as the postings that
        `NgramBlocker` may read: those hold for each of the two segments.

        Args:
            table: The table.
            merge_share: Share of the base that may have changed; after more changes the index is
                built anew, which is decided before any row is read.
            show: Shows the progress if so.
            folder: As for `build`, if so.
        """
        if self.known.hashing != table.hashing:
            return self._anew(table, show, folder, "it knows no row hashes of this database")
        stamps = Stamps(self.latest_stamp)
        try:
            followed = follow(self.parts, self.known, table, merge_share, stamps)
        except KeyOrderError:
            return self._anew(table, show, folder, "its keys come in another order than before")
        self.known.forget()
        if followed is None:
            why = f"more than {merge_share:.0%} of it have changed"
            return self._anew(table, show, folder, why)
        parts, changes = followed
        if not changes.differing:
            return self, RefreshReport(0, 0)
        latest = stamps.latest or self.latest_stamp
        offices = offices_of(parts)
        index = replace(
            self, parts=parts, offices=offices, known=changes.known, latest_stamp=latest
        )
        found = len(changes.present), len(changes.absent), changes.differing
        return index, RefreshReport(*found, stamps=stamps)

    def _anew(
        self, table: ChangingTable, show: Show, folder: Path | None, why: str
    ) -> tuple["CompanyIndex", RefreshReport]:
        """The index built from scratch, and what differs."""
        index = self.of_table(table, show, folder)
        return index, RefreshReport(*index.known.difference(self.known), rebuilt=why)

    def _split(self, rows: NDArray[np.int64]) -> Iterable[tuple[Part, NDArray[np.int64]]]:
        """Each part with the positions, among `rows`, of the rows that belong to it."""
        if len(self.parts) == 1:
            return [(self.parts[0], np.arange(len(rows)))]
        border = self.parts[1].first_row
        return [
            (self.parts[0], np.flatnonzero(rows < border)),
            (self.parts[1], np.flatnonzero(rows >= border)),
        ]

    def _gather(self, rows: NDArray[np.int64], take: "_Take") -> list[str]:
        if len(self.parts) == 1:
            return take(self.parts[0], rows)
        texts = np.empty(len(rows), dtype=object)
        for part, mine in self._split(rows):
            texts[mine] = take(part, rows[mine] - part.first_row)
        return texts.tolist()


class _Take(Protocol):
    def __call__(self, part: Part, own: NDArray[np.int64]) -> list[str]:
        """Texts of a part's own rows."""
