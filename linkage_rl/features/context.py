"""What a lone pair does not show: namesakes, how common a name is, distances, registry offices."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.keys import COUNTED
from linkage_rl.candidates.routes import Clients

NAMES: Final = (
    *(f"company_{name}_bearers" for name in COUNTED),
    *(f"client_{name}_bearers" for name in COUNTED),
    "place_closeness",
    "office_in_client_city",
    "office_in_company_city",
    "office_missing",
)
"""Features of this module, in their order."""

_CAPITALS: Final = np.radians(
    np.array(
        [
            (43.06, 141.35), (40.82, 140.74), (39.70, 141.15), (38.27, 140.87), (39.72, 140.10),
            (38.24, 140.36), (37.75, 140.47), (36.34, 140.45), (36.57, 139.88), (36.39, 139.06),
            (35.86, 139.65), (35.61, 140.12), (35.69, 139.69), (35.45, 139.64), (37.90, 139.02),
            (36.70, 137.21), (36.59, 136.63), (36.07, 136.22), (35.66, 138.57), (36.65, 138.18),
            (35.39, 136.72), (34.98, 138.38), (35.18, 136.91), (34.73, 136.51), (35.00, 135.87),
            (35.02, 135.76), (34.69, 135.52), (34.69, 135.18), (34.69, 135.83), (34.23, 135.17),
            (35.50, 134.24), (35.47, 133.05), (34.66, 133.93), (34.40, 132.46), (34.19, 131.47),
            (34.07, 134.56), (34.34, 134.04), (33.84, 132.77), (33.56, 133.53), (33.61, 130.42),
            (33.25, 130.30), (32.74, 129.87), (32.79, 130.74), (33.24, 131.61), (31.91, 131.42),
            (31.56, 130.56), (26.21, 127.68),
        ]
    )
)  # fmt: skip
"""Latitude and longitude of the prefectural capitals, by prefecture code from 1."""
_EARTH_KM: Final = 6371.0
_HALVED_AT_KM: Final = 100.0


def _closeness() -> NDArray[np.float32]:
    """1 / (1 + d / 100 km) between prefectural capitals (haversine); row and column 0 unknown."""
    latitude, longitude = _CAPITALS.T
    half = (
        np.sin((latitude[:, None] - latitude) / 2) ** 2
        + np.cos(latitude[:, None])
        * np.cos(latitude)
        * np.sin((longitude[:, None] - longitude) / 2) ** 2
    )
    km = 2 * _EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    closeness = np.zeros((48, 48), dtype=np.float32)
    closeness[1:, 1:] = 1 / (1 + km / _HALVED_AT_KM)
    return closeness


_CLOSENESS: Final = _closeness()


def log_count(counts: NDArray[np.integer]) -> NDArray[np.float32]:
    """Counts on a logarithmic scale in [0, 1]; 1 from 1,000 on."""
    scaled: NDArray[np.float32] = np.minimum(np.log1p(counts) / np.log(1001), 1).astype(np.float32)
    return scaled


def context(
    index: CompanyIndex,
    clients: Clients,
    client_of_pair: NDArray[np.int64],
    rows: NDArray[np.int64],
    packed: NDArray[np.void],
) -> NDArray[np.float32]:
    """Context features of P pairs, shape (P, len(NAMES)), in [0, 1].

    Args:
        index: The company table.
        clients: N clients.
        client_of_pair: Client of each pair, shape (P,).
        rows: Index row of each pair, shape (P,).
        packed: Packed company of each pair, shape (P,).
    """
    asking = clients.encoded.rows[client_of_pair]
    office = packed["office"]
    columns = [
        log_count(index.counts(rows)),
        log_count(index.namesakes(clients))[client_of_pair],
        np.stack(
            [
                _CLOSENESS[asking["prefecture"], packed["prefecture"]],
                index.offices.share(asking["city"], office),
                index.offices.share(packed["city"], office),
                (office == 0).astype(np.float32),
            ],
            axis=1,
        ),
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)
