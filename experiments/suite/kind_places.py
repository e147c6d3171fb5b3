"""Lists with one kind of dirt in the addresses: text before them, parts left out, crowded ones."""

import re
from collections import Counter

import numpy as np

from experiments.suite.kind_lists import Kinds, known
from experiments.suite.kind_tables import SHARED_BY, Table, address_of
from linkage_rl.tables.address_noise import ADDRESS_KINDS
from linkage_rl.tables.beside_name import kanji_number
from linkage_rl.tables.spelling_noise import Change, Fields


def namesakes(kinds: Kinds, table: Table) -> None:
    """Clients whose name several companies have, with an address written in some way."""
    row, target = "namesakes, address written", ">= 97 / <= 0.5 %"
    rows = table.ambiguous()
    before: tuple[tuple[str, str], ...] = (
        ("日本、〒", "日本、〒{code} {address}"),
        ("（〒）", "（〒{code}）{address}"),
        ("住所：", "住所：{address}"),
        ("本社：", "本社：{address}"),
        ("【本店】", "【本店】{address}"),
    )
    ways: dict[str, Change] = {name: _before(template) for name, template in before}
    ways["nothing before"] = _before("{address}　")
    for kind in ("prefecture_shortened", "prefecture_left_out", "commas"):
        ways[kind.replace("_", " ")] = ADDRESS_KINDS[kind]
    for name, change in ways.items():
        clients = [known(one, "name", "street") for one in kinds.each(rows, change)]
        kinds.add(row, name, "real", clients, target)


def _before(template: str) -> Change:
    def change(record: Fields, rng: np.random.Generator) -> Fields:
        code = record["postal_code"]
        if len(code) != 7:
            return {}
        return {"street": template.format(code=f"{code[:3]}-{code[3:]}", address=record["street"])}

    return change


def crowded(kinds: Kinds, table: Table) -> None:
    """Exact copies of companies at addresses that over 200 companies share."""
    count = Counter(map(address_of, table.rows))
    # equal names at one address cannot be told apart
    pairs = Counter((one["name"], address_of(one)) for one in table.rows)
    rows = [
        one
        for one in table.rows
        if count[address_of(one)] > SHARED_BY and pairs[one["name"], address_of(one)] == 1
    ]
    title = f"exact copies at addresses shared by over {SHARED_BY}"
    for name, some in (
        ("all", rows),
        ("with namesakes", [one for one in rows if table.namesakes[one["name"]] > 1]),
    ):
        clients = [
            known(one | {"street": address_of(one)}, "name", "postal_code", "street")
            for one in kinds.some(some)
        ]
        kinds.add(title, name, "real", clients, ">= 98 %")


def places(kinds: Kinds, table: Table) -> None:
    """Namesakes that only a place without some of its parts distinguishes."""
    rows = table.ambiguous()
    ways = {
        kind.replace("_", " "): ADDRESS_KINDS[kind]
        for kind in ("ward_alone", "ward_left_out", "city_left_out", "other_ke")
    } | {
        "county left out": _replacing("[^都道府県]{1,5}郡(?=[^市]{1,6}[町村])", ""),
        "札幌, 条 in digits": _sapporo,
        "京都, 通 and 上る left out": _replacing(
            "(?<=区)[^0-9０-９]+?(上る|下る|西入る?|東入る?)", ""
        ),
        "village": _village,
    }
    for name, change in ways.items():
        clients = [known(one, "name", "street") for one in kinds.each(rows, change)]
        kinds.add("places, namesakes", name, "real", clients, ">= 95 %")


def _replacing(pattern: str, text: str) -> Change:
    def change(record: Fields, rng: np.random.Generator) -> Fields:
        changed = re.sub(pattern, text, record["street"], count=1)
        return {"street": changed} if changed != record["street"] else {}

    return change


def _sapporo(record: Fields, rng: np.random.Generator) -> Fields:
    numbers = {kanji_number(number): str(number) for number in range(1, 60)}
    if not record["city"].startswith("札幌市"):
        return {}
    changed = re.sub(
        "([一二三四五六七八九十]+)(?=条)",
        lambda found: numbers.get(found[1], found[1]),
        record["street"],
        count=1,
    )
    return {"street": changed} if changed != record["street"] else {}


def _village(record: Fields, rng: np.random.Generator) -> Fields:
    return {"street": record["street"] + "　"} if record["city"].endswith("村") else {}
