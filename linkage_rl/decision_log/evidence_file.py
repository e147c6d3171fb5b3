"""Packed evidence of a list on disk, between the first pass over it and its decisions."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np

from linkage_rl.decision_log.linked import PackedEvidence
from linkage_rl.errors import OutputError
from linkage_rl.tables.partial_file import PartialFile


class EvidenceFile(PartialFile):
    """The evidence of one chunk of clients after the other: a line of JSON, then bytes."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        """Create the file, or continue the one that exists.

        Args:
            path: Names the file: `<path>.partial`.
            fingerprint: Of everything that the evidence depends on.

        Raises:
            OutputError: The folder is missing or not writable, or the disk is full.
        """
        super().__init__(path, fingerprint)

    def append(self, packed: PackedEvidence) -> None:
        """Append the evidence of one chunk of clients; it is safe afterwards.

        Raises:
            OutputError: The disk is full; earlier chunks stay safe.
        """
        columns = {
            "shown": packed.shown,
            "no_match": packed.no_match,
            "raw_confidence": packed.raw_confidence,
            "evidence": [len(one) for one in packed.evidence],
        }
        content = json.dumps(columns).encode() + b"\n" + b"".join(packed.evidence)
        self._append(content, clients=len(packed))

    def chunks(self, begin: int = 0) -> Iterator[PackedEvidence]:
        """The chunks after the first `begin` clients, which fill complete chunks."""
        with self._partial.open("rb") as stream:
            seen = 0
            while seen < self.finished:
                columns = json.loads(stream.readline())
                ends = np.concatenate([[0], np.cumsum(columns["evidence"])]).tolist()
                content = stream.read(ends[-1])
                seen += len(columns["evidence"])
                if seen > begin:
                    columns["evidence"] = [content[one:end] for one, end in pairwise(ends)]
                    yield PackedEvidence(**columns)

    def check(self, clients: int) -> Self:
        """Make sure that it holds the evidence of so many clients at least.

        Raises:
            OutputError: It does not, since it was changed after the run was interrupted.
        """
        if self.finished < clients:
            state = self._state.with_name(f"{self.path.stem}.first-pass.partial.json")
            raise OutputError(
                f"expected the evidence of {clients:,} clients in {self._partial}, got that of "
                f"{self.finished:,}: it was changed since the run was interrupted; delete {state}, "
                "then start again"
            )
        return self
