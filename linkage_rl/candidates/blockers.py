"""Blockers: ways to propose candidates for a client, each with a cost.

Comparing every client with every company is out of reach, so only *candidates* are compared: the
companies that a cheap look-up proposes. Splink calls such a look-up a blocking rule,
py_entitymatching a blocker. Here an agent decides client by client which blockers to run, and pays
the cost of each, in the unit of all rewards: one correct link.

A blocker is a frozen dataclass, which is also its configuration and what a bundle records of it.
`registry.register` lets a bundle hold a class of your own.
"""

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates import _propose
from linkage_rl.candidates.encode import EncodedBatch, encode
from linkage_rl.candidates.keys import KEYS, hashed_keys
from linkage_rl.candidates.segment import Segment
from linkage_rl.checks import FINITE, Range, check_ranges
from linkage_rl.errors import ConfigError
from linkage_rl.records import CanonicalBatch


@dataclass(frozen=True)
class Clients:
    """N clients in the form in which blockers and features read them."""

    canonical: CanonicalBatch
    encoded: EncodedBatch
    keys: dict[str, NDArray[np.uint64]]
    """Key name to hashes of that key, shape (alternatives, N); 0 where the client lacks it."""

    def __len__(self) -> int:
        return len(self.encoded)

    @classmethod
    def of(cls, canonical: CanonicalBatch) -> "Clients":
        """Encode canonical clients."""
        return cls(canonical, encode(canonical), hashed_keys(canonical))

    @cached_property
    def asking(self) -> _propose.Asking:
        """The clients as the kernels of `_propose` take them."""
        return _propose.Asking(
            self.encoded.rows,
            self.encoded.gram_offsets,
            self.encoded.grams,
            self.keys["former_name"],
        )


@dataclass(frozen=True)
class Proposals:
    """Candidates that one blocker proposes for N clients, best first."""

    rows: NDArray[np.int64]
    """Rows of the index, -1 where there are no more; shape (N, limit)."""
    retrieval_score: NDArray[np.float32]
    """How promising each is, in [0, 1]; shape (N, limit)."""


MAX_COMPARED: Final = Range(1, 1 << 24)
"""Postings or rows that one client may cost: scratch for as many is allocated at once."""


class Blocker(Protocol):
    """One way to propose candidates."""

    @property
    def name(self) -> str:
        """Its name in configs, reports and observations; different for every blocker in use."""

    @property
    def cost(self) -> float:
        """What one run costs per client, unit: one correct link; not negative."""

    def applies_to(self, clients: Clients) -> NDArray[np.bool_]:
        """Which clients have the field that the blocker needs, shape (N,)."""

    def propose(
        self,
        segment: Segment,
        alive: NDArray[np.uint8],
        clients: Clients,
        chosen: NDArray[np.int64],
        limit: int,
    ) -> Proposals:
        """Propose up to `limit` rows of a segment for each of the n chosen clients.

        Args:
            segment: A part of the company table.
            alive: 1 for rows of the segment that are still current; no other may be proposed.
            clients: N clients.
            chosen: Positions of the n clients to propose for, shape (n,).
            limit: Rows per client.

        Returns:
            Shape (n, limit): each row once per client, by descending retrieval score, which is
            above 0 for a row and 0 for an empty place (-1). Any site of a company stands for it.
        """


@dataclass(frozen=True)
class KeyBlocker:
    """Proposes companies that share an exact key with the client, such as its phone number."""

    name: str
    """The key, one of `keys.KEYS`."""
    cost: float = 0.0005
    max_rows: int = 4096
    """Companies of one key that are compared; the rest is ignored."""

    def __post_init__(self) -> None:
        if self.name not in KEYS:
            raise ConfigError(
                f"expected a key blocker among {sorted(KEYS)}, got {self.name!r}; "
                "add its key function to KEYS in candidates/keys.py, or name another one"
            )
        ranges = {"cost": FINITE, "max_rows": MAX_COMPARED}
        check_ranges(f"candidates.{self.name}", self, ranges)

    def applies_to(self, clients: Clients) -> NDArray[np.bool_]:
        """Clients that have the key."""
        keys = clients.keys[self.name]
        able: NDArray[np.bool_] = keys[0] != 0
        for other in keys[1:]:
            able |= other != 0
        return able

    def propose(
        self,
        segment: Segment,
        alive: NDArray[np.uint8],
        clients: Clients,
        chosen: NDArray[np.int64],
        limit: int,
    ) -> Proposals:
        """Companies of the key, those of highest retrieval score first."""
        filed = segment.keys[self.name]
        found = segment.searchable.by_key(
            clients.asking,
            chosen,
            clients.keys[self.name],
            filed.keys,
            filed.rows,
            alive,
            limit,
            self.max_rows,
        )
        return Proposals(*found)


@dataclass(frozen=True)
class NgramBlocker:
    """Proposes companies whose name, reading or Latin name shares rare n-grams with the client's.

    An n-gram is a run of two or three characters of a name. For each n-gram the index lists the
    names that contain it, its *postings*; each distinct name is one *document*. The n-grams of a
    client are read from the rarest on, since a rare one says most, until `budget` postings are
    spent. The `documents` names that gathered the most weight are then compared exactly.
    """

    name: str = "ngram"
    cost: float = 0.016
    budget: int = 4096
    """Postings read per client."""
    documents: int = 48
    """Distinct names compared exactly per client, at most 128."""
    rows_per_document: int = 256
    """Companies of one name that are compared."""

    def __post_init__(self) -> None:
        check_ranges(
            "candidates.ngram",
            self,
            {
                "cost": FINITE,
                "budget": MAX_COMPARED,
                "documents": Range(1, 128),
                "rows_per_document": MAX_COMPARED,
            },
        )

    def applies_to(self, clients: Clients) -> NDArray[np.bool_]:
        """Clients with any name at all."""
        ends = clients.encoded.gram_offsets[::3]
        named: NDArray[np.bool_] = ends[1:] > ends[:-1]
        return named

    def propose(
        self,
        segment: Segment,
        alive: NDArray[np.uint8],
        clients: Clients,
        chosen: NDArray[np.int64],
        limit: int,
    ) -> Proposals:
        """Companies of similar names, those of highest retrieval score first."""
        slots, touched = _scratch(min(self.budget, len(segment.documents)))
        found = segment.searchable.by_grams(
            clients.asking,
            chosen,
            alive,
            slots,
            touched,
            limit,
            self.budget,
            self.documents,
            self.rows_per_document,
        )
        return Proposals(*found)


_local = threading.local()


def _scratch(documents: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Scratch of this thread for as many documents, kept between calls: slots and their numbers.

    There are at least four times as many as documents, so that few of them want the same one.
    """
    if len(getattr(_local, "touched", ())) <= documents:
        _local.slots = np.full(4 << documents.bit_length(), _propose.FREE, dtype=np.int64)
        _local.touched = np.empty(documents + 1, dtype=np.int32)
    return _local.slots, _local.touched
