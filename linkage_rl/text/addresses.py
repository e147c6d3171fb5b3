"""Parses Japanese addresses, however written, into prefecture, city, town, block and building.

One parser serves company rows (three columns) and clients (often one). After folding, the words of
the numbering (丁目, 番地, 番, の, hyphens of every kind, kanji numerals) become the separators
'=' (after the 丁目), ':' (after the 番地) and '-', which one regular expression then reads.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from linkage_rl.text import _lots
from linkage_rl.text.characters import IS_KANJI, KANJI
from linkage_rl.text.code_tables import table_of
from linkage_rl.text.local_addresses import local_streets, read_damaged_lots
from linkage_rl.text.memory import Remembered
from linkage_rl.text.municipalities import (
    FORMER_KITA,
    KITA_TO_CHUO,
    PREFECTURE_CODE,
    PREFECTURES,
    UNSETTLED_CITIES,
    WARDED_CITIES,
    current_town,
    find_city,
)
from linkage_rl.text.normalise import (
    CORE,
    KANA_SHAPES,
    apply_table,
    drop_japanese_spaces,
    fold_block,
    join,
    split,
)
from linkage_rl.text.numbers import KANJI_NUMBER, NUMERALS, kanji_to_digits
from linkage_rl.text.places import choose_ward, complete_ward, find_place, is_shared_ward


class Addresses(NamedTuple):
    """N addresses; the fields are those of `CanonicalBatch`."""

    prefecture: NDArray[np.int8]
    city: list[str]
    town: list[str]
    block: list[str]
    building: list[str]


_WRITTEN: Final = table_of(
    KANJI
    | KANA_SHAPES
    | dict.fromkeys("'\"!?;*#$%@_^|\\<>「」『』〈〉《》〃〒=:", "")
    | dict.fromkeys(",./・+~", "-")
)
_POSTAL_CODE: Final = re.compile("^[0-9]{3}-?[0-9]{4}(?![-0-9]) *")

_LOT_WORDS: Final = _lots.LotWords(
    {
        "無番地": "",
        "番外地": "",
        "大字": "",
        "小字": "",
        "丁目の": "=",
        "丁目": "=",
        "地割": "=",
        "番地の": ":",
        "番地ノ": ":",
        "番地": ":",
        "番の": "番",
        "番ノ": "番",
        "号室": "号",
    }
)
"""What separates the numbers of a lot, the first in the order in which they are replaced."""

_FLOOR: Final = re.compile("地下([0-9]++)階|(?<![0-9])([0-9]++)階|(?<=[0-9a-z])(?:号(?![館棟])|室)")
_Place = tuple[int, str, str]
"""Prefecture code, canonical city, what follows."""


_PREFECTURE_CHARS: Final = (3, 4)


def _read_place(text: str) -> _Place:
    """The place that an address starts with, after its postal code if it has one."""
    if not text:
        return 0, "", ""
    if text[:1].isdigit():
        text = _POSTAL_CODE.sub("", text)
    code, rest = _without_prefecture(text)
    found = find_city(code, rest)
    if found is None:
        return find_place(text)
    spelling, read_code, city = found
    if not code and is_shared_ward(city):
        return choose_ward(spelling, rest)
    code, rest = read_code, rest[len(spelling) :]
    if city not in UNSETTLED_CITIES and rest[:1] != "-":
        return code, city, rest
    if spelling == FORMER_KITA and rest.startswith(KITA_TO_CHUO):
        city = "浜松市中央区"
    if city in WARDED_CITIES or rest[:1] == "-":
        city, rest = complete_ward(code, city, rest)
    return code, city, current_town(city, rest)


def _without_prefecture(text: str) -> tuple[int, str]:
    for length in _PREFECTURE_CHARS:
        if code := PREFECTURE_CODE.get(text[:length]):
            return code, text[length:]
    return 0, text


class _Columns(NamedTuple):
    """What the columns for prefecture and city say, whatever the street is."""

    code: int
    city: str
    """'' where the columns do not determine the city."""
    openings: frozenset[str]
    """First characters of a street that may repeat the columns."""
    prefecture_text: str
    city_text: str


def _read_columns(columns: tuple[str, str]) -> _Columns:
    prefecture, city = _written(columns)
    code, known, rest = _read_place(prefecture + city)
    if rest or city.endswith(FORMER_KITA) or known in UNSETTLED_CITIES:
        known = ""
    openings = frozenset((known[:2], PREFECTURES[code - 1][:2]))
    return _Columns(code, known, openings, prefecture, city)


_REMEMBERED: Final = Remembered(_read_columns)


def _read_places(
    prefectures: Sequence[str], cities: Sequence[str], streets: Sequence[str]
) -> tuple[list[int], list[str], list[str]]:
    """Codes, cities and rests of N addresses; mostly the two columns determine the place."""
    codes, known, rests = [], [], []
    for prefecture, city, street in zip(prefectures, cities, streets, strict=True):
        columns = _REMEMBERED[prefecture, city]
        if columns.city and street[:2] not in columns.openings:
            place = columns.code, columns.city, street
        else:
            parts = _join_parts(columns.prefecture_text, columns.city_text, street)
            place = _read_place(parts)
        codes.append(place[0])
        known.append(place[1])
        rests.append(place[2])
    return codes, known, rests


def _written(texts: Sequence[str]) -> list[str]:
    return split(apply_table(_WRITTEN, fold_block(join(texts))).replace(" ", ""), len(texts))


def _join_parts(prefecture: str, city: str, street: str) -> str:
    """The columns as one address; a part that the next column repeats is written once."""
    if street.startswith(prefecture + city):
        return street
    if city and street.startswith(city):
        return prefecture + street
    if city.startswith(prefecture):
        return city + street
    return prefecture + city + street


def _read_lots(rests: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Town, block and building of N texts after the city."""
    if rows := _lots.to_read_first(rests, NUMERALS):
        block = read_damaged_lots("\n".join([rests[row] for row in rows]))
        block = KANJI_NUMBER.sub(lambda found: kanji_to_digits(found[0]), block)
        rests = list(rests)
        for row, text in zip(rows, block.split("\n"), strict=True):
            rests[row] = text
    towns, blocks, buildings, floors = _lots.read_lots(rests, _LOT_WORDS, IS_KANJI, CORE)
    for row in floors:
        buildings[row] = _FLOOR.sub(_floor, buildings[row])
    return towns, blocks, buildings


def _floor(found: re.Match[str]) -> str:
    if found[1]:
        return f"b{found[1]}f"
    return f"{found[2]}f" if found[2] else ""


def canonical_addresses(
    prefectures: Sequence[str], cities: Sequence[str], streets: Sequence[str]
) -> Addresses:
    """Parse N addresses; missing columns are empty texts, `streets` may hold the full address."""
    block = drop_japanese_spaces(apply_table(_WRITTEN, fold_block(join(streets))))
    codes, known, rests = _read_places(prefectures, cities, split(block, len(streets)))
    rests = local_streets(known, rests)
    towns, blocks, buildings = _read_lots(rests)
    return Addresses(
        prefecture=np.array(codes, dtype=np.int8),
        city=known,
        town=towns,
        block=blocks,
        building=buildings,
    )
