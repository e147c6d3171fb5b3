"""Splits companies, and with them their clients, so that no company is in two splits."""

from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.errors import ConfigError

SPLITS: Final = ("train", "valid", "test")
SHARES: Final = (0.6, 0.2, 0.2)


def split_of(company_ids: Sequence[str], shares: Sequence[float] = SHARES) -> NDArray[np.int8]:
    """Position in `shares` of the split that each company belongs to, shape (N,).

    Only the id decides, not the order, the machine or the other companies, so a company is in the
    same split in every list and table.

    Raises:
        ConfigError: The shares do not add up to 1.
    """
    if abs(sum(shares) - 1.0) > 1e-9 or min(shares) < 0:
        raise ConfigError(
            f"expected split shares that add up to 1, got {list(shares)}; correct them"
        )
    edges = np.array(list(accumulate(shares))[:-1])
    digests = b"".join(
        blake2b(company_id.encode(), digest_size=8).digest() for company_id in company_ids
    )
    # an explicit byte order, so that every machine splits the same way
    uniform = np.frombuffer(digests, dtype=">u8") / 2.0**64
    return np.searchsorted(edges, uniform, side="right").astype(np.int8)
