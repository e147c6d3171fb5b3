"""Finds the duplicates within a list: a bundle's linker, with the list itself as its table."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.duplicates import (
    THRESHOLD,
    DuplicatePairs,
    OwnList,
    decide_duplicates,
    duplicate_pairs,
    group_duplicates,
)
from linkage_rl.decision.first_pass import FirstPass
from linkage_rl.decision.list_stage import ListDecisions
from linkage_rl.linker import Linker
from linkage_rl.records import RecordBatch

_CHUNK = 4096


@dataclass(frozen=True)
class Duplicates:
    """The duplicates within a list of N clients."""

    pairs: DuplicatePairs
    """All pairs that were compared, those below the threshold among them."""
    decisions: ListDecisions
    """The likeliest other client of each, by its position in the list."""
    group: NDArray[np.int64]
    """First client of the group of each, -1 where it is alone; shape (N,)."""


def within_list(linker: Linker, own: OwnList, first_client: int = 0) -> Linker:
    """The linker with the list as its table, for clients from this position on.

    Every blocker runs: a policy stops at the first sure candidate, but every duplicate is wanted.
    """
    every = tuple(range(len(linker.blockers)))
    return replace(
        linker,
        index=own.seen_from(first_client),
        source=None,
        decider=replace(linker.decider, plan=every),
        list_stage=None,
    )


def find_duplicates(
    linker: Linker, records: RecordBatch, threshold: float = THRESHOLD
) -> Duplicates:
    """The duplicates within N clients.

    Args:
        linker: Of a bundle; the company table that it links with is not used.
        records: The clients.
        threshold: Probability from which on two clients are duplicates.
    """
    own = OwnList.of([records])
    first = np.concatenate(
        [
            within_list(linker, own, part.start).first_pass(records.take(part))
            for part in _parts(len(records))
        ]
    )
    return duplicates_of(linker, first, threshold)


def duplicates_of(
    linker: Linker, first: NDArray[np.void], threshold: float = THRESHOLD
) -> Duplicates:
    """The duplicates within a list, after the first pass over all of its parts.

    Args:
        linker: Of a bundle.
        first: What `Linker.first_pass` of `within_list` gave for N clients, shape (N,).
        threshold: Probability from which on two clients are duplicates.
    """
    kept = FirstPass(*(np.ascontiguousarray(first[field.name]) for field in fields(FirstPass)))
    pairs = duplicate_pairs(kept, linker.decider.calibration)
    return Duplicates(
        pairs,
        decide_duplicates(len(first), pairs, threshold),
        group_duplicates(len(first), pairs.from_probability(threshold)),
    )


def group_with_hubs(
    company: NDArray[np.int64], group_without: NDArray[np.int64]
) -> NDArray[np.int64]:
    """First client of the group of each: those of one company, and those alike without one; (N,).

    -1 where a client is alone.

    Args:
        company: The company that each of N clients is linked to, -1 for none, shape (N,).
        group_without: `Duplicates.group` of the clients without a company, in their order.
    """
    without = np.flatnonzero(company < 0)
    hub = company.copy()
    grouped = group_without >= 0
    hub[without[grouped]] = company.max(initial=-1) + 1 + group_without[grouped]
    group = np.full(len(hub), -1, dtype=np.int64)
    member = np.flatnonzero(hub >= 0)
    _, first, place, size = np.unique(
        hub[member], return_index=True, return_inverse=True, return_counts=True
    )
    group[member] = np.where(size[place] > 1, member[first[place]], -1)
    return group


def _parts(clients: int) -> Iterator[range]:
    for begin in range(0, max(clients, 1), _CHUNK):
        yield range(begin, min(begin + _CHUNK, clients))
