"""Mates: clients of one list with an equal key, and what they together say of a company.

Clients with an equal key form a group. Work is bounded in large groups, too: shares are added up
once per group and company, and what a client itself contributes is taken off again.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.first_pass import KEPT, FirstPass

RELATIONS: Final = ("core", "stem", "kana", "address", "core_and_address", "chain")
"""Ways in which two clients are mates; `chain` joins mates of mates."""
_CHAINED: Final = (0, 1, 2, 3)
"""Relations whose groups are joined to chains."""
_CHAINED_GROUP: Final = 16
"""Clients of a group that may be a link of a chain, at most: more share a building or a chain's
name, not an organisation."""
PROPOSED: Final = 3
"""Companies that a group proposes to its members, at most."""
_UNIT: Final = 1 << 20
"""Shares are added up as whole numbers of this fraction: the sum then depends on no order."""
_SHIFT: Final = np.int64(32)


@dataclass(frozen=True)
class Claims:
    """What mates say of each company of a pair, the client itself left out; arrays of shape (P,)."""

    mates: NDArray[np.int64]
    """Mates of the client."""
    highest: NDArray[np.float32]
    """Highest share that a mate gives the company."""
    mean: NDArray[np.float32]
    """Mean share over all mates."""
    best_of: NDArray[np.int64]
    """Mates whose best candidate is the company."""


@dataclass(frozen=True)
class Relation:
    """The groups of one relation, and the shares of each company within each group."""

    group: NDArray[np.int64]
    """Group of each client, -1 where it has no mate; shape (N,)."""
    sizes: NDArray[np.int64]
    """Clients of each of the G groups."""
    entries: NDArray[np.int64]
    """group << 32 | company of each of E entries, ascending."""
    total: NDArray[np.int64]
    """Sum of the shares of each entry, in units of 2 ** -20; shape (E,)."""
    highest: NDArray[np.float32]
    """The two highest shares of each entry by different clients, shape (E, 2)."""
    best_of: NDArray[np.int64]
    """Clients of which it is the best candidate, shape (E,)."""
    proposals: NDArray[np.int64]
    """Companies that are the best of a member, highest sum first, -1; shape (G, PROPOSED)."""

    @classmethod
    def of(cls, group: NDArray[np.int64], first: FirstPass) -> "Relation":
        """Add up the shares of every company within every group."""
        sizes = np.bincount(group[group >= 0])
        member = np.flatnonzero(group >= 0)
        candidates, shares = first.candidates[member], first.shares[member]
        present = candidates >= 0
        entry = (group[member][:, None] << _SHIFT | candidates)[present]
        share = shares[present]
        is_best = np.broadcast_to(np.arange(KEPT) == 0, present.shape)[present]
        order = np.lexsort((-share, entry))
        entry, share, is_best = entry[order], share[order], is_best[order]
        starts = _starts(entry)
        ends = np.append(starts[1:], len(entry))
        highest = np.zeros((len(starts), 2), dtype=np.float32)
        if len(starts):
            highest[:, 0] = share[starts]
            several = ends - starts > 1
            highest[several, 1] = share[starts[several] + 1]
        counted = _quantised(share)
        entries = entry[starts]
        total = _sums(counted, starts)
        best_of = _sums(is_best.astype(np.int64), starts)
        return cls(
            group,
            sizes,
            entries,
            total,
            highest,
            best_of,
            _proposals(entries, total, best_of, len(sizes)),
        )

    def claims(
        self,
        client: NDArray[np.int64],
        company: NDArray[np.int64],
        share: NDArray[np.float32],
        is_best: NDArray[np.bool_],
    ) -> Claims:
        """What the mates of each client say of a company.

        Args:
            client: Client of each pair, shape (P,).
            company: Company of each pair, shape (P,).
            share: The client's own share of the company, 0 where it is none of its kept candidates.
            is_best: Whether it is the client's own best candidate.
        """
        pairs = len(client)
        mates = np.zeros(pairs, dtype=np.int64)
        highest, mean = (np.zeros(pairs, dtype=np.float32) for _ in range(2))
        best_of = np.zeros(pairs, dtype=np.int64)
        group = self.group[client]
        asked = np.flatnonzero(group >= 0)
        group = group[asked]
        mates[asked] = self.sizes[group] - 1
        wanted = group << _SHIFT | company[asked]
        place = np.searchsorted(self.entries, wanted)
        if len(self.entries):
            found = self.entries[np.minimum(place, len(self.entries) - 1)] == wanted
            asked, place = asked[found], place[found]
        own, top = share[asked], self.highest[place]
        rest = self.total[place] - _quantised(own)
        highest[asked] = np.where(own >= top[:, 0], top[:, 1], top[:, 0])
        mean[asked] = rest / (_UNIT * np.maximum(mates[asked], 1))
        best_of[asked] = self.best_of[place] - is_best[asked]
        return Claims(mates, highest, mean, best_of)


def relations(first: FirstPass, lists: NDArray[np.integer] | None = None) -> tuple[Relation, ...]:
    """The groups of each of `RELATIONS`.

    Args:
        first: N clients.
        lists: Number of the list of each client, shape (N,): clients of different lists are no
            mates; None where there is one list.
    """
    keys = first.keys
    if lists is not None:
        keys = np.where(keys == 0, keys, _mixed(keys, lists.astype(np.uint64)[:, None]))
    columns = [keys[:, place] for place in range(keys.shape[1])]
    core, address = columns[0], columns[3]
    both = np.where((core == 0) | (address == 0), np.uint64(0), _mixed(core, address))
    groups = [_groups(column) for column in (*columns, both)]
    groups.append(_chains([groups[place] for place in _CHAINED]))
    return tuple(Relation.of(group, first) for group in groups)


def _groups(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Number of the group of each client with an equal key, -1 where it is alone; shape (N,)."""
    group = np.full(len(keys), -1, dtype=np.int64)
    present = np.flatnonzero(keys)
    _, inverse, sizes = np.unique(keys[present], return_inverse=True, return_counts=True)
    shared = sizes[inverse] > 1
    number = np.cumsum(sizes > 1) - 1
    group[present[shared]] = number[inverse[shared]]
    return group


def _chains(groups: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Number of the chain of each client, -1 where it is in none; shape (N,).

    Clients of one small group belong to one chain. Labels fall to the lowest of the group until
    nothing changes; following the label of one's label halves the steps.
    """
    clients = len(groups[0])
    label = np.arange(clients)
    small = []
    for group in groups:
        member = np.flatnonzero(group >= 0)
        sizes = np.bincount(group[member])
        member = member[sizes[group[member]] <= _CHAINED_GROUP]
        member = member[np.argsort(group[member], kind="stable")]
        small.append((member, _starts(group[member])))
    changed = True
    while changed:
        changed = False
        for member, starts in small:
            if not len(member):
                continue
            lowest = np.minimum.reduceat(label[member], starts)
            lowest = np.repeat(lowest, np.diff(np.append(starts, len(member))))
            changed |= bool((lowest < label[member]).any())
            # the representative learns it, too: it may be of another group
            np.minimum.at(label, label[member], lowest)
            label[member] = np.minimum(label[member], lowest)
        label = label[label]
    return _groups(label.astype(np.uint64) + np.uint64(1))


def _proposals(
    entries: NDArray[np.int64],
    total: NDArray[np.int64],
    best_of: NDArray[np.int64],
    groups: int,
) -> NDArray[np.int64]:
    """Companies that are the best of a member, highest sum first, -1; shape (G, PROPOSED)."""
    proposals = np.full((groups, PROPOSED), -1, dtype=np.int64)
    kept = np.flatnonzero(best_of)
    group = entries[kept] >> _SHIFT
    order = np.lexsort((entries[kept], -total[kept], group))
    kept, group = kept[order], group[order]
    starts = _starts(group)
    rank = np.arange(len(kept)) - np.repeat(starts, np.diff(np.append(starts, len(kept))))
    few = rank < PROPOSED
    proposals[group[few], rank[few]] = entries[kept[few]] & np.int64(0xFFFFFFFF)
    return proposals


def _starts(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each run of equal values begins."""
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))


def _sums(values: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    if not len(starts):
        return np.zeros(0, dtype=np.int64)
    return np.asarray(np.add.reduceat(values, starts))


def _quantised(share: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.rint(share.astype(np.float64) * _UNIT).astype(np.int64)


def _mixed(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A hash of two hashes, never 0 (splitmix64, Steele et al. 2014)."""
    mixed = one ^ (other * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.maximum(mixed ^ (mixed >> np.uint64(31)), np.uint64(1))
