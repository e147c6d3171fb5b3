"""The passes of `link` that look at a whole list: claims, one-to-one, duplicates, `dedupe`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.bundle import load_bundle
from linkage_rl.config.link_logging import FirstLook, LinkedChunk
from linkage_rl.config.link_passes import OpenedLinker, chunks_after, showing
from linkage_rl.config.link_settings import ONE_TO_ONE, LinkSettings
from linkage_rl.decision.assignment import CLAIMED_BY, claims
from linkage_rl.decision.duplicates import DUPLICATE_GROUP, OwnList
from linkage_rl.decision.list_stage import ListDecisions
from linkage_rl.decision.whole_list import FIRST_PASS
from linkage_rl.linked_list import ListFile, ResultLayout
from linkage_rl.linker import Linker
from linkage_rl.list_duplicates import duplicates_of, group_with_hubs, within_list
from linkage_rl.records import DecisionKind, RecordBatch
from linkage_rl.tables.readers import ClientList
from linkage_rl.tables.writer import file_fingerprint

_NO_CLIENT: Final = np.zeros(0, dtype=FIRST_PASS)


def decided_list(
    settings: LinkSettings, source: ListFile, linker: Linker, first: NDArray[np.void]
) -> ListDecisions:
    """The decisions on a whole list, with the columns that the settings want.

    Args:
        settings: The settings of the command.
        source: The list.
        linker: The linker.
        first: What the first pass gave for all clients.

    Raises:
        ConfigError: SciPy is not installed, which one-to-one needs.
    """
    decisions = linker.decide_list(first, settings.assignment == ONE_TO_ONE)
    columns = {
        **decisions.columns,
        CLAIMED_BY: claims(decisions.kind, decisions.candidate),
    }
    if settings.duplicates:
        columns[DUPLICATE_GROUP] = _groups(settings, source, linker, decisions) + 1
    return replace(decisions, columns=columns)


def claims_said(decisions: ListDecisions) -> str:
    """How many companies are claimed by several clients of the list; '' where none is."""
    claimed_by = decisions.columns[CLAIMED_BY]
    several = claimed_by > 1
    if not several.any():
        return ""
    companies = len(np.unique(decisions.candidate[several]))
    return f"{companies:,} companies are claimed by several clients, {several.sum():,} in all"


def _groups(
    settings: LinkSettings, source: ListFile, linker: Linker, decisions: ListDecisions
) -> NDArray[np.int64]:
    """First client of the group of each, -1 where it is alone; companies are hubs of groups.

    Clients without a company are compared with each other.
    """
    company = np.where(decisions.kind == DecisionKind.LINK, decisions.candidate, -1)
    parts = [chunk.records for chunk in _without_company(source, settings.chunk, company)]
    own = OwnList.of(parts)
    begin, first = 0, [_NO_CLIENT]
    for records in parts:
        first.append(within_list(linker, own, begin).first_pass(records))
        begin += len(records)
    found = duplicates_of(linker, np.concatenate(first), settings.duplicate_threshold)
    return group_with_hubs(company, found.group)


def _without_company(
    source: ListFile, size: int, company: NDArray[np.int64]
) -> Iterator[ClientList]:
    """Those clients of each chunk that are linked to no company."""
    begin = 0
    for chunk in source.chunks(size):
        rows = np.flatnonzero(company[begin : begin + len(chunk)] < 0)
        begin += len(chunk)
        if len(rows):
            yield replace(chunk, records=chunk.records.take(rows.tolist()), truth=None, extra={})


@dataclass(frozen=True)
class ListWithinItself:
    """A list that is linked with itself."""

    settings: LinkSettings
    source: ListFile
    linker: Linker
    own: OwnList
    ids: list[str]
    """Client id of each row of the list."""

    @classmethod
    def of(cls, settings: LinkSettings, source: ListFile) -> "ListWithinItself":
        """Index the list, which is kept in memory, and load the bundle.

        Raises:
            LinkageError: The list or the bundle has a fault.
        """
        ids: list[str] = []

        def records() -> Iterator[RecordBatch]:
            for chunk in source.chunks(settings.chunk):
                ids.extend(chunk.records.ids)
                yield chunk.records

        own = OwnList.of(records())
        linker = showing(load_bundle(Path(settings.bundle).expanduser(), own), settings)
        return cls(settings, source, linker, own, ids)

    def opened(self) -> OpenedLinker:
        """The linker, with the file as the state of its table."""
        return OpenedLinker(self.linker, file_fingerprint(self.source.path))

    def first_passes(self, begin: int) -> Iterator[FirstLook]:
        """What the first pass gives for each chunk after the first `begin` clients."""
        for chunk in chunks_after(self.source, self.settings.chunk, begin):
            yield FirstLook.of(within_list(self.linker, self.own, begin), chunk)
            begin += len(chunk)

    def decided(self, first: NDArray[np.void]) -> ListDecisions:
        """The likeliest other client of each, with its group, after the first pass over all."""
        found = duplicates_of(self.linker, first, self.settings.duplicate_threshold)
        return replace(found.decisions, columns={DUPLICATE_GROUP: found.group + 1})

    def rows(
        self,
        layout: ResultLayout,
        first: NDArray[np.void],
        decisions: ListDecisions,
        begin: int,
    ) -> Iterable[LinkedChunk]:
        """Rows of the result for each chunk after the first `begin` clients."""
        for chunk in chunks_after(self.source, self.settings.chunk, begin):
            end = begin + len(chunk)
            part = decisions.between(begin, end)
            linker = within_list(self.linker, self.own, begin)
            linked = linker.finish(chunk.records, np.array(first[begin:end]), part)
            # ids of the own list are positions
            other = [self.ids[int(place)] if place else "" for place in linked.company_ids]
            rows = layout.rows(replace(linked, company_ids=other), chunk, part.columns)
            yield LinkedChunk(rows)
            begin = end
