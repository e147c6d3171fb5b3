"""Ways to propose candidates, each with a cost; a frozen dataclass is also its configuration."""

import threading
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates import _propose
from linkage_rl.candidates.encode import EncodedBatch, encode
from linkage_rl.candidates.keys import KEYS, hashed_keys
from linkage_rl.candidates.segment import Segment
from linkage_rl.checks import COUNT, FINITE, Range, check_ranges
from linkage_rl.errors import ConfigError
from linkage_rl.records import CanonicalBatch


@dataclass(frozen=True)
class Clients:
    """N clients in the form in which blockers and features ask."""

    canonical: CanonicalBatch
    encoded: EncodedBatch
    keys: dict[str, NDArray[np.uint64]]
    """Hashes of every key, shape (alternatives, N) each; 0 where the client lacks it."""

    def __len__(self) -> int:
        return len(self.encoded)

    @classmethod
    def of(cls, canonical: CanonicalBatch) -> "Clients":
        """Encode canonical clients."""
        return cls(canonical, encode(canonical), hashed_keys(canonical))

    def take(self, rows: NDArray[np.int64]) -> "ClientRows":
        """The packed rows and gram offsets of some clients, for a kernel."""
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
    """Packed clients as the search kernels take them."""

    rows: NDArray[np.void]
    gram_ends: NDArray[np.int64]
    grams: NDArray[np.int32]
    former: NDArray[np.uint64]
    """Hashes that former names are asked for with, shape (2, n)."""


@dataclass(frozen=True)
class Proposals:
    """Candidates that one blocker names for N clients, best first."""

    rows: NDArray[np.int64]
    """Rows of the index, -1 where there are no more; shape (N, limit)."""
    retrieval_score: NDArray[np.float32]
    """How promising each is, in [0, 1]; shape (N, limit)."""


class Blocker(Protocol):
    """One way to propose candidates."""

    @property
    def name(self) -> str:
        """Its name, as in configs, reports and observations."""

    @property
    def cost(self) -> float:
        """What one use costs, unit: one correct link."""

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
        """Candidates for the chosen clients among the segment's rows that are alive."""


@dataclass(frozen=True)
class KeyBlocker:
    """Companies that share an exact key with the client."""

    name: str
    """The key, one of `keys.KEYS`."""
    cost: float = 0.0005
    max_rows: int = 4096
    """Companies of one key that are compared; the rest is ignored."""

    def __post_init__(self) -> None:
        if self.name not in KEYS:
            raise ConfigError(f"expected a key blocker among {sorted(KEYS)}, got {self.name!r}")

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
        asking = clients.take(chosen)
        rows, retrieval_score = _propose.propose_by_key(
            np.ascontiguousarray(clients.keys[self.name][:, chosen]),
            asking.rows,
            asking.gram_ends,
            asking.grams,
            segment.keys[self.name].keys,
            segment.keys[self.name].rows,
            asking.former,
            segment.keys["former_name"].keys,
            segment.keys["former_name"].rows,
            segment.rows,
            segment.documents.gram_offsets,
            segment.documents.grams,
            segment.idf,
            alive,
            limit,
            self.max_rows,
        )
        return Proposals(rows.astype(np.int64), retrieval_score)


@dataclass(frozen=True)
class NgramBlocker:
    """Companies whose name, reading or Latin name shares rare character n-grams."""

    name: str = "ngram"
    cost: float = 0.016
    budget: int = 4096
    """Postings read per client, the rarest grams first."""
    documents: int = 48
    """Names compared exactly per client, at most 128."""
    rows_per_document: int = 256
    """Companies of one name that are compared."""

    def __post_init__(self) -> None:
        check_ranges(
            "candidates.ngram",
            self,
            {
                "cost": FINITE,
                "budget": COUNT,
                "documents": Range(1, 128),
                "rows_per_document": COUNT,
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
        asking = clients.take(chosen)
        mass, touched = _scratch(len(segment.documents), self.budget)
        rows, retrieval_score = _propose.propose_by_grams(
            asking.rows,
            asking.gram_ends,
            asking.grams,
            segment.gram_starts,
            segment.postings,
            segment.document_norms,
            segment.document_row_ends,
            segment.document_rows,
            asking.former,
            segment.keys["former_name"].keys,
            segment.keys["former_name"].rows,
            segment.rows,
            segment.documents.gram_offsets,
            segment.documents.grams,
            segment.idf,
            alive,
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
