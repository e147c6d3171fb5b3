"""Packs what a policy saw of each client into bytes for the log, and reads it back for learning.

The bytes of a client, before they are compressed: a version, the number of its candidates, then in
1/255 the features of the client, the state, the ties, and the features of the candidates, feature
after feature.
"""

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.evidence import Evidence
from linkage_rl.errors import SchemaError
from linkage_rl.features.matrix import PAIR_FEATURES, QUERY_FEATURES

VERSION: Final = 1
_LEVEL: Final = 1
_SCALE: Final = np.float32(1 / 255)
_MAX_BYTES: Final = 1 << 20
"""Size of an unpacked client; a larger one is refused."""


@dataclass(frozen=True)
class Shape:
    """Sizes of the arrays of an observation."""

    features: int
    """Features of a slot, F."""
    query: int
    """Features of a client, Q."""
    state: int
    """Blockers run, filled slots and cost, R + 2."""


@dataclass(frozen=True)
class LoggedCases:
    """N clients as a policy sees them, K slots each, filled from slot 0 on by falling share."""

    candidates: NDArray[np.float32]
    """Features in [0, 1], shape (N, K, F); empty slots are 0."""
    query: NDArray[np.float32]
    """Shape (N, Q)."""
    state: NDArray[np.float32]
    """Shape (N, R + 2)."""
    ties: NDArray[np.int8]
    """See `Observation.ties`, shape (N, K)."""
    filled: NDArray[np.int64]
    """Candidates of each client, shape (N,)."""

    def __len__(self) -> int:
        return len(self.filled)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "LoggedCases":
        """These clients: positions, or a mask of shape (N,)."""
        return LoggedCases(
            self.candidates[rows],
            self.query[rows],
            self.state[rows],
            self.ties[rows],
            self.filled[rows],
        )

    def action_mask(self) -> NDArray[np.int8]:
        """1 for links to filled slots and for no match; review and blockers are 0.

        Shape (N, K + 2 + R).
        """
        slots, blockers = self.candidates.shape[1], self.state.shape[1] - 2
        mask = np.zeros((len(self), slots + 2 + blockers), dtype=np.int8)
        mask[:, :slots] = np.arange(slots) < self.filled[:, None]
        mask[:, slots] = 1
        return mask


def features_version(blockers: Sequence[str], max_candidates: int) -> str:
    """Digest of what the numbers of evidence mean: 16 hexadecimal digits.

    Args:
        blockers: Names of the blockers of the bundle, in their order.
        max_candidates: Its slots.
    """
    parts = [str(VERSION), *PAIR_FEATURES, "", *QUERY_FEATURES, "", *blockers, str(max_candidates)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def pack(evidence: Evidence) -> list[bytes]:
    """The evidence of each of N clients, compressed."""
    starts = evidence.counts.cumsum() - evidence.counts
    packed = [b""] * len(evidence)
    for count, clients in _by_count(evidence.counts):
        pairs = starts[clients, None] + np.arange(count)
        rows = np.concatenate(
            [
                np.full((len(clients), 2), (VERSION, count), dtype=np.uint8),
                evidence.query[clients],
                evidence.state[clients],
                evidence.ties[pairs],
                evidence.candidates[pairs].transpose(0, 2, 1).reshape(len(clients), -1),
            ],
            axis=1,
        )
        for client, row in zip(clients.tolist(), rows, strict=True):
            packed[client] = zlib.compress(row, _LEVEL)
    return packed


def unpack(packed: Sequence[bytes], shape: Shape) -> LoggedCases:
    """The clients that `pack` has packed.

    Args:
        packed: One entry per client.
        shape: Sizes of the observation; decisions of one `features_version` have the same.

    Raises:
        SchemaError: An entry is damaged, of another version, or of other sizes.
    """
    contents = [_content(one, shape) for one in packed]
    filled = np.array([content[1] for content in contents], dtype=np.int64)
    slots, number = max(int(filled.max(initial=1)), 1), len(contents)
    cases = LoggedCases(
        np.zeros((number, slots, shape.features), dtype=np.float32),
        np.zeros((number, shape.query), dtype=np.float32),
        np.zeros((number, shape.state), dtype=np.float32),
        np.full((number, slots), -1, dtype=np.int8),
        filled,
    )
    sizes = np.cumsum([2, shape.query, shape.state]).tolist()
    for count, clients in _by_count(filled):
        rows = np.frombuffer(b"".join(contents[client] for client in clients), dtype=np.uint8)
        rows = rows.reshape(len(clients), -1)
        _, query, state, ties, features = np.split(rows, [*sizes, sizes[-1] + count], axis=1)
        cases.query[clients] = query * _SCALE
        cases.state[clients] = state * _SCALE
        cases.ties[clients, :count] = ties
        features = features.reshape(len(clients), shape.features, count).transpose(0, 2, 1)
        cases.candidates[clients, :count] = features * _SCALE
    return cases


def _by_count(counts: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each number of candidates with the clients that have as many."""
    for count in np.flatnonzero(np.bincount(counts)).tolist():
        yield count, np.flatnonzero(counts == count)


def _content(packed: bytes, shape: Shape) -> bytes:
    try:
        reader = zlib.decompressobj()
        content = reader.decompress(packed, _MAX_BYTES)
    except zlib.error as error:
        raise SchemaError(
            f"expected the evidence of a logged decision, got damaged bytes: {error}; leave the "
            "decision out"
        ) from None
    version = content[0] if content else 0
    count = content[1] if len(content) > 1 else 0
    size = 2 + shape.query + shape.state + count * (1 + shape.features)
    if version != VERSION or len(content) != size or not reader.eof:
        raise SchemaError(
            f"expected evidence of version {VERSION} in {size:,} bytes, got version {version} in "
            f"{len(content):,}; leave the decision out, or link the client again"
        )
    return content
