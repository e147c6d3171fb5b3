"""Client lists and tables with one kind of field dirt each, made by code from clean rows."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from experiments.suite.kind_tables import SHARED_BY, Table, address_of
from linkage_rl.tables.address_noise import ADDRESS_KINDS
from linkage_rl.tables.beside_name import NAME_KINDS, kanji_number
from linkage_rl.tables.cell_noise import CELL_KINDS, call_centres, filling, portals
from linkage_rl.tables.spelling_noise import Change, Fields, core_of
from linkage_rl.tables.vocabulary import vocabulary

COUNT: Final = 300
"""Clients of a condition, where the table has as many of the kind."""
PLACE: Final = ("postal_code", "prefecture", "city", "street")
SHARED: Final[tuple[tuple[str, tuple[str, ...], Change], ...]] = (
    ("Facebook page", ("url",), filling(("url",), ("https://www.facebook.com/kaisha",))),
    ("free mail", ("url",), filling(("url",), ("info@gmail.com",))),
    ("known portal", ("url",), filling(("url",), ("https://tabelog.com/tokyo/",))),
    ("one unlisted portal", ("url",), filling(("url",), portals(1, seed=78))),
    ("50 unlisted portals", ("url",), filling(("url",), portals(50, seed=77))),
    ("000-0000-0000", ("phone",), filling(("phone",), ("000-0000-0000",))),
    ("0120-000-000", ("phone",), filling(("phone",), ("0120-000-000",))),
    ("50 call centres", ("phone",), filling(("phone",), call_centres(50, seed=77))),
    ("9999999999999", ("number",), filling(("corporate_number",), ("9999999999999",))),
    ("なし as kana", ("kana",), filling(("name_kana",), ("なし",))),
    ("one reading", ("kana",), filling(("name_kana",), ("フメイ",))),
    ("なし everywhere", ("all",), filling(("url", "phone", "name_kana"), ("なし",))),
    ("NULL everywhere", ("all",), filling(("url", "phone", "name_kana"), ("NULL",))),
)
"""Shared value, what it fills, and how; the values of the sample's own noise are other draws."""
SINGLE: Final = ("Facebook page", "000-0000-0000", "9999999999999", "なし as kana")
"""Values of which the table gets one row."""
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


@dataclass(frozen=True)
class Condition:
    """One client list with one kind of dirt, and the table that it is linked to."""

    row: str
    """Row of the page."""
    name: str
    table: str
    """Name of one of `Kinds.tables`."""
    clients: list[Fields]
    truth: list[str]
    """Company id of each client, '' where the table has none."""
    target: str
    measure: str = "links"
    """links, f1, ties, or same: answers that differ from those of `compared`."""
    compared: str = ""
    """Name of the condition of the same row whose answers are compared."""
    expected: float = 0.0
    """Of ties: 1/k."""


@dataclass
class Kinds:
    """All conditions and the tables that they need."""

    rng: np.random.Generator
    tables: dict[str, list[Fields]] = field(default_factory=dict)
    conditions: list[Condition] = field(default_factory=list)

    def add(
        self, row: str, name: str, table: str, clients: Sequence[tuple[Fields, str]], target: str
    ) -> None:
        """Add a list in random order; each client with its truth."""
        order = self.rng.permutation(len(clients)).tolist()
        chosen = [clients[place] for place in order]
        self.conditions.append(
            Condition(row, name, table, [c for c, _ in chosen], [t for _, t in chosen], target)
        )

    def some(self, rows: Sequence[Fields], count: int = COUNT) -> list[Fields]:
        """Random rows, at most `count`."""
        return [rows[place] for place in self.rng.permutation(len(rows))[:count].tolist()]

    def each(self, rows: Sequence[Fields], change: Change, count: int = COUNT) -> Iterator[Fields]:
        """Random rows after a change that applies to them, with all their other fields."""
        found = 0
        for place in self.rng.permutation(len(rows)).tolist():
            if found == count:
                return
            row = rows[place] | {"street": address_of(rows[place])}
            changed = change(row, self.rng)
            if changed and any(changed[name] != row[name] for name in changed):
                found += 1
                yield row | changed


def known(row: Fields, *names: str) -> tuple[Fields, str]:
    """A client of whom these fields are known, and its company."""
    return {name: row[name] for name in names}, row["company_id"]


def unchanged(row: Fields, rng: np.random.Generator) -> Fields:
    """A name as it is, with a blank behind it, which is no difference."""
    return {"name": row["name"] + " "}


def shared_values(
    kinds: Kinds, table: Table, clients: list[Fields], truth: list[str], share: float = 0.3
) -> None:
    """30 % of the empty identifiers filled with a shared value on both sides."""
    row, rng, target = "shared or dummy values in 30 % of empty cells", kinds.rng, "F1 >= .94"
    plain = [{k: v for k, v in client.items() if k != "client_id"} for client in clients]
    kinds.conditions.append(Condition(row, "none", "sample", plain, truth, "", "f1"))

    def filled(rows: list[Fields], fill: Change) -> list[Fields]:
        return [one | fill(one, rng) if rng.random() < share else one for one in rows]

    for name, _, fill in SHARED:
        mine = filled(plain, fill)
        kinds.tables[f"sample, {name}"] = filled(table.rows, fill)
        kinds.conditions.append(Condition(row, name, f"sample, {name}", mine, truth, target, "f1"))
        if name in SINGLE:
            one = list(table.rows)
            place = int(rng.integers(len(one)))
            # a row that has the identifier loses it
            one[place] = one[place] | fill({}, rng)
            kinds.tables[f"sample, one row of {name}"] = one
            single = "a single row of the value in the table"
            kinds.conditions.append(
                Condition(single, f"{name}, no row", "sample", mine, truth, "", "f1")
            )
            kinds.conditions.append(
                Condition(
                    *(single, f"{name}, one row", f"sample, one row of {name}", mine, truth),
                    *("no answer changes", "same", f"{name}, no row"),
                )
            )


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


def ties(kinds: Kinds, table: Table, name: str) -> None:
    """Clients of whom only the name is known, which k companies have."""
    groups = table.groups()
    for k in range(2, 7):
        chosen = groups[k]
        order = kinds.rng.permutation(len(chosen))[:COUNT].tolist()
        clients = [known(chosen[place][int(kinds.rng.integers(k))], "name") for place in order]
        kinds.conditions.append(
            Condition(
                *("k companies of the name, nothing else known", f"{name}, k = {k}", name),
                [client for client, _ in clients],
                [truth for _, truth in clients],
                target="confidence within .05 of 1/k",
                measure="ties",
                expected=1 / k,
            )
        )


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


def damaged_cells(kinds: Kinds, table: Table) -> None:
    """Namesakes known by name and one damaged cell: right is recovered, neither is lost."""
    row, target = "spreadsheet damage, recovered / wrong", "never wrong"
    rows = table.ambiguous()
    both: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("phone", ("as_float", "leading_zeros_lost", "formula", "several_phones", "extension")),
        ("postal_code", ("as_float", "leading_zeros_lost", "exponent", "thousands", "formula")),
        ("corporate_number", ("as_float", "exponent", "thousands", "formula", "invoice_number")),
    )
    for cell, names in both:
        only = [
            one | {other: "" for other, _ in both if other != cell} for one in rows if one[cell]
        ]
        for kind in ("undamaged", *names):
            change: Change = CELL_KINDS.get(kind, unchanged)
            clients = [known(one, "name", cell) for one in kinds.each(only, change)]
            name = f"{cell.replace('_', ' ')}, {kind.replace('_', ' ')}"
            kinds.add(row, name, "sample", clients, target)


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


ROWS: Final[tuple[Callable[[Kinds, Table], None], ...]] = (
    *(namesakes, beside_names, dirty_tables, sisters, crowded, places, latin_forms),
)
"""Rows of the page that are made of the real table alone."""
