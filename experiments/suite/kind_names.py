"""Lists and tables with one kind of dirt in the names: text beside them, sisters, forms."""

import re
from typing import Final

from experiments.suite.kind_lists import COUNT, Kinds, known, unchanged
from experiments.suite.kind_tables import Table, address_of
from linkage_rl.tables.beside_name import NAME_KINDS, kanji_number
from linkage_rl.tables.spelling_noise import Fields, core_of
from linkage_rl.tables.vocabulary import vocabulary

PLACE: Final = ("postal_code", "prefecture", "city", "street")
SISTERS: Final = (
    ("第一{}", "第二{}"),
    ("東日本{}", "西日本{}"),
    ("{}ホールディングス", "{}システム"),
)
LATIN_FORMS: Final = (
    ("Private Limited", "Pvt. Ltd."),
    ("Pvt Ltd", "Private Limited"),
    ("Sdn. Bhd.", "SDN BHD"),
    ("GmbH & Co. KG", "GmbH & Co KG"),
    ("Limited", "Ltd (UK)"),
    ("S.p.A.", "SpA"),
    ("Oy", "OY"),
    ("AB", "Ab"),
    ("Pty Ltd", "Pty. Limited"),
    ("Co., Ltd.", "Company Limited"),
    ("B.V.", "BV"),
    ("S.A.", "SA"),
)
"""Form in the table and in the list."""


def beside_names(kinds: Kinds, table: Table) -> None:
    """Text beside the name, of the name alone and with the address."""
    rows = table.unique()
    other = ("lost_character", "other_numerals", "bracketed_form")
    ways = {"nothing": unchanged} | {k: way for k, way in NAME_KINDS.items() if k not in other}
    for kind, change in ways.items():
        mutated = list(kinds.each(rows, change))
        for label, names, target in (
            ("name alone", ("name",), ">= 90 / <= 2 %"),
            ("with address", ("name", "postal_code", "street"), ">= 97 / <= 2 %"),
        ):
            clients = [known(one, *names) for one in mutated]
            name = f"{kind.replace('_', ' ')}, {label}"
            kinds.add("text beside the name", name, "real", clients, target)


def dirty_tables(kinds: Kinds, table: Table) -> None:
    """Former names, trade names and branches in the names of the table."""
    row, target = "dirt in the table", ">= 90 / <= 3 %"
    chosen = kinds.some(table.unique(), 3 * COUNT)
    by_kind = {
        "former_name": chosen[:COUNT],
        "trade_name": chosen[COUNT : 2 * COUNT],
    }
    changed: dict[str, Fields] = {}
    for kind, rows in by_kind.items():
        for one in rows:
            changed[one["company_id"]] = one | NAME_KINDS[kind](one, kinds.rng)
    heads = chosen[2 * COUNT :]
    elsewhere = kinds.some(table.rows, len(heads))
    branches = [
        head
        | {part: place[part] for part in PLACE}
        | {
            "company_id": f"branch{number:05}",
            "corporate_number": "",
            "name": f"{head['name']}　{_town(place)}支店",
        }
        for number, (head, place) in enumerate(zip(heads, elsewhere, strict=True))
    ]
    rows = [changed.get(one["company_id"], one) for one in table.rows]
    kinds.tables["real, dirty"] = rows + branches
    groups = [
        ("X（旧：Y）, client X", by_kind["former_name"]),
        ("屋号（X）, client X", by_kind["trade_name"]),
        ("X beside its branch, client X", heads),
        ("X 大阪支店, client X 大阪支店", branches),
    ]
    for name, clients in groups:
        for label, names in (("name alone", ("name",)), ("with address", ("name", "street"))):
            drawn = [known(one | {"street": address_of(one)}, *names) for one in clients]
            kinds.add(row, f"{name}, {label}", "real, dirty", drawn, target)


def _town(row: Fields) -> str:
    return re.split("[市区町村]", row["city"].split("郡")[-1])[0]


def sisters(kinds: Kinds, table: Table) -> None:
    """Sisters, numbers in the other script, forms in brackets, lost characters."""
    row = "sisters, numerals, lost characters"
    plain = [
        one
        for one in table.unique()
        if core_of(one["name"]) != one["name"]
        and core_of(one["name"]) in one["name"]
        and not re.search("[0-9０-９第一二三四五六七八九十]", core_of(one["name"]))
    ]
    chosen = kinds.some(plain, 3 * COUNT)
    changed: dict[str, Fields] = {}
    added: list[Fields] = []
    absent: list[Fields] = []
    for number, one in enumerate(chosen[: 2 * COUNT]):
        first, second = (_sister(one, number, member) for member in (0, 1))
        changed[one["company_id"]] = first
        if number < COUNT:
            absent.append(second | {"company_id": ""})
        else:
            added.append(second | {"company_id": f"sister{number:05}", "corporate_number": ""})
    numbered: list[Fields] = []
    for number, one in enumerate(chosen[2 * COUNT :]):
        core = core_of(one["name"])
        word = f"第{kanji_number(1 + number % 9)}" if number % 2 else kanji_number(11 + number % 80)
        numbered.append(one | {"name": one["name"].replace(core, word + core, 1)})
    changed |= {one["company_id"]: one for one in numbered}
    kinds.tables["real, sisters"] = [
        *(changed.get(one["company_id"], one) for one in table.rows),
        *added,
    ]
    both = (("name alone", ("name",)), ("with address", ("name", "postal_code", "street")))
    for label, names in both:
        for name, rows, target in (
            ("another sister, own row absent", absent, "never linked"),
            ("one of two sisters at one address", added, "never the other"),
        ):
            drawn = [known(one | {"street": address_of(one)}, *names) for one in rows]
            kinds.add(row, f"{name}, {label}", "real, sisters", drawn, target)
    for kind, rows, target in (
        ("other_numerals", numbered, ">= 95 / <= 1 %"),
        ("bracketed_form", table.unique(), ">= 95 / <= 1 %"),
        ("lost_character", table.unique(), ">= 85 / <= 3 %"),
    ):
        mutated = list(kinds.each(rows, NAME_KINDS[kind]))
        for label, names in both:
            drawn = [known(one, *names) for one in mutated]
            name = f"{kind.replace('_', ' ')}, {label}"
            kinds.add(row, name, "real, sisters", drawn, target)


def _sister(row: Fields, number: int, member: int) -> Fields:
    core = core_of(row["name"])
    named = SISTERS[number % len(SISTERS)][member].format(core)
    return row | {"name": row["name"].replace(core, named, 1), "name_kana": ""}


def latin_forms(kinds: Kinds, table: Table) -> None:
    """Foreign companies whose form is written in another way, or left out."""
    words, rng = vocabulary()["latin"].texts, kinds.rng
    rows, clients = [], {"other spelling": [], "left out": []}  # type: ignore[var-annotated]
    pairs = [(a, b) for a in words for b in words if a < b]
    for number, place in enumerate(rng.permutation(len(pairs))[:COUNT].tolist()):
        core = " ".join(pairs[place]).translate({c: c - 0xFEE0 for c in range(0xFF01, 0xFF5F)})
        form, other = LATIN_FORMS[number % len(LATIN_FORMS)]
        one = table.rows[number] | {
            "company_id": f"latin{number:05}",
            "name": f"{core} {form}",
            **dict.fromkeys(("name_kana", "name_en", "corporate_number", "former_names"), ""),
        }
        rows.append(one)
        clients["other spelling"].append(({"name": f"{core} {other}"}, one["company_id"]))
        clients["left out"].append(({"name": core}, one["company_id"]))
    kinds.tables["real, Latin names"] = [*table.rows, *rows]
    for name, drawn in clients.items():
        kinds.add("Latin forms, name alone", name, "real, Latin names", drawn, "folded")
