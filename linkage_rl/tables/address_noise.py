"""How lists write an address: with something before it, without parts of it, with commas.

Each kind is a function of a record and a random generator: `street` is the address in one column,
`prefecture` and `city` say what its first parts are; it returns the fields that it changes, none
where it does not apply.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from linkage_rl.tables.spelling_noise import Change, Fields, one_of

_PREFECTURE: Final = re.compile("東京都|北海道|(?:京都|大阪)府|[^0-9０-９ 　]{2,3}県")
_WARD: Final = re.compile("^([^0-9０-９]+?市)([^0-9０-９市]+区)$")
_KE: Final = re.compile("[ケヶが](?=[^ぁ-んァ-ヶ0-9０-９ 　ー]|$)")
"""ケ between kanji, as in 霞ケ関."""


def parts_of(record: Fields) -> tuple[str, str, str]:
    """Prefecture and city as they begin the address, '' where they do not, and the rest of it."""
    rest = record["street"]
    prefecture = record.get("prefecture", "")
    if not (prefecture and rest.startswith(prefecture)):
        found = _PREFECTURE.match(rest)
        prefecture = found[0] if found else ""
    rest = rest.removeprefix(prefecture)
    city = record.get("city", "")
    city = city if city and rest.startswith(city) else ""
    return prefecture, city, rest.removeprefix(city)


def something_before(record: Fields, rng: np.random.Generator) -> Fields:
    """A label, the country or the postal code before the address: 日本、〒..., 住所：, 【本店】."""
    address, code = record["street"], re.sub("[^0-9]", "", record.get("postal_code", ""))
    if not address:
        return {}
    ways = [f"住所：{address}", f"本社：{address}", f"【本店】{address}", f"日本国{address}"]
    ways += [f"日本、{address}", f"（本社）{address}", f"所在地 {address}", f"本店　{address}"]
    if len(code) == 7:
        mark = f"〒{code[:3]}-{code[3:]}"
        ways += [f"日本、{mark} {address}", f"（{mark}）{address}", f"{mark}　{address}"]
        ways += [f"{code[:3]}-{code[3:]} {address}", f"本社/{mark} {address}"]
    return {"street": one_of(ways, rng)}


def prefecture_shortened(record: Fields, rng: np.random.Generator) -> Fields:
    """The prefecture without its last character: 東京 千代田区."""
    prefecture, city, rest = parts_of(record)
    if not prefecture or prefecture == "北海道":
        return {}
    return {"street": prefecture[:-1] + one_of(("", " ", "　", "、"), rng) + city + rest}


def prefecture_left_out(record: Fields, rng: np.random.Generator) -> Fields:
    """The address from the city on."""
    prefecture, city, rest = parts_of(record)
    return {"street": city + rest} if prefecture and city + rest else {}


def city_left_out(record: Fields, rng: np.random.Generator) -> Fields:
    """The prefecture and the town: 神奈川県みなとみらい."""
    prefecture, city, rest = parts_of(record)
    return {"street": prefecture + rest} if city and rest else {}


def ward_left_out(record: Fields, rng: np.random.Generator) -> Fields:
    """A designated city without its ward: 横浜市みなとみらい."""
    prefecture, city, rest = parts_of(record)
    found = _WARD.match(city)
    return {"street": prefecture + found[1] + rest} if found else {}


def ward_alone(record: Fields, rng: np.random.Generator) -> Fields:
    """The ward of a designated city without the city: 西区みなとみらい."""
    prefecture, city, rest = parts_of(record)
    found = _WARD.match(city)
    if found is None:
        return {}
    return {"street": one_of((prefecture, ""), rng) + found[2] + rest}


def commas(record: Fields, rng: np.random.Generator) -> Fields:
    """Commas or spaces between prefecture, city and town."""
    parts = [part for part in parts_of(record) if part]
    if len(parts) < 2:
        return {}
    return {"street": one_of(("、", ", ", ",", "，", " ", "　"), rng).join(parts)}


def other_ke(record: Fields, rng: np.random.Generator) -> Fields:
    """霞ケ関 as 霞ヶ関 or 霞が関."""
    street = record["street"]
    found = _KE.search(street, 1)
    if found is None:
        return {}
    other = one_of("ケヶが".replace(found[0], ""), rng)
    return {"street": street[: found.start()] + other + street[found.end() :]}


ADDRESS_KINDS: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "something_before": something_before,
        "prefecture_shortened": prefecture_shortened,
        "prefecture_left_out": prefecture_left_out,
        "city_left_out": city_left_out,
        "ward_left_out": ward_left_out,
        "ward_alone": ward_alone,
        "commas": commas,
        "other_ke": other_ke,
    }
)
"""Kind of change of an address to what it does."""
