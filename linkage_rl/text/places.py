"""Places of addresses that do not begin with a prefecture or a municipality of today.

Lists write labels before the address (本社：, 【本店】, JAPAN), leave out 県, the city or the ward,
or name a municipality that was merged since. Such an address is read again here, row by row.
"""

import re
from typing import Final

from linkage_rl.text.cells import MISSING
from linkage_rl.text.local_addresses import town_first
from linkage_rl.text.municipalities import (
    PREFECTURE_CODE,
    WARDED_CITIES,
    current_town,
    find_city,
    find_ward,
    find_wards,
)
from linkage_rl.text.towns import Place, find_by_town, find_former, find_ward_by_town

_UNKNOWN_CITY: Final = re.compile(
    "[^0-9]{1,6}?郡[^0-9]{1,6}?[町村]|[^0-9町村]{1,6}?市(?:[^0-9市町村]{1,3}区)?|[^0-9]{1,4}?区"
)
_MARKS: Final = "-()・※●■◆★☆○◎□◇△▲▽▼♪→←↑↓「」&"
_LABEL: Final = re.compile(
    f"^[{re.escape(_MARKS)}]*(?:(?:日本国?|japan|jp|address|add|住所|所在地?|現住所|本社|本店|本部"
    "|本所|支店|支社|営業所|事業所|工場|事務所|登記上?|登記簿上?|本籍|郵便番号|郵便|〒|新|現|自|至|tel)"
    f"(?:所在地?|住所)?[0-9]{{0,2}}[{re.escape(_MARKS)}]+"
    "|(?:日本国?|japan|住所|所在地|郵便番号|〒))"
)
_BARE_LABEL: Final = re.compile(
    "(?:no-?)?[0-9]{1,4}-*|(?:登記上の?|主たる)?(?:本社|本店|本部|事務所|支店|支社|営業所|工場|住所|所在)"
    "(?:所在地|住所|地)?[0-9]?"
)
"""Labels without a separator, dropped where a place follows."""
_POSTAL_CODE: Final = re.compile("^[(]?[0-9]{3}-?[0-9]{4}(?![0-9])[-)]*")
_NUMBER: Final = re.compile("^[(]?[0-9]{1,3}[-)]+(?=[^0-9])")
_PREFECTURE: Final = re.compile("|".join(PREFECTURE_CODE))
_MAX_BEFORE: Final = 30
"""Characters that may stand before a prefecture in the middle of a text."""
_MAX_STEPS: Final = 6

_MISSING: Final = MISSING | {"", "n-a", "不詳", "テスト", "test"}

_SHORT: Final = {name[:-1]: code for name, code in PREFECTURE_CODE.items() if name != "北海道"}


def find_place(text: str) -> Place:
    """The place of a folded address in which no municipality follows a leading prefecture.

    Returns:
        Prefecture code, canonical city and the rest; 0 and '' where they are not found.

    >>> find_place("住所大阪府大阪市北区梅田1"), find_place("愛知名古屋市中区栄3")
    ((27, '大阪市北区', '梅田1'), (23, '名古屋市中区', '栄3'))
    >>> find_place("somewhere else")
    (0, '', 'somewhere else')
    """
    shorter = "" if text.strip("-()") in _MISSING else _without_labels(text)
    place = _first_place(shorter)
    if place is None and (found := _BARE_LABEL.match(shorter)):
        place = _first_place(shorter[found.end() :])
    return place or (0, "", shorter)


def _first_place(text: str) -> Place | None:
    return (
        _after_prefecture(text)
        or _after_short_prefecture(text)
        or _without_prefecture(text)
        or _inside(text)
    )


def _without_labels(text: str) -> str:
    for _ in range(_MAX_STEPS):
        shorter = text.lstrip(_MARKS.replace("(", ""))
        for pattern in (_LABEL, _POSTAL_CODE, _NUMBER):
            shorter = pattern.sub("", shorter)
        if shorter == text or not shorter:
            break
        text = shorter
    return text


def _after_prefecture(text: str) -> Place | None:
    head = text[:4] if text[:4] in PREFECTURE_CODE else text[:3]
    code = PREFECTURE_CODE.get(head, 0)
    return _in_prefecture(code, text[len(head) :]) if code else None


def _in_prefecture(code: int, rest: str) -> Place:
    """The municipality after a prefecture: of today, without its city, merged, or left out."""
    rest = rest.lstrip("-")
    if found := find_city(code, rest) or find_ward_by_town(code, rest):
        city, rest = complete_ward(code, found[2], rest[len(found[0]) :])
        return code, city, current_town(city, rest)
    if place := find_former(code, rest):
        return place
    unknown = _UNKNOWN_CITY.match(rest)
    if unknown and not find_by_town(code, "", rest, unknown.end()):
        return code, unknown[0], rest[len(unknown[0]) :]
    return code, find_by_town(code, "", rest), rest


def complete_ward(code: int, city: str, rest: str) -> tuple[str, str]:
    """The city with its ward if the town tells it, and the rest without leading separators.

    >>> complete_ward(27, "大阪市", "-梅田1-1-3"), complete_ward(13, "港区", "芝1")
    (('大阪市北区', '梅田1-1-3'), ('港区', '芝1'))
    """
    rest = rest.lstrip("-")
    if city not in WARDED_CITIES:
        return city, rest
    if found := find_city(code, city + rest):
        city, rest = found[2], (city + rest)[len(found[0]) :].lstrip("-")
    if city in WARDED_CITIES:
        city = find_by_town(code, city, town_first(city, rest)) or city
    return city, rest


def _after_short_prefecture(text: str) -> Place | None:
    """愛知名古屋市, 東京港区: only where a municipality of that prefecture follows."""
    for length in (2, 3):
        code = _SHORT.get(text[:length], 0)
        rest = text[length:].lstrip("-")
        if code and (found := find_city(code, rest) or find_ward_by_town(code, rest)):
            city, rest = complete_ward(code, found[2], rest[len(found[0]) :])
            return code, city, current_town(city, rest)
    return None


def is_shared_ward(city: str) -> bool:
    """Whether a ward without its city may be one of several: 中央区 of 東京, 大阪 or 札幌."""
    return city.endswith("区") and bool(find_wards(0, city))


def choose_ward(ward: str, text: str) -> Place:
    """The place of a text that starts with a shared ward; code 0 if its town does not decide.

    >>> choose_ward("中央区", "中央区南船場2"), choose_ward("中央区", "中央区日本橋1")
    ((27, '大阪市中央区', '南船場2'), (13, '中央区', '日本橋1'))
    """
    rest = text[len(ward) :]
    tokyo = PREFECTURE_CODE["東京都"]
    places = [(code, city) for _, code, city in find_wards(0, ward)]
    fitting = [
        (code, city)
        for code, city in places
        if find_by_town(code, city[: city.index("市") + 1], town_first(city[:3], rest)) == city
    ]
    if find_city(tokyo, ward) and find_by_town(tokyo, ward, town_first(ward, rest)) == ward:
        fitting.append((tokyo, ward))
    return (*fitting[0], rest) if len(fitting) == 1 else (0, ward, rest)


def _without_prefecture(text: str) -> Place | None:
    if found := find_city(0, text) or find_ward(0, text):
        spelling, code, city = found
        city, rest = complete_ward(code, city, text[len(spelling) :])
        return code, city, current_town(city, rest)
    return find_former(0, text)


def _inside(text: str) -> Place | None:
    """The place after a prefecture in the middle of a text, if a municipality follows it."""
    for found in _PREFECTURE.finditer(text, 0, _MAX_BEFORE):
        if find_city(PREFECTURE_CODE[found[0]], text[found.end() :].lstrip("-")):
            return _after_prefecture(text[found.start() :])
    return None
