"""Organisations that company tables lack: cities, prefectures, government offices, insurers."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Clients
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.keys import COUNTED
from linkage_rl.records import RecordBatch
from linkage_rl.tables.latin_forms import is_latin
from linkage_rl.tables.places import load_towns
from linkage_rl.tables.spelling_noise import one_of
from linkage_rl.tables.vocabulary import vocabulary
from linkage_rl.text.canonical import canonicalise

OF_CITY: Final = (
    *("", "", "", "役所", "教育委員会", "水道局", "上下水道局", "消防本部", "消防局", "議会"),
    *("立病院", "民病院", "税務署", "社会福祉事務所", "国民健康保険", "立図書館", "長"),
    *("保健所", "清掃事務所", "農業委員会", "選挙管理委員会", "ハローワーク"),
)
"""What follows the name of a city: 松本市, 松本市教育委員会."""
OF_PREFECTURE: Final = (
    *("", "", "", "", "庁", "教育委員会", "警察本部", "労働局", "知事", "国民健康保険団体連合会"),
    *("後期高齢者医療広域連合", "土木事務所", "企業局", "立大学", "選挙管理委員会"),
)
OF_TRADE: Final = ("健康保険組合", "国民健康保険組合", "企業年金基金", "厚生年金基金", "共済組合")
MINISTRIES: Final = (
    *("総務省", "法務省", "外務省", "財務省", "文部科学省", "厚生労働省", "農林水産省"),
    *("経済産業省", "国土交通省", "環境省", "防衛省", "内閣府", "警察庁", "国税庁", "気象庁"),
)
OFFICES: Final = ("", "", "地方支分部局", "関東局", "近畿局", "九州局", "会計課", "大臣官房")


def is_japanese(names: Sequence[str]) -> bool:
    """Whether at least half of these names have Japanese characters."""
    return 2 * sum(map(is_latin, names)) <= len(names)


def authority_names(index: CompanyIndex, count: int, rng: np.random.Generator) -> list[str]:
    """Names of organisations that this table does not have.

    Args:
        index: The table.
        count: Names to draw; fewer are returned where the table has some of them.
        rng: Random generator.
    """
    towns = load_towns()
    cities = np.unique(towns.city.astype(str))
    prefectures = np.unique(towns.prefecture.astype(str))
    drawn = [_name(cities, prefectures, rng) for _ in range(count)]
    records = RecordBatch([str(row) for row in range(count)], {"name": drawn})
    frequency = index.name_frequencies(Clients.of(canonicalise(records)))
    lacking = frequency[:, list(COUNTED).index("name")] == 0
    return [name for name, lacks in zip(drawn, lacking.tolist(), strict=True) if lacks]


def _name(cities: NDArray[np.str_], prefectures: NDArray[np.str_], rng: np.random.Generator) -> str:
    kind = rng.random()
    city = str(cities[rng.integers(len(cities))]).split("郡")[-1]
    prefecture = str(prefectures[rng.integers(len(prefectures))])
    if kind < 0.45:
        name = city + one_of(OF_CITY, rng)
        return prefecture + name if rng.random() < 0.25 else name
    if kind < 0.7:
        return prefecture + one_of(OF_PREFECTURE, rng)
    if kind < 0.9:
        words = vocabulary()[one_of(("surname", "kata", "trade"), rng)]
        first = one_of((one_of(words.texts, rng), prefecture.rstrip("都府県")), rng)
        return first + one_of(OF_TRADE, rng)
    return one_of(MINISTRIES, rng) + one_of(OFFICES, rng)
