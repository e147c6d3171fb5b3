"""A coarse, discrete description of each case: in what its candidates agree with the client.

Cases of drawn clients and of a list's clients are compared by it, since no truth is needed.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.cases import CaseSet
from linkage_rl.features.context import log_count

_BEARERS: Final = (0.5, 1.5, 4.5)
"""Edges between none, one, a few and many companies of a name."""
_SHARERS: Final = (0.5, 1.5, 5.5)
"""Edges between none, one, a few and many candidates at the client's address."""
_LIKELY: Final = 0.75
"""Ratio of cores from which names resemble each other."""
_OFFICE: Final = 0.3


def patterns(cases: CaseSet) -> NDArray[np.int64]:
    """Number of the pattern of each case, equal for equal patterns, shape (N,).

    A pattern has the best candidate's level of the name, of the place, and whether its registry
    office serves the client's city; how frequent the client's name and core are in the table; how
    many candidates are at the client's address, and how similar the name of the most similar one
    is; whether a phone, domain or number agrees; and whether the client has a legal form, and a
    branch or department.
    """
    column = {name: place for place, name in enumerate(cases.feature_names)}
    of_client = {name: place for place, name in enumerate(cases.query_names)}

    def on(name: str) -> NDArray[np.bool_]:
        return np.asarray(cases.features[:, column[name]] > 0)

    def level(conditions: Sequence[NDArray[np.bool_]]) -> NDArray[np.int64]:
        return np.select(conditions, range(len(conditions), 0, -1), 0)

    case, ratio = cases.case_of_pair, np.asarray(cases.features[:, column["core_ratio"]])
    town, city = on("town_equal"), on("city_equal")
    stem = on("stem_equal") | on("company_stem_equal")
    name = level([on("name_equal"), on("core_equal"), stem, ratio >= _LIKELY])
    place = level([on("block_equal") & town, town, city, on("prefecture_equal")])
    office = cases.features[:, column["office_in_client_city"]] > _OFFICE
    identifier = on("phone_equal") | on("domain_equal") | on("corporate_equal")
    same_address = on("block_equal") & town & city
    akin = np.where(same_address, 1 + np.searchsorted((0.34, 0.6), ratio, side="right"), 0)
    sharers = np.bincount(case, weights=same_address, minlength=len(cases))
    parts = (
        _highest(case, name * 10 + place * 2 + office, len(cases)),
        _bin(_highest(case, cases.features[:, column["client_name_frequency"]], len(cases))),
        _bin(_highest(case, cases.features[:, column["client_core_frequency"]], len(cases))),
        np.searchsorted(_SHARERS, sharers, side="right"),
        _highest(case, akin, len(cases)),
        _highest(case, identifier * (1 + (name >= 1)), len(cases)),
        (cases.query[:, of_client["has_form"]] > 0).astype(np.int64),
        (cases.query[:, of_client["stem_differs"]] > 0).astype(np.int64),
    )
    numbers = np.zeros(len(cases), dtype=np.int64)
    for part in parts:
        numbers = numbers * 64 + part.astype(np.int64)
    return numbers


def _highest(
    case: NDArray[np.int64], values: NDArray[np.generic], size: int
) -> NDArray[np.generic]:
    """Highest value among the pairs of each case, 0 without any, shape (N,)."""
    highest = np.zeros(size, dtype=values.dtype)
    np.maximum.at(highest, case, values)
    return highest


def _bin(frequency: NDArray[np.generic]) -> NDArray[np.int64]:
    edges = log_count(np.array(_BEARERS))
    return np.searchsorted(edges, frequency.astype(np.float32), side="right")
