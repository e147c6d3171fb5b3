"""Local habits of addresses: ways from a crossing in 京都, 条 in 北海道, dates for lots."""

import re
from collections.abc import Callable
from typing import Final

from linkage_rl.text.numbers import digits_to_kanji

_SIDE_STREET: Final = re.compile(
    "^.*(?:[上下][がガ]?[るル]|[あアさサ][がガ][るル]|[東西南北](?:入[るル]?+|いる|イル)"
    "|通[^-0-9]{1,6}?[^三六]角(?=[^0-9倉屋]{2}))(?:[0-9一二三四五]+丁目)?(?=.)"
)
"""京都: the way from the crossing (四条通室町東入, 烏丸通四条下がる) before the town (函谷鉾町)."""

_WITHOUT_JO: Final = re.compile(
    "^([南北東西])([0-9一二三四五六七八九十]+)-?([南北東西])-?(?=[0-9一二三四五六七八九十])"
)
_COMPASS: Final = re.compile("^([nsew])-?([0-9]+)(?:条|-)?([nsew])-?(?=[0-9])")
_POINTS: Final = dict(zip("nsew", "北南東西", strict=True))


def _without_side_street(rest: str) -> str:
    return _SIDE_STREET.sub("", rest)


def _with_jo(rest: str) -> str:
    """北3西1 and N3W1 as 北3条西1."""
    if found := _COMPASS.match(rest):
        return f"{_POINTS[found[1]]}{found[2]}条{_POINTS[found[3]]}{rest[found.end() :]}"
    return _WITHOUT_JO.sub(r"\1\2条\3", rest)


def town_first(city: str, rest: str) -> str:
    """What follows a city from its town on, which tells the ward.

    >>> town_first("京都市", "両替町通姉小路下る柿本町398"), town_first("大阪市", "梅田1")
    ('柿本町398', '梅田1')
    """
    if city == "港区" and rest.startswith("麻布10番"):
        return rest.replace("10", "十", 1)
    return _without_side_street(rest) if city == "京都市" else rest


_HABITS: Final[dict[str, Callable[[str], str]]] = {
    "京都市": _without_side_street,
    **dict.fromkeys(("札幌市", "帯広市", "北見市", "網走市", "名寄市", "岩見沢"), _with_jo),
}
"""First three characters of a city to what its streets need."""

_DIGITS: Final = frozenset("0123456789")
_NUMERAL_OF_TOWN: Final = re.compile(
    "^([0-9]{1,3})(?=[一-龠ツつッっヶケ々])(?![丁番号条線区軒地目階の])"
)


def local_streets(cities: list[str], rests: list[str]) -> list[str]:
    """What follows each city, without the habits of its place; N texts.

    >>> local_streets(["京都市下京区", "大垣市"], ["四条通室町東入函谷鉾町101", "16町5"])
    ['函谷鉾町101', '十六町5']
    """
    habits = {city: habit for city in set(cities) if (habit := _HABITS.get(city[:3]))}
    if habits:
        rests = [
            habits[city](rest) if city in habits else rest
            for city, rest in zip(cities, rests, strict=True)
        ]
    return [_numeral_of_town(rest) if rest[:1] in _DIGITS else rest for rest in rests]


def _numeral_of_town(rest: str) -> str:
    """The rest with the number that its town begins with in kanji: 16町 is 十六町."""
    return _NUMERAL_OF_TOWN.sub(lambda found: digits_to_kanji(found[1]), rest)


_DATE: Final = re.compile("(?:[0-9]{4}年)?([0-9]{1,2})月([0-9]{1,2})日(?![0-9])")
_DATE_HINT: Final = re.compile("月[0-9]{1,2}日")
_MONTHS: Final = {
    name: str(month)
    for month, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_ENGLISH_DATE: Final = re.compile(f"([0-9]{{1,2}})-({'|'.join(_MONTHS)})(?![a-z])")
_LINE_LOT: Final = re.compile("線([0-9]+)号-?(?=[0-9])")


def read_damaged_lots(block: str) -> str:
    """A block with lots that a spreadsheet took for a date as numbers: 3月5日 and 5-mar are 3-5.

    >>> read_damaged_lots("梅田3月5日"), read_damaged_lots("西神楽1線5号67")
    ('梅田3-5', '西神楽1線5-67')
    """
    if _DATE_HINT.search(block):
        block = _DATE.sub(r"\1-\2", block)
    if any(f"-{month}" in block for month in _MONTHS):
        block = _ENGLISH_DATE.sub(lambda found: f"{_MONTHS[found[2]]}-{found[1]}", block)
    if "麻布10番" in block:
        block = block.replace("麻布10番", "麻布十番")
    return _LINE_LOT.sub(r"線\1-", block) if "線" in block else block
