"""What lists write beside or into a name: list numbers, trade names, persons, remarks, lost text.

Each kind is a function of a record, which has at least a `name`, and a random generator; it
returns the fields that it changes, none where it does not apply.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from linkage_rl.tables.names import FORMS
from linkage_rl.tables.spelling_noise import ABBREVIATIONS, Change, Fields, core_of, one_of
from linkage_rl.tables.vocabulary import romanised, vocabulary

REPLACEMENTS: Final = "●?〓■□？"
"""What stands for a character that an encoding or a font lacked."""
ENGLISH_FORMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "株式会社": ("Co.,Ltd.", "Co., Ltd.", "CO.,LTD.", "Inc.", "Corporation"),
        "合同会社": ("LLC", "LLC."),
        "有限会社": ("Ltd.", "Co.,Ltd.", "Y.K."),
    }
)
BRACKETED: Final[Mapping[str, str]] = MappingProxyType(
    {
        form.text: re.sub("(会社|法人)$", "", form.text)
        for form in FORMS
        if form.text.endswith(("会社", "法人"))
    }
)
"""Legal form to what is written of it between brackets: （合同）, （一般社団）."""
UNITS: Final = "〇一二三四五六七八九"
_DIGITS: Final = str.maketrans("０１２３４５６７８９", "0123456789")
_KANJI_NUMBER: Final = "[一二三四五六七八九]?十[一二三四五六七八九]?|[一二三四五六七八九]"
_NUMERAL: Final = re.compile(
    f"第(?P<nth>[0-9０-９]{{1,2}}|{_KANJI_NUMBER})"
    f"|(?<![0-9０-９])(?P<digits>[0-9０-９]{{1,2}})(?![0-9０-９])"
    f"|(?P<kanji>[一二三四五六七八九]?十[一二三四五六七八九])"
)


def list_number(record: Fields, rng: np.random.Generator) -> Fields:
    """A number in the list or a code before the name: 12 株式会社X, 0012:X, No.5 X, ①X."""
    name, number = record["name"], int(rng.integers(1, 500))
    ways = (
        *(f"{number} {name}", f"{number:04}:{name}", f"No.{number} {name}", f"{number}．{name}"),
        *(f"{chr(0x2460 + number % 20)}{name}", f"{number:03}_{name}", f"({number}){name}"),
        *(f"#{number} {name}", f"{number}) {name}", f"№{number}　{name}"),
    )
    return {"name": one_of(ways, rng)}


def trade_name(record: Fields, rng: np.random.Generator) -> Fields:
    """A trade name with the company in brackets or after a slash, or the other way round."""
    name, shop = record["name"], made_up_trade_name(rng)
    ways = (
        *(f"{shop}（{name}）", f"{shop}({name})", f"{shop}／{name}", f"{shop}/{name}"),
        *(f"{name}（{shop}）", f"{name}／{shop}", f"{name}「{shop}」", f"{shop}　{name}"),
    )
    return {"name": one_of(ways, rng)}


def made_up_trade_name(rng: np.random.Generator) -> str:
    """A trade name that no company of a sample has: 青空カフェ."""
    words = vocabulary()
    first = one_of(("kata", "hira", "surname", "latin"), rng)
    return one_of(words[first].texts, rng) + one_of(words["shop"].texts, rng)


def person(record: Fields, rng: np.random.Generator) -> Fields:
    """A person beside the name: 代表取締役 氏名, ご担当 氏名様."""
    name, words = record["name"], vocabulary()
    surname, given = one_of(words["surname"].texts, rng), one_of(words["given"].texts, rng)
    ways = (
        *(f"{name} 代表取締役 {surname}{given}", f"{name}　代表取締役社長　{surname}　{given}"),
        *(f"{name} ご担当 {surname}様", f"{name}　{surname}{given}様", f"{name} {surname}様"),
        *(
            f"{name} 担当：{surname}",
            f"{name}（代表者：{surname}{given}）",
            f"{name} 代表 {surname}",
        ),
    )
    return {"name": one_of(ways, rng)}


def department(record: Fields, rng: np.random.Generator) -> Fields:
    """Whom a letter goes to: 経理部御中."""
    name, office = record["name"], one_of(vocabulary()["department"].texts, rng)
    ways = (
        *(f"{name} {office} 御中", f"{name}{office}御中", f"{name}　御中", f"{name}御中"),
        *(f"{name}　{office}　ご担当者様", f"{name} 様"),
    )
    return {"name": one_of(ways, rng)}


def site(record: Fields, rng: np.random.Generator) -> Fields:
    """A shop, works or building site behind the name: X 駅前店, X 佐藤邸新築工事."""
    name, words = record["name"], vocabulary()
    place, owner = one_of(words["site"].texts, rng), one_of(words["surname"].texts, rng)
    ways = (
        *(f"{name} {place}店", f"{name}{place}店", f"{name}　{place}工場", f"{name} {place}倉庫"),
        *(f"{name}（{place}ビル新築工事）", f"{name} {owner}邸新築工事", f"{name} {place}現場"),
    )
    return {"name": one_of(ways, rng)}


def former_name(record: Fields, rng: np.random.Generator) -> Fields:
    """The former name of the company beside its name: X ※旧Y, X（旧社名：Y）.

    A company without `former_names` gets one that is made up.
    """
    known = record.get("former_names", "").split("|")[0]
    words = vocabulary()
    old = known or one_of(words["surname"].texts, rng) + one_of(words["trade"].texts, rng)
    name = record["name"]
    if core_of(old) in name:
        return {}
    ways = (
        *(
            f"{name} ※旧{old}",
            f"{name}（旧社名：{old}）",
            f"{name}（旧：{old}）",
            f"{name}(旧{old})",
        ),
        *(f"{name}【旧{old}】", f"{name} 旧 {old}"),
    )
    return {"name": one_of(ways, rng)}


def state(record: Fields, rng: np.random.Generator) -> Fields:
    """A clerk's remark: X ※移転済, 【休業中】X."""
    name = record["name"]
    remark = one_of(("移転済", "休業中", "要確認", "取引停止", "重複", "新規", "廃業？"), rng)
    return {
        "name": one_of((f"{name} ※{remark}", f"【{remark}】{name}", f"{name}（{remark}）"), rng)
    }


def escape(record: Fields, rng: np.random.Generator) -> Fields:
    """What a program left of a line break: X_x000D_."""
    name = record["name"]
    return {
        "name": one_of((f"{name}_x000D_", f"{name}_x000D_\n", f"{name}<br>", f"_x000D_{name}"), rng)
    }


def form_twice(record: Fields, rng: np.random.Generator) -> Fields:
    """The legal form twice: 株式会社㈱X, ㈱X株式会社."""
    name = record["name"]
    form = _form_of(name)
    if not form or form not in ABBREVIATIONS:
        return {}
    short = one_of((form, *ABBREVIATIONS[form]), rng)
    core = name.replace(form, "", 1)
    return {
        "name": one_of((f"{form}{short}{core}", f"{short}{core}{form}", f"{short} {name}"), rng)
    }


def english_form(record: Fields, rng: np.random.Generator) -> Fields:
    """A Japanese name with an English form, or with its English name: 山田 Co.,Ltd."""
    name = record["name"]
    form = _form_of(name)
    if form not in ENGLISH_FORMS:
        return {}
    english = one_of(ENGLISH_FORMS[form], rng)
    core = name.replace(form, "", 1)
    latin = romanised([record.get("name_kana", "")])[0].capitalize()
    ways = [f"{core} {english}", f"{core}{english}", f"{name} {english}"]
    if latin:
        ways += [f"{name}（{latin} {english}）", f"{name} {latin.upper()} {english}"]
    return {"name": one_of(ways, rng)}


def lost_character(record: Fields, rng: np.random.Generator) -> Fields:
    """One character of the name that an encoding or a font lacked: 山●製作所."""
    name = record["name"]
    form = _form_of(name)
    start = name.find(form)
    places = [*range(start), *range(start + len(form), len(name))]
    if len(places) < 3:
        return {}
    place = places[int(rng.integers(len(places)))]
    return {"name": name[:place] + one_of(REPLACEMENTS, rng) + name[place + 1 :]}


def other_numerals(record: Fields, rng: np.random.Generator) -> Fields:
    """A number in the other script: 第1X and 第一X, 24X and 二十四X."""
    name = record["name"]
    found = _NUMERAL.search(name)
    if found is None:
        return {}
    group = str(found.lastgroup)
    start, end = found.span(group)
    text = found[group].translate(_DIGITS)
    other = kanji_number(int(text)) if text.isdigit() else str(number_of_kanji(text))
    return {"name": name[:start] + other + name[end:]}


def kanji_number(number: int) -> str:
    """A number from 0 to 99 in kanji.

    >>> kanji_number(24), kanji_number(10), kanji_number(7)
    ('二十四', '十', '七')
    """
    tens, units = divmod(number, 10)
    head = (UNITS[tens] if tens > 1 else "") + "十" if tens else ""
    return head + (UNITS[units] if units or not tens else "")


def number_of_kanji(text: str) -> int:
    """The number from 0 to 99 that `kanji_number` writes so.

    >>> number_of_kanji("二十四"), number_of_kanji("十")
    (24, 10)
    """
    head, ten, tail = text.rpartition("十")
    tens = (UNITS.index(head) if head else 1) if ten else 0
    return 10 * tens + (UNITS.index(tail) if tail else 0)


def bracketed_form(record: Fields, rng: np.random.Generator) -> Fields:
    """The legal form in brackets, in full or without its last word: （合同）X, (株式会社)X."""
    name = record["name"]
    form = _form_of(name)
    if form not in BRACKETED:
        return {}
    inner = one_of((form, BRACKETED[form]), rng)
    return {"name": name.replace(form, one_of((f"（{inner}）", f"({inner})"), rng), 1)}


def _form_of(name: str) -> str:
    """The first legal form in the name, '' for none."""
    return next((form for form in ABBREVIATIONS if form in name), "")


NAME_KINDS: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "list_number": list_number,
        "trade_name": trade_name,
        "person": person,
        "department": department,
        "site": site,
        "former_name": former_name,
        "state": state,
        "escape": escape,
        "form_twice": form_twice,
        "english_form": english_form,
        "lost_character": lost_character,
        "other_numerals": other_numerals,
        "bracketed_form": bracketed_form,
    }
)
"""Kind of text beside or in a client's name to what it does."""

TABLE_KINDS: Final[Mapping[str, Change]] = MappingProxyType(
    {"former_name": former_name, "trade_name": trade_name}
)
"""The kinds that the names of a company table have as well."""
