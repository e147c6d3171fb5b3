"""The companies of the page: their current fields, a search, and how a client compares."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path
from typing import Final

import numpy as np
from sqlalchemy.engine import URL

from linkage_rl.bundle import load_bundle
from linkage_rl.candidates.blockers import Blocker, Clients
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.refresh import default_index_folder, open_index
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.features.explanation import FIELDS, agreement_levels
from linkage_rl.features.matrix import pair_features
from linkage_rl.linker import Linker
from linkage_rl.protocols import CompanySource
from linkage_rl.records import FIELDS as RECORD_FIELDS
from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.reviewing.settings import ReviewSettings
from linkage_rl.tables.credentials import is_url, parse_url
from linkage_rl.tables.store import CompanyStore
from linkage_rl.text.canonical import canonicalise

FOUND: Final = 8
"""Companies that a search shows."""
_NOTHING: Final = CompanyRows(RecordBatch([], {}), [], [])


@dataclass(frozen=True)
class Companies:
    """The company table as far as the page needs it; every part may be missing."""

    source: CompanySource | None = None
    """Current fields of companies."""
    index: CompanyIndex | None = None
    """Finds companies by what is searched for."""
    linker: Linker | None = None
    """Says what each field weighs."""

    def fetch(self, company_ids: Sequence[str]) -> CompanyRows:
        """Current rows of these companies; unknown ids are left out."""
        wanted = [one for one in dict.fromkeys(company_ids) if one]
        if self.source is None or not wanted:
            return _NOTHING
        return self.source.fetch(wanted)

    def search(self, text: str) -> CompanyRows:
        """Companies that fit a name, a phone, a corporate number or an id, the best first."""
        found = self._proposed(text) if self.index is not None else []
        rows = self.fetch([text, *found])
        return rows.take(range(min(len(rows.records), FOUND)))

    def _proposed(self, text: str) -> list[str]:
        """Ids of the companies that blockers propose, those of exact keys before those of names."""
        index = self.index
        if index is None:
            return []
        # a phone or a corporate number is no name, and a name is neither of them
        fields = ("name", "name_kana", "phone", "corporate_number", "url")
        clients = Clients.of(canonicalise(RecordBatch(["q"], {name: [text] for name in fields})))
        found: list[int] = []
        for blocker in self._blockers:
            if blocker.applies_to(clients)[0]:
                rows = index.propose(blocker, clients, np.zeros(1, dtype=np.int64), FOUND).rows[0]
                found.extend(rows[rows >= 0].tolist())
        best = list(dict.fromkeys(found))[: 2 * FOUND]
        return index.company_ids(np.array(best, dtype=np.int64)) if best else []

    @property
    def _blockers(self) -> Sequence[Blocker]:
        return self.linker.blockers if self.linker else CandidateSettings().blockers()

    def agreements(self, client: RecordBatch, rows: CompanyRows) -> list[dict[str, str]]:
        """How far each of `explanation.FIELDS` of one client agrees with these companies, in words.

        '' where one of the two lacks the field. The companies are compared as they are now, even
        where the index is older.
        """
        companies = len(rows.records)
        if not companies:
            return []
        index = self.index
        if index is None or not _are_current(index, rows.records):
            # those that are closed, too
            open_rows = CompanyRows(rows.records, rows.updated_at, [""] * companies)
            index = CompanyIndex.build([open_rows])
        return _compared(index, client, rows.records.ids)

    def weights(self, client: RecordBatch) -> tuple[str, dict[str, float]]:
        """The policy's best company for one client, and the weight of each field in its log-odds.

        '' and nothing where there is no bundle, or no candidate.
        """
        if self.linker is None:
            return "", {}
        linker = replace(self.linker, explains=True, shown=1, source=None)
        decided = linker.decide(client)
        best, found = decided.candidates, decided.explanations
        if best is None or found is None or not best.company_ids:
            return "", {}
        weights = zip(found.fields, found.weights.tolist(), strict=True)
        return best.company_ids[0], {name: one for name, one in weights if not isnan(one)}


def _compared(
    index: CompanyIndex, client: RecordBatch, company_ids: Sequence[str]
) -> list[dict[str, str]]:
    """How far a client agrees with companies as an index holds them."""
    rows = index.find(company_ids)
    clients = Clients.of(canonicalise(client))
    features = pair_features(index, clients, np.zeros(len(rows), dtype=np.int64), rows)
    return [dict(zip(FIELDS, levels, strict=True)) for levels in agreement_levels(features)]


def _are_current(index: CompanyIndex, records: RecordBatch) -> bool:
    """Whether an index holds all of these companies as they are now."""
    rows = index.find(records.ids)
    if (rows < 0).any():
        return False
    indexed = index.records(rows)
    return all(list(indexed.column(name)) == list(records.column(name)) for name in RECORD_FIELDS)


@contextmanager
def open_companies(settings: ReviewSettings) -> Iterator[Companies]:
    """The companies that the settings name.

    Raises:
        LinkageError: Database, index or bundle has a fault.
    """
    bundle = Path(settings.bundle).expanduser()
    if not settings.database:
        linker = load_bundle(bundle) if settings.bundle else None
        index = linker.index if linker else None
        yield Companies(index, index, linker)
        return
    with CompanyStore(_url_of(settings.database), settings.mapping, read_only=True) as store:
        store.check()
        folder = (
            Path(settings.index).expanduser()
            if settings.index
            else default_index_folder(store.url, store.mapping)
        )
        index = open_index(store, folder, refresh=False)
        linker = load_bundle(bundle, index, store) if settings.bundle else None
        yield Companies(store, index, linker)


def _url_of(text: str) -> URL:
    return parse_url(text) if is_url(text) else URL.create("sqlite", database=text)
