"""What the first pass over a list leaves of each client: the input of the list stage."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.errors import SchemaError
from linkage_rl.records import SHORTLIST, Shortlist

KEYS: Final = ("core", "stem", "kana", "address")
"""Keys by which clients of one list are compared."""


@dataclass(frozen=True)
class FirstPass:
    """N clients of one list, or of several lists that know nothing of each other."""

    candidates: NDArray[np.int32]
    """Ids of the best candidates, falling share, -1 where there are no more; shape (N, SHORTLIST).
    An id stands for the same company wherever it occurs in the list."""
    shares: NDArray[np.float32]
    """Their softmax weights, in [0, 1], 0 where there is none; shape (N, SHORTLIST)."""
    tied: NDArray[np.int16]
    """Candidates tied with each, itself included, see `Observation.ties`; shape (N, SHORTLIST)."""
    no_match: NDArray[np.float32]
    """Softmax weight of no match, in [0, 1], shape (N,)."""
    keys: NDArray[np.uint64]
    """Hashes of `KEYS`, 0 where the client lacks one; shape (N, 4)."""

    def __post_init__(self) -> None:
        clients = len(self.no_match)
        wanted = {
            "candidates": (clients, SHORTLIST),
            "shares": (clients, SHORTLIST),
            "tied": (clients, SHORTLIST),
            "no_match": (clients,),
            "keys": (clients, len(KEYS)),
        }
        for field in fields(self):
            if getattr(self, field.name).shape != wanted[field.name]:
                raise SchemaError(
                    f"a first pass of {clients} clients needs {field.name} of shape "
                    f"{wanted[field.name]}, got {getattr(self, field.name).shape}"
                )

    @classmethod
    def of(
        cls, shortlist: Shortlist, companies: NDArray[np.integer], keys: NDArray[np.uint64]
    ) -> "FirstPass":
        """From what a policy kept.

        Args:
            shortlist: Of N clients.
            companies: The company of each candidate, -1 where there is none, shape (N, SHORTLIST).
            keys: Hashes of `KEYS`, shape (N, 4).
        """
        return cls(
            np.ascontiguousarray(companies, dtype=np.int32),
            shortlist.share,
            shortlist.tied,
            shortlist.no_match,
            np.array(keys),
        )

    def __len__(self) -> int:
        return len(self.no_match)

    def take(self, clients: NDArray[np.integer] | NDArray[np.bool_]) -> "FirstPass":
        """These clients in this order: positions, or a mask of shape (N,)."""
        return FirstPass(
            *(getattr(self, field.name)[clients] for field in fields(self)),
        )


def list_keys(hashes: Mapping[str, NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """Hashes of `KEYS` from those of `candidates.keys.hashed_keys`, shape (N, 4)."""
    core = hashes["core"]
    return np.stack([core[0], core[1], hashes["kana"][0], hashes["address"][0]], axis=1)
