"""Duplicates within one list: which of its clients are the same organisation, and their groups.

The list becomes a table of its own, in which no client finds itself, and the policy of a bundle
links every client with it. A policy shares out its confidence among candidates, of which one is
right; of the duplicates of a client all are. Each pair is therefore weighed against no match alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Blocker, Clients, Proposals
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.decision import _mates
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.first_pass import FirstPass
from linkage_rl.decision.list_stage import ListDecisions
from linkage_rl.records import CompanyRows, DecisionKind, RecordBatch

THRESHOLD: Final = 0.5
"""Probability from which on two clients are duplicates where nothing else is asked for."""
DUPLICATE_GROUP: Final = "duplicate_group"
"""Column of `ListDecisions`: the row of the list, from 1, of the first client of the group."""
_SHIFT: Final = np.int64(32)


@dataclass(frozen=True)
class OwnList(CompanyIndex):
    """The clients of a list as a table: row i is client i, whose id there is its position."""

    first_client: int = 0
    """Position in the list of the first client that looks for duplicates; the others follow it."""

    @classmethod
    def of(cls, chunks: Iterable[RecordBatch]) -> "OwnList":
        """Index the clients of a list."""
        index = CompanyIndex.build(_as_rows(chunks))
        return cls(index.parts, index.offices, index.known)

    def seen_from(self, first_client: int) -> "OwnList":
        """The same list for clients from this position on."""
        return replace(self, first_client=first_client)

    def propose(
        self, blocker: Blocker, clients: Clients, chosen: NDArray[np.int64], limit: int
    ) -> Proposals:
        """The blocker's candidates for the chosen clients, without these themselves.

        See `CompanyIndex.propose`.
        """
        found = CompanyIndex.propose(self, blocker, clients, chosen, limit + 1)
        own = found.rows == (chosen + self.first_client)[:, None]
        order = np.argsort(own, axis=1, kind="stable")[:, :limit]
        rows = np.where(own, -1, found.rows)
        retrieval_score = np.where(own, 0, found.retrieval_score).astype(np.float32)
        return Proposals(
            np.take_along_axis(rows, order, axis=1),
            np.take_along_axis(retrieval_score, order, axis=1),
        )


def _as_rows(chunks: Iterable[RecordBatch]) -> Iterable[CompanyRows]:
    """The clients as rows of a table; ids are positions, since those of a list may be repeated."""
    begin = 0
    for records in chunks:
        places = [str(place) for place in range(begin, begin + len(records))]
        begin += len(records)
        nothing = [""] * len(records)
        yield CompanyRows(RecordBatch(places, records.columns), nothing, nothing)


@dataclass(frozen=True)
class DuplicatePairs:
    """P pairs of clients of a list; arrays of shape (P,)."""

    one: NDArray[np.int64]
    """Position of the earlier client, ascending."""
    other: NDArray[np.int64]
    """Position of the later client, ascending for each earlier one."""
    probability: NDArray[np.float32]
    """Probability in [0, 1] that they are the same organisation."""

    def from_probability(self, least: float) -> "DuplicatePairs":
        """The pairs of this probability or above."""
        kept = self.probability >= least
        return DuplicatePairs(self.one[kept], self.other[kept], self.probability[kept])


def duplicate_pairs(first: FirstPass, calibration: Calibration | None) -> DuplicatePairs:
    """Every pair of clients of which one is a candidate of the other.

    Each has the probability that the surer of its two clients gives it.

    Args:
        first: N clients of a list, whose candidates are rows of the list as `OwnList`.
        calibration: Of the policy; None leaves its confidence raw.
    """
    client, slot = np.nonzero(first.candidates >= 0)
    candidate = first.candidates[client, slot].astype(np.int64)
    share, no_match = first.shares[client, slot], first.no_match[client]
    against_no_match = share / np.maximum(share + no_match, np.finfo(np.float32).tiny)
    probability = (
        against_no_match if calibration is None else calibration.apply(against_no_match)
    ).astype(np.float32)
    key = np.minimum(client, candidate) << _SHIFT | np.maximum(client, candidate)
    pairs, place = np.unique(key, return_inverse=True)
    highest = np.zeros(len(pairs), dtype=np.float32)
    np.maximum.at(highest, place, probability)
    return DuplicatePairs(pairs >> _SHIFT, pairs & np.int64(0xFFFFFFFF), highest)


def group_duplicates(clients: int, pairs: DuplicatePairs) -> NDArray[np.int64]:
    """Group of each client: the first client of it, -1 where a client is alone; shape (N,).

    Clients that are joined through others are one group.

    Args:
        clients: Number of clients N.
        pairs: Clients that are joined.
    """
    number = np.repeat(np.arange(len(pairs.one), dtype=np.int64), 2)
    member = np.stack([pairs.one, pairs.other], axis=1).reshape(-1).astype(np.int64)
    first = _mates.chains(clients, [member], [number], 2)
    alone = np.bincount(first, minlength=clients)[first] == 1
    return np.where(alone, -1, first)


def decide_duplicates(
    clients: int, pairs: DuplicatePairs, threshold: float = THRESHOLD
) -> ListDecisions:
    """The likeliest other client of each; a link where it is a duplicate.

    Of equally likely ones the earlier in the list comes first.

    Args:
        clients: Number of clients N.
        pairs: All pairs, those below the threshold among them.
        threshold: Probability from which on two clients are duplicates.
    """
    own = np.concatenate([pairs.one, pairs.other])
    their = np.concatenate([pairs.other, pairs.one])
    probability = np.concatenate([pairs.probability, pairs.probability])
    order = np.lexsort((their, -probability, own))
    client, place = np.unique(own[order], return_index=True)
    best = order[place]
    decisions = ListDecisions(
        np.full(clients, DecisionKind.NO_MATCH, dtype=np.int8),
        np.full(clients, -1, dtype=np.int64),
        np.zeros(clients, dtype=np.float32),
        np.ones(clients, dtype=np.int16),
    )
    decisions.candidate[client] = their[best]
    decisions.confidence[client] = probability[best]
    decisions.kind[client[probability[best] >= threshold]] = DecisionKind.LINK
    return decisions
