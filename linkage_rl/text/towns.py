"""Which municipality a town is in, where the prefecture and the town tell it.

The towns are those of the postal-code data of Japan Post. They are read when the first address
needs them: one without its city or ward, or in a municipality that no longer exists.
"""

import re
from functools import cache
from importlib import resources
from typing import Final

from linkage_rl.text import _blocks
from linkage_rl.text.characters import IS_KANJI
from linkage_rl.text.municipalities import WARDED_CITIES, Municipality, find_ward, find_wards

_MAX_TOWN: Final = 14
_OLD: Final = re.compile(
    "(?:[^0-9郡]{1,5}郡)?(?:([^0-9郡町]{1,5}?)(市)(?!町)|([^0-9郡]{1,6}?)([町村]))"
)
_OLD_PREFIX: Final = re.compile("[^町村区]{1,6}[町村区](?=.)")
_AREA: Final = re.compile("^(?:大字|字)")

Scope = tuple[int, str]
"""Prefecture code, and '' or the city whose wards are meant."""


@cache
def _towns() -> dict[Scope, dict[str, str | None]]:
    """Town to municipality in each scope; None where several have the town."""
    text = resources.files(__package__).joinpath("towns.txt").read_text(encoding="utf-8")
    towns: dict[Scope, dict[str, str | None]] = {}
    for line in text.splitlines():
        code, city, *names = line.split(" ")
        for scope in ("", parent) if (parent := _parent(city)) else ("",):
            known = towns.setdefault((int(code), scope), {})
            for town in names:
                known[town] = None if town in known else city
    return towns


@cache
def _former_municipalities() -> dict[tuple[int, str], str | None]:
    """Former towns and villages that today's towns begin with: (16, '福岡町') to '高岡市'."""
    former: dict[tuple[int, str], str | None] = {}
    for (code, parent), towns in _towns().items():
        for town, city in () if parent else towns.items():
            found = _OLD_PREFIX.match(town)
            if found and city:
                key = code, found[0]
                former[key] = city if former.get(key, city) == city else None
    return former


def _parent(city: str) -> str:
    parent = city[: city.find("市") + 1]
    return parent if parent in WARDED_CITIES and parent != city else ""


_MERGED: Final = {
    ("水沢市", "江刺市"): (3, "奥州市"),
    ("大曲市",): (5, "大仙市"),
    ("本荘市",): (5, "由利本荘市"),
    ("原町市",): (7, "南相馬市"),
    ("水海道市",): (8, "常総市"),
    ("岩井市",): (8, "坂東市"),
    ("下館市",): (8, "筑西市"),
    ("今市市",): (9, "日光市"),
    ("黒磯市",): (9, "那須塩原市"),
    ("与野市",): (11, "さいたま市中央区"),
    ("上福岡市",): (11, "ふじみ野市"),
    ("鳩ケ谷市",): (11, "川口市"),
    ("佐原市",): (12, "香取市"),
    ("八日市場市",): (12, "匝瑳市"),
    ("秋川市",): (13, "あきる野市"),
    ("田無市", "保谷市"): (13, "西東京市"),
    ("新湊市",): (16, "射水市"),
    ("松任市",): (17, "白山市"),
    ("武生市",): (18, "越前市"),
    ("更埴市",): (20, "千曲市"),
    ("尾西市",): (23, "一宮市"),
    ("上野市",): (24, "伊賀市"),
    ("八日市市",): (25, "東近江市"),
    ("平田市",): (32, "出雲市"),
    ("徳山市", "新南陽市"): (35, "周南市"),
    ("小野田市",): (35, "山陽小野田市"),
    ("川之江市", "伊予三島市"): (38, "四国中央市"),
    ("中村市",): (39, "四万十市"),
    ("前原市",): (40, "糸島市"),
    ("甘木市",): (40, "朝倉市"),
    ("福江市",): (42, "五島市"),
    ("本渡市", "牛深市"): (43, "天草市"),
    ("国分市",): (46, "霧島市"),
    ("川内市",): (46, "薩摩川内市"),
    ("加世田市",): (46, "南さつま市"),
    ("具志川市",): (47, "うるま市"),
    ("平良市",): (47, "宮古島市"),
}
"""Cities of before 2006 whose towns do not tell the city of today."""
_MERGED_CITY: Final = {old: place for olds, place in _MERGED.items() for old in olds}


def find_by_town(code: int, city: str, rest: str, shortest: int = 1) -> str:
    """The municipality of the town that a text starts with; '' where it is not the only one.

    Args:
        code: Code of the prefecture.
        city: A city whose wards are meant, or '' for the whole prefecture.
        rest: Folded text after the prefecture or city.
        shortest: Fewest characters of a town.

    >>> find_by_town(27, "大阪市", "梅田1-1-3"), find_by_town(13, "", "芝1-2-3")
    ('大阪市北区', '港区')
    """
    towns = _towns().get((code, city), {})
    name = re.split("[0-9]", _AREA.sub("", rest[: _MAX_TOWN + _MAX_TOWN]), maxsplit=1)[0]
    name = _blocks.separate(name[:_MAX_TOWN] + "一", IS_KANJI)[:-1]
    for length in range(len(name), shortest - 1, -1):
        if name[:length] in towns:
            return towns[name[:length]] or ""
    return ""


def find_ward_by_town(code: int, text: str) -> Municipality | None:
    """The ward that a text without its city starts with, told by the town if several have it.

    >>> find_ward_by_town(27, "北区梅田1-1-3")
    ('北区', 27, '大阪市北区')
    """
    wards = find_wards(code, text)
    if len(wards) > 1:
        wards = tuple(
            ward
            for ward in wards
            if find_by_town(ward[1], _parent(ward[2]), text[len(ward[0]) :]) == ward[2]
        )
    return wards[0] if len(wards) == 1 else None


Place = tuple[int, str, str]
"""Prefecture code, canonical city, what follows."""


def find_former(code: int, text: str) -> Place | None:
    """The place of a text that starts with a municipality merged into another; None if unknown.

    >>> find_former(16, "西砺波郡福岡町三日市105"), find_former(0, "大宮市桜木町1")
    ((16, '高岡市', '福岡町三日市105'), (11, 'さいたま市大宮区', '桜木町1'))
    """
    found = _OLD.match(text)
    if not found:
        return None
    name, kind = (found[1], found[2]) if found[2] else (found[3], found[4])
    rest = _AREA.sub("", text[found.end() :])
    place = _former_city(code, name, rest) if kind == "市" else None
    return place or (_by_towns(code, name, kind, rest) if code else None)


def _former_city(code: int, name: str, rest: str) -> Place | None:
    """A city that is a ward today (大宮市), or one of `_MERGED`."""
    if ward := find_ward(code, name + "区"):
        _, code, city = ward
        return code, find_by_town(code, _parent(city), rest) or city, rest
    merged = _MERGED_CITY.get(name + "市")
    if not merged or code not in (0, merged[0]):
        return None
    prefixed = find_by_town(merged[0], "", name + rest, len(name) + 1) == merged[1]
    return (*merged, name + rest if prefixed else rest)


def _by_towns(code: int, name: str, kind: str, rest: str) -> Place | None:
    for town in (name + kind, name + "区", name + "町"):
        if city := _former_municipalities().get((code, town)):
            return code, city, town + rest
    for town, shortest in ((name + rest, len(name) + 1), (rest, 2)):
        if city := find_by_town(code, "", town, shortest):
            return code, city, town
    return None
