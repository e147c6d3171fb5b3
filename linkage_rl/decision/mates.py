"""Mates: clients of one list with an equal key, and what they together say of a company.

Clients with an equal key form a group. Work is bounded in large groups, too: shares are added up
once per group and company, and what a client itself contributes is taken off again. Shares are
added as whole numbers, so that sums depend on no order.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision import _mates
from linkage_rl.decision.first_pass import FirstPass
from linkage_rl.records import SHORTLIST

RELATIONS: Final = ("core", "stem", "kana", "address", "core_and_address", "chain")
"""Ways in which two clients are mates; `chain` joins mates of mates."""
PROPOSED: Final = 3
"""Companies that a group proposes to its members, at most."""
MIN_SHARE: Final = 0.01
"""Share from which on mates count that a client gives a company."""
_CHAINED_GROUP: Final = 16
"""Clients of a group that joins chains, at most: more share a building or a common name, not an
organisation."""
_SHIFT: Final = np.int64(32)


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of all R relations, one after the other, and the shares of companies in them.

    Group g of relation r has the size `sizes[first_size[r] + g]`, and its companies are the entries
    from `bounds[first_bound[r] + g]` to the next bound.
    """

    of_client: NDArray[np.int32]
    """Group of each client in each relation, -1 where it has no mate; shape (R, N)."""
    sizes: NDArray[np.int64]
    first_size: NDArray[np.int64]
    bounds: NDArray[np.int64]
    first_bound: NDArray[np.int64]
    company: NDArray[np.int32]
    """Company of each of E entries, ascending within a group."""
    total: NDArray[np.uint32]
    """Sum of the shares that members give it, in units of 2 ** -12; shape (E,)."""
    highest: NDArray[np.float32]
    """The two highest of these shares, shape (E, 2)."""
    best_of: NDArray[np.int32]
    """Members of which it is the best candidate, shape (E,)."""
    proposed: NDArray[np.int64]
    """Companies that are the best of a member, highest sum first, `PROPOSED` for each group, -1
    where there are fewer."""
    first_proposed: NDArray[np.int64]

    @classmethod
    def of(cls, first: FirstPass, lists: NDArray[np.integer] | None = None) -> "Groups":
        """Group the clients, and add up their shares.

        Args:
            first: N clients.
            lists: Number of the list of each client, shape (N,): clients of different lists are no
                mates; None where there is one list.
        """
        groups = [group.astype(np.int32) for group in _relations(first, lists)]
        columns: dict[str, list[NDArray[Any]]] = {}
        for group in groups:
            for name, column in vars(_Relation.of(group, first)).items():
                columns.setdefault(name, []).append(column)
        sizes, first_size = _joined(columns.pop("sizes"))
        bounds, first_bound = _bounds(columns.pop("starts"))
        proposed, first_proposed = _joined(columns.pop("proposed"))
        return cls(
            of_client=np.stack(groups),
            sizes=sizes,
            first_size=first_size,
            bounds=bounds,
            first_bound=first_bound,
            proposed=proposed,
            first_proposed=first_proposed,
            # one column after the other is joined and let go: they are most of the memory
            **{name: np.concatenate(columns.pop(name)) for name in list(columns)},
        )


@dataclass(frozen=True, eq=False)
class _Relation:
    """The G groups of one relation, with their entries."""

    sizes: NDArray[np.int64]
    starts: NDArray[np.int64]
    """Shape (G + 1,)."""
    company: NDArray[np.int32]
    total: NDArray[np.uint32]
    highest: NDArray[np.float32]
    best_of: NDArray[np.int32]
    proposed: NDArray[np.int64]

    @classmethod
    def of(cls, group: NDArray[np.int32], first: FirstPass) -> "_Relation":
        """Add up the shares of every company within every group."""
        member = np.flatnonzero(group >= 0)
        sizes = np.bincount(group[member]).astype(np.int64)
        counted = (first.candidates[member] >= 0) & (first.shares[member] >= MIN_SHARE)
        # the best candidate is proposed whatever its share
        counted[:, 0] = first.candidates[member, 0] >= 0
        place = np.flatnonzero(counted)
        client, slot = member[place // SHORTLIST], place % SHORTLIST
        entry = group[client].astype(np.int64) << _SHIFT | first.candidates[client, slot]
        place = client * SHORTLIST + slot
        del client, slot, counted
        order = np.argsort(entry)
        place, entry = place[order], entry[order]
        del order
        entries, total, highest, best_of = _mates.add_up(
            place, entry, first.candidates, first.shares
        )
        del place, entry
        return cls(
            sizes,
            np.searchsorted(entries, np.arange(len(sizes) + 1, dtype=np.int64) << _SHIFT),
            (entries & np.int64(0xFFFFFFFF)).astype(np.int32),
            np.minimum(total, np.iinfo(np.uint32).max).astype(np.uint32),
            highest,
            best_of,
            _mates.propose(entries, total, best_of, len(sizes), PROPOSED).reshape(-1),
        )


def _relations(first: FirstPass, lists: NDArray[np.integer] | None) -> list[NDArray[np.int64]]:
    """Group of each client in each of `RELATIONS`, -1 where it is alone."""
    columns = [np.ascontiguousarray(column) for column in first.keys.T]
    if lists is not None:
        numbers = lists.astype(np.uint64)
        columns = [
            np.where(column == 0, np.uint64(0), _mixed(column, numbers)) for column in columns
        ]
    core, address = columns[0], columns[3]
    both = np.where((core == 0) | (address == 0), np.uint64(0), _mixed(core, address))
    groups = [_groups(column) for column in columns]
    members = [_by_group(group) for group in groups]
    chain = _mates.chains(
        len(first), [one[0] for one in members], [one[1] for one in members], _CHAINED_GROUP
    )
    return [*groups, _groups(both), _groups(chain.astype(np.uint64) + np.uint64(1))]


def _groups(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Number of the group of each client with an equal key, -1 where it is alone; shape (N,)."""
    order = np.argsort(keys)
    ordered = keys[order]
    same = (ordered[1:] == ordered[:-1]) & (ordered[1:] != 0)
    shared = np.append(same, False) | np.append(False, same)
    starts = shared & ~np.append(False, same)
    group = np.full(len(keys), -1, dtype=np.int64)
    group[order] = np.where(shared, np.cumsum(starts) - 1, -1)
    return group


def _by_group(group: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Clients that have a group, by group, and the group of each."""
    member = np.flatnonzero(group >= 0)
    member = member[np.argsort(group[member])]
    return member, group[member]


def _joined(parts: list[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All parts one after the other, and where each begins."""
    ends = np.cumsum([len(part) for part in parts])
    return np.concatenate(parts), (ends - [len(part) for part in parts]).astype(np.int64)


def _bounds(starts: list[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the entries of each group begin among those of all relations."""
    shifts = np.cumsum([0, *(part[-1] for part in starts[:-1])])
    return _joined([part + shift for part, shift in zip(starts, shifts, strict=True)])


def _mixed(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A hash of two hashes, never 0 (splitmix64, Steele et al. 2014)."""
    mixed = one ^ (other * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(np.maximum(mixed ^ (mixed >> np.uint64(31)), np.uint64(1)))
