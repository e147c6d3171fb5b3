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

    def take(self, rows: NDArray[np.int64]) -> "ClientRows":
        """The packed rows and n-grams of some clients, as kernels take them."""
        ends = self.encoded.gram_offsets
        grams = self.encoded.grams
        former = self.keys["former_name"]
        if len(rows) == len(self) and (rows == np.arange(len(self))).all():
            return ClientRows(self.encoded.rows, ends, grams, former)
        begins = ends[3 * rows]
        sizes = ends[3 * rows + 3] - begins
        starts = np.concatenate([[0], np.cumsum(sizes)])
        own = (ends[3 * rows[:, None] + np.arange(3)] - begins[:, None]) + starts[:-1, None]
        picked = np.arange(starts[-1]) + np.repeat(begins - starts[:-1], sizes)
        return ClientRows(
            self.encoded.rows[rows],
            np.append(own.reshape(-1), starts[-1]).astype(np.int64),
            grams[picked],
            np.ascontiguousarray(former[:, rows]),
        )


@dataclass(frozen=True)
class ClientRows:
    """n packed clients as the kernels of `_propose` take them."""

    rows: NDArray[np.void]
    """Structured array of `encode.ROW`, shape (n,)."""
    gram_ends: NDArray[np.int64]
    """As `Documents.gram_offsets`, shape (3 n + 1,)."""
    grams: NDArray[np.int32]
    former: NDArray[np.uint64]
    """Keys of each client that are looked up among former names, shape (2, n)."""


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
        able: NDArray[np.bool_] = np.logical_or.reduce(clients.keys[self.name])
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
        packed = clients.take(chosen)
        rows, retrieval_score = _propose.propose_by_key(
            np.ascontiguousarray(clients.keys[self.name][:, chosen]),
            packed.rows,
            packed.gram_ends,
            packed.grams,
            segment.keys[self.name].keys,
            segment.keys[self.name].rows,
            packed.former,
            segment.keys["former_name"].keys,
            segment.keys["former_name"].rows,
            segment.rows,
            segment.documents.gram_offsets,
            segment.documents.grams,
            segment.idf,
            alive,
            segment.sites.heads,
            segment.sites.begins,
            segment.sites.rows,
            limit,
            self.max_rows,
        )
        return Proposals(rows.astype(np.int64), retrieval_score)


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
        named: NDArray[np.bool_] = np.diff(ends) > 0
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
        packed = clients.take(chosen)
        mass, touched = _scratch(len(segment.documents), self.budget)
        rows, retrieval_score = _propose.propose_by_grams(
            packed.rows,
            packed.gram_ends,
            packed.grams,
            segment.gram_starts,
            segment.postings,
            segment.document_norms,
            segment.document_row_ends,
            segment.document_rows,
            packed.former,
            segment.keys["former_name"].keys,
            segment.keys["former_name"].rows,
            segment.rows,
            segment.documents.gram_offsets,
            segment.documents.grams,
            segment.idf,
            alive,
            segment.sites.heads,
            segment.sites.begins,
            segment.sites.rows,
            mass,
            touched,
            limit,
            self.documents,
            self.rows_per_document,
        )
        return Proposals(rows.astype(np.int64), retrieval_score)


_local = threading.local()


def _scratch(documents: int, budget: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Scratch of this thread, all 0, kept between calls since clearing it costs milliseconds."""
    mass = getattr(_local, "mass", None)
    if mass is None or len(mass) < documents:
        mass = _local.mass = np.zeros(documents, dtype=np.float32)
    return mass, np.empty(budget, dtype=np.int32)
