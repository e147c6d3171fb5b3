"""How common the name, site and city of a company or client are in the whole table.

Counts become features on a logarithmic scale: 1 company of a name gives 0.1, 1,000 give 1.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Clients
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.keys import COUNTED
from linkage_rl.candidates.sites import GROUPS, Fit
from linkage_rl.features import _fields

OF_COMPANY: Final = tuple(f"company_{name}_frequency" for name in COUNTED)
NAMES: Final = (*OF_COMPANY, *(f"client_{name}_frequency" for name in COUNTED))
"""Features of this module, in their order."""

_MANY: Final = 1_000
_MANY_OF_A_CITY: Final = 65_535
_CEILING: Final = np.array([_MANY_OF_A_CITY if name == "city" else _MANY for name in COUNTED])
"""Count at which the feature of each of `COUNTED` reaches 1."""


def log_count(
    counts: NDArray[np.integer], ceiling: NDArray[np.int64] | int = 1_000
) -> NDArray[np.float32]:
    """Counts on a logarithmic scale in [0, 1], same shape; 1 for `ceiling` and more."""
    scaled: NDArray[np.float32] = np.minimum(np.log1p(counts) / np.log1p(ceiling), 1).astype(
        np.float32
    )
    return scaled


def _scale(dtype: type[np.floating]) -> NDArray[np.float32]:
    """`log_count` of 0..ceiling + 1, for `_MANY` and then for `_MANY_OF_A_CITY`."""
    scales = [
        log_count(np.arange(ceiling + 2).astype(dtype), np.array([ceiling]))
        for ceiling in (_MANY, _MANY_OF_A_CITY)
    ]
    return np.concatenate(scales)


_OF_COMPANY: Final = _scale(np.float32)
_OF_CLIENT: Final = _scale(np.float64)
_BEGIN: Final = np.where(_CEILING == _MANY, 0, _MANY + 2)
"""Offset of the scale of each of `COUNTED`."""
_GROUP_OF: Final = {
    **dict.fromkeys(("name", "core", "kana"), "name"),
    "phone": "phone",
    "domain": "domain",
    "corporate_number": "number",
}
"""Each of `COUNTED` to its group of `sites.GROUPS`; the others go with the place."""
_MOST: Final = _CEILING + 1
_EVERY: Final = np.ones(len(COUNTED), dtype=np.uint8)
_OF_GROUP: Final = {
    group: np.array([_GROUP_OF.get(name, "place") == group for name in COUNTED], dtype=np.uint8)
    for group in GROUPS
}


def write_frequencies(
    index: CompanyIndex,
    rows: NDArray[np.int64],
    out: NDArray[np.float32],
    at: int,
    chosen: NDArray[np.uint8] = _EVERY,
) -> None:
    """Write how common each of `COUNTED` of P companies is, in [0, 1], from column `at` on.

    Args:
        index: The company table.
        rows: Index row of each company, shape (P,).
        out: Written, shape (P, F).
        at: First of the C columns.
        chosen: 1 for those of `COUNTED` that are written, shape (C,).
    """
    for part in index.parts:
        _fields.scale_counts(
            part.counts, rows, part.first_row, _OF_COMPANY, _BEGIN, _MOST, chosen, out, at
        )


def write_site_frequencies(
    index: CompanyIndex, fit: Fit, out: NDArray[np.float32], at: int
) -> None:
    """`write_frequencies` of the sites that fit each of P clients best."""
    for group, chosen in _OF_GROUP.items():
        write_frequencies(index, fit.of(group), out, at, chosen)


def client_frequencies(index: CompanyIndex, clients: Clients) -> NDArray[np.float32]:
    """How common each of `COUNTED` of N clients is among the companies, shape (N, C), in [0, 1]."""
    counts = np.minimum(index.name_frequencies(clients), _MOST)
    values: NDArray[np.float32] = _OF_CLIENT[counts + _BEGIN]
    return values
