"""Which municipality a town is in, where the prefecture and the town tell it.

The towns are those of the postal-code data of Japan Post. They are read when the first address
needs them: one without its city or ward, or in a municipality that no longer exists.
"""

import lzma
import re
from collections import Counter
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from linkage_rl.text import _lots
from linkage_rl.text.characters import IS_KANJI
from linkage_rl.text.municipalities import WARDED_CITIES, Municipality, find_ward, find_wards
from linkage_rl.text.normalise import core_block, fold_block

_MAX_TOWN: Final = 14
_MAX_FORMER: Final = 8
_COUNTY: Final = re.compile("[^0-9郡市区]{1,5}郡(?=.)")
_OLD: Final = re.compile("(?:([^0-9郡町]{1,5}?)(市)(?!町)|([^0-9郡]{1,6}?)([町村]))")
_AREA: Final = re.compile("^(?:大字|字)")

Scope = tuple[int, str]
"""Prefecture code, and '' or the city whose wards are meant, or `_FORMER`."""
_FORMER: Final = "="
"""The scope of former towns and villages: (16, '=') has 福岡町 of 高岡市."""


def towns_file() -> Traversable:
    """The packed file of towns, which scripts/towns.py makes."""
    return resources.files(__package__).joinpath("towns.txt.xz")


def written_town(town: str) -> str:
    """A town as addresses are read: folded, old kanji as new, ノ and ケ for の and が.

    >>> written_town("市ヶ谷砂土原町"), written_town("日の出")
    ('市ケ谷砂土原町', '日ノ出')
    """
    return _spelled(core_block(fold_block(town)))


def _spelled(town: str) -> str:
    return _lots.separate(town[:_MAX_TOWN] + "一", IS_KANJI)[:-1]


@cache
def _towns() -> dict[Scope, dict[str, str | None]]:
    """Town to municipality in each scope; None where several have the town."""
    text = lzma.decompress(towns_file().read_bytes()).decode()
    towns: dict[Scope, dict[str, str | None]] = {}
    for line in text.split("\n"):
        code, written, city, *names = line.split(" ")
        for scope in ("", parent_city(city)) if written == "*" else (written.strip("-"),):
            known = towns.setdefault((int(code), scope), {})
            known.update(dict.fromkeys(names, None if city == "-" else city))
    return towns


def parent_city(city: str) -> str:
    """The city that a ward belongs to; a ward of 東京 is its own; '' for any other municipality.

    >>> parent_city("大阪市北区"), parent_city("中央区"), parent_city("大垣市")
    ('大阪市', '中央区', '')
    """
    if city.endswith("区") and "市" not in city:
        return city
    parent = city[: city.find("市") + 1]
    return parent if parent in WARDED_CITIES and parent != city else ""


@cache
def former_municipalities() -> dict[tuple[int, str], str]:
    """Municipalities merged or renamed since 1963: (3, '水沢市') to '奥州市'.

    A city is also there for the prefecture 0, where only one prefecture had it.
    """
    text = resources.files(__package__).joinpath("former_municipalities.txt").read_text("utf-8")
    former: dict[tuple[int, str], str] = {}
    for line in core_block(text.replace(" ", "\t")).splitlines():
        code, city, *names = line.split("\t")
        former |= {(int(code), name): city for name in names}
    cities = Counter(name for _, name in former if name.endswith("市"))
    return former | {
        (0, name): f"{code} {city}" for (code, name), city in former.items() if cities[name] == 1
    }


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
    name = _spelled(name)
    for length in range(len(name), shortest - 1, -1):
        if name[:length] in towns:
            return towns[name[:length]] or ""
    return ""


def find_ward_by_town(code: int, text: str) -> Municipality | None:
    """The ward that a text without its city starts with, the town decides if several have it.

    >>> find_ward_by_town(27, "北区梅田1-1-3")
    ('北区', 27, '大阪市北区')
    """
    wards = find_wards(code, text)
    if len(wards) > 1:
        wards = tuple(
            ward
            for ward in wards
            if find_by_town(ward[1], parent_city(ward[2]), text[len(ward[0]) :]) == ward[2]
        )
    return wards[0] if len(wards) == 1 else None


Place = tuple[int, str, str]
"""Prefecture code, canonical city, what follows."""


def find_former(code: int, text: str) -> Place | None:
    """The place of a text that starts with a municipality merged into another; None if unknown.

    >>> find_former(16, "西砺波郡福岡町三日市105"), find_former(0, "大宮市桜木町1")
    ((16, '高岡市', '福岡町三日市105'), (11, 'さいたま市大宮区', '桜木町1'))
    """
    start = found.end() if (found := _COUNTY.match(text)) else 0
    if place := _listed(code, text[start:]):
        return place
    found = _OLD.match(text, start)
    if not found or not (code or found[2]):
        return None
    name, kind = (found[1], found[2]) if found[2] else (found[3], found[4])
    rest = _AREA.sub("", text[found.end() :])
    if kind == "市" and (ward := find_ward(code, name + "区")):
        _, code, city = ward
        return code, find_by_town(code, parent_city(city), rest) or city, rest
    if not code:
        return None
    if city := find_by_town(code, "", text, found.end()):
        return code, city, text
    # X町Y is mostly the area Y of a town X町 of today, but 郡X町 and X村 were municipalities.
    return _by_towns(code, name, kind, rest, kind != "町" or start > 0)


def _listed(code: int, text: str) -> Place | None:
    """The place of a text that starts with one of `former_municipalities`."""
    for length in range(min(len(text), _MAX_FORMER), 1, -1):
        city = former_municipalities().get((code, text[:length]))
        if not city:
            continue
        if not code:
            number, _, city = city.partition(" ")
            code = int(number)
        former, rest = text[:length], _AREA.sub("", text[length:])
        town = _town_of_today(code, city, former, rest)
        if city in WARDED_CITIES:
            city = find_by_town(code, city, rest) or city
        elif parent_city(city):
            city = find_by_town(code, parent_city(city), rest) or city
        return code, city, town
    return None


def _town_of_today(code: int, city: str, former: str, rest: str) -> str:
    """The rest after a former municipality, which some towns keep: 福岡町三日市, 古川七日町."""
    if _towns().get((code, _FORMER), {}).get(former) == city:
        return former + rest
    name = former[:-1] + rest
    return name if find_by_town(code, "", name, len(former)) == city else rest


def _by_towns(code: int, name: str, kind: str, rest: str, with_rest: bool) -> Place | None:
    for town in (name + kind, name + "区", name + "町"):
        if city := _towns().get((code, _FORMER), {}).get(town):
            return code, city, town + rest
    for town, shortest in ((name + rest, len(name) + 1), (rest, 2) if with_rest else ("", 1)):
        if city := find_by_town(code, "", town, shortest):
            return code, city, town
    return None
