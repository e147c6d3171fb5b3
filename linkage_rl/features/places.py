"""Distance of two places, and whether the company's registry office fits them; see `_fields`.

Part of a corporate number is the code of the registry office that issued it.

`coordinates.tsv` holds latitude and longitude of the town hall of every municipality (1,912 rows;
the wards of a city have the place of its city hall). It comes from JpGeocode 0.3.1 (copyright m0zu,
MIT License); the places of 三宅村, 八丈町, 丹波篠山市 and 檮原町 were added.
"""

from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.encode import short_hashes

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


KEYS, POINTS = _read()
"""Places that are known, as the kernels take them, see `_read`."""
