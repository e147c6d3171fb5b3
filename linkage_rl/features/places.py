"""How far apart two places are, and whether a registry office fits them.

`coordinates.tsv` holds latitude and longitude of the town hall of every municipality (1,912 rows;
the wards of a city stand at its hall), taken from JpGeocode 0.3.1 (copyright m0zu, MIT License);
the places of 三宅村, 八丈町, 丹波篠山市 and 檮原町 were added.
"""

from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.encode import short_hashes
from linkage_rl.candidates.index import CompanyIndex

NAMES: Final = (
    "close_at_10_km",
    "close_at_100_km",
    "place_missing",
    "office_in_client_city",
    "office_in_company_city",
    "office_missing",
)
"""Features of this module, in their order."""

_EARTH_KM: Final = 6371.0
_FAR_KM: Final = np.float32(20_000)


def _read() -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Keys of all municipalities, rising, and their points on a sphere in km, shape (M + 1, 3).

    A prefecture alone has the key of no city and stands at the mean of its municipalities.
    """
    text = resources.files(__package__).joinpath("coordinates.tsv").read_text(encoding="utf-8")
    codes, cities, latitudes, longitudes = zip(
        *(line.split("\t") for line in text.splitlines()), strict=True
    )
    prefecture = np.array(codes, dtype=np.int8)
    latitude = np.radians(np.array(latitudes, dtype=np.float64))
    longitude = np.radians(np.array(longitudes, dtype=np.float64))
    points = _EARTH_KM * np.stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ],
        axis=1,
    )
    present = np.unique(prefecture)
    means = np.stack([points[prefecture == code].mean(axis=0) for code in present])
    keys = np.concatenate(
        [_key(prefecture, short_hashes(cities)), _key(present, np.zeros(len(present), np.uint32))]
    )
    order = np.argsort(keys)
    return keys[order], np.concatenate([points, means])[order].astype(np.float32)


def _key(prefecture: NDArray[np.int8], city: NDArray[np.uint32]) -> NDArray[np.uint64]:
    return (prefecture.astype(np.uint64) << np.uint64(32)) | city.astype(np.uint64)


_KEYS, _POINTS = _read()


def _locate(records: NDArray[np.void]) -> NDArray[np.int64]:
    """Row of `_POINTS` of each packed record, -1 where its prefecture is unknown; shape (N,)."""
    found = np.full(len(records), -1, dtype=np.int64)
    for city in (np.zeros(len(records), np.uint32), records["city"]):
        asked = _key(records["prefecture"], city)
        place = np.minimum(np.searchsorted(_KEYS, asked), len(_KEYS) - 1)
        found = np.where(_KEYS[place] == asked, place, found)
    return found


def kilometres(clients: NDArray[np.void], companies: NDArray[np.void]) -> NDArray[np.float32]:
    """Distance between the municipalities of each pair, shape (P,); 20,000 where one is unknown.

    The chord is taken for the arc: at 1,000 km that is 0.1 % short.

    Args:
        clients: Packed client of each pair, shape (P,).
        companies: Packed company of each pair, shape (P,).
    """
    here, there = _locate(clients), _locate(companies)
    distance = np.sqrt(((_POINTS[here] - _POINTS[there]) ** 2).sum(axis=1))
    return np.where((here >= 0) & (there >= 0), distance, _FAR_KM).astype(np.float32)


def places(
    index: CompanyIndex, clients: NDArray[np.void], companies: NDArray[np.void]
) -> NDArray[np.float32]:
    """Features of the places of P pairs, shape (P, len(NAMES)), in [0, 1].

    Args:
        index: The company table.
        clients: Packed client of each pair, shape (P,).
        companies: Packed company of each pair, shape (P,).
    """
    distance = kilometres(clients, companies)
    unknown = distance >= _FAR_KM
    office = companies["office"]
    columns = [
        ~unknown / (1 + distance / 10),
        ~unknown / (1 + distance / 100),
        unknown,
        index.offices.share(clients["city"], office),
        index.offices.share(companies["city"], office),
        office == 0,
    ]
    return np.array(columns, dtype=np.float32).T
