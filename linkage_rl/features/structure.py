"""Which fields of a pair agree, level by level, and which are missing."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.text.legal_forms import KIND_OF_FORM, KINDS

NAMES: Final = (
    "name_equal",
    "written_equal",
    "core_equal",
    "stem_equal",
    "kana_equal",
    "reading_equal",
    "form_equal",
    "form_missing",
    "side_equal",
    "prefecture_equal",
    "prefecture_missing",
    "city_equal",
    "city_missing",
    "town_equal",
    "town_missing",
    "block_first_equal",
    "block_equal",
    "block_missing",
    "building_equal",
    "building_missing",
    "address_equal",
    "postal_equal",
    "postal_district_equal",
    "postal_missing",
    "phone_equal",
    "phone_area_equal",
    "phone_missing",
    "domain_equal",
    "domain_missing",
    "corporate_equal",
    "corporate_missing",
    *(f"company_is_{kind}" for kind in KINDS),
)
"""Features of this module, in their order; 1 for agreement, 0 for conflict or missing.

Two records without a legal form agree in form and side.
"""

_KIND: Final = np.array(KIND_OF_FORM)


def kinds_of(records: NDArray[np.void]) -> list[NDArray[np.bool_]]:
    """Whether the legal form of each packed record is of each of `KINDS`; shape (P,) each."""
    kind = _KIND[records["form"]]
    return [kind == place for place in range(1, 1 + len(KINDS))]


def structure(
    clients: NDArray[np.void], companies: NDArray[np.void], stems: NDArray[np.uint32]
) -> NDArray[np.float32]:
    """Agreement features of P pairs, shape (P, len(NAMES)), each 0 or 1.

    Args:
        clients: Packed client of each pair, shape (P,).
        companies: Packed company of each pair, shape (P,).
        stems: Short hash of the stem of each pair's client, shape (P,).
    """

    def equal(field: str) -> NDArray[np.bool_]:
        both: NDArray[np.bool_] = (clients[field] == companies[field]) & (clients[field] != 0)
        return both

    def missing(field: str) -> NDArray[np.bool_]:
        either: NDArray[np.bool_] = (clients[field] == 0) | (companies[field] == 0)
        return either

    here, there = clients["postal"], companies["postal"]
    postal_known = (here >= 0) & (there >= 0)
    block, other = clients["block"], companies["block"]
    same_place = equal("town")
    block_first = same_place & (block[:, 0] == other[:, 0]) & (block[:, 0] != 0)
    same_block = block_first & (block == other).all(axis=1)
    columns = [
        equal("name"),
        equal("written"),
        equal("core"),
        (stems == companies["core"]) & (stems != 0),
        equal("kana"),
        equal("reading"),
        clients["form"] == companies["form"],
        missing("form"),
        clients["side"] == companies["side"],
        equal("prefecture"),
        missing("prefecture"),
        equal("city"),
        missing("city"),
        same_place,
        missing("town"),
        block_first,
        same_block,
        (block[:, 0] == 0) | (other[:, 0] == 0),
        equal("building"),
        missing("building"),
        same_block & (clients["building"] == companies["building"]),
        postal_known & (here == there),
        postal_known & (here // 10_000 == there // 10_000),
        ~postal_known,
        equal("phone"),
        equal("phone_area"),
        missing("phone"),
        equal("domain"),
        missing("domain"),
        equal("corporate"),
        missing("corporate"),
        *kinds_of(companies),
    ]
    return np.array(columns, dtype=np.float32).T
