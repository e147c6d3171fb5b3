"""Distance of two places, and whether the company's registry office fits them.

Part of a corporate number is the code of the registry office that issued it.

`coordinates.tsv` holds latitude and longitude of the town hall of every municipality (1,912 rows;
the wards of a city have the place of its city hall). It comes from JpGeocode 0.3.1 (copyright m0zu,
MIT License); the places of 三宅村, 八丈町, 丹波篠山市 and 檮原町 were added.
"""

from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Clients
from linkage_rl.candidates.encode import short_hashes
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.features import _fields

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


def _read() -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Keys of all municipalities, ascending, and their points on a sphere in km, shape (M, 3).

    A prefecture without a city has a key, too: its place is the mean of its municipalities.
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


def places(
    index: CompanyIndex,
    clients: Clients,
    client_of_pair: NDArray[np.int64],
    companies: NDArray[np.void],
) -> NDArray[np.float32]:
    """Features of the places of P pairs, shape (P, len(NAMES)), in [0, 1].

    Args:
        index: The company table.
        clients: N clients.
        client_of_pair: Client of each pair, shape (P,).
        companies: Packed company of each pair, shape (P,).
    """
    rows, office = clients.encoded.rows, companies["office"]
    values = np.empty((len(companies), len(NAMES)), dtype=np.float32)
    values[:, :3] = _fields.nearness(rows, client_of_pair, companies, _KEYS, _POINTS)
    values[:, 3] = index.offices.share(rows["city"][client_of_pair], office)
    values[:, 4] = index.offices.share(companies["city"], office)
    values[:, 5] = office == 0
    return values
