"""Brings the parts of an index up to date: companies that changed move into the second segment."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.changes import Changes, ChangingTable, find_changes
from linkage_rl.candidates.known_pages import KnownPages
from linkage_rl.candidates.parts import Part, recount
from linkage_rl.candidates.segment import SegmentBuilder
from linkage_rl.candidates.sorted_sets import distinct, is_among
from linkage_rl.candidates.stamps import Stamps
from linkage_rl.candidates.weights import reweighted
from linkage_rl.records import FIELDS, CompanyRows, RecordBatch

MERGE_SHARE: Final = 0.2
"""Share of the base that may have changed; after more, the index is built anew."""


def follow(
    parts: Sequence[Part],
    known: KnownPages,
    table: ChangingTable,
    merge_share: float,
    stamps: Stamps,
) -> tuple[tuple[Part, ...], Changes] | None:
    """The parts with all changes of the table, and what these are.

    Args:
        parts: The base, and the segment of earlier changes where there is one.
        known: The pages of the table that the parts hold.
        table: The table.
        merge_share: Share of the base that may have changed.
        stamps: Sees the rows of all companies that are new or changed.

    Returns:
        None where more has changed; no row has then been read.
    """
    base = parts[0]
    most = merge_share * max(len(base.segment), 1)
    later_rows = sum(int(part.alive.sum()) for part in parts[1:])
    gone_rows = len(base.segment) - int(base.alive.sum())
    builder = SegmentBuilder()

    def keep(rows: CompanyRows) -> None:
        builder.add(rows)
        stamps.see(rows)

    changes = find_changes(known, table, (most - later_rows, most - gone_rows), keep)
    if changes is None or not changes.differing:
        return None if changes is None else (tuple(parts), changes)
    touched = distinct(np.concatenate([changes.absent, changes.present]))
    left = [_without(part, touched) for part in parts]
    return recount(reweighted(_with_changes(left, builder))), changes


def _without(part: Part, companies: NDArray[np.uint64]) -> Part:
    """The part without these companies, given as ascending hashes of their ids."""
    index = part.segment.keys["company_id"]
    alive = part.alive.copy()
    alive[index.rows[is_among(index.keys, companies)]] = 0
    return replace(part, alive=alive)


def _with_changes(parts: Sequence[Part], builder: SegmentBuilder) -> tuple[Part, ...]:
    """The base, and a segment of the rows added and of those of later parts still alive."""
    base, *later = parts
    for part in later:
        own = np.flatnonzero((part.alive == 1) & part.segment.of_table)
        columns = {name: part.segment.raw(name, own) for name in FIELDS}
        records = RecordBatch(part.segment.ids.take(own), columns)
        builder.add(CompanyRows(records, [""] * len(records), [""] * len(records)))
    if not len(builder):
        return (base,)
    return base, Part.of(builder.build(base.segment), len(base.segment))
