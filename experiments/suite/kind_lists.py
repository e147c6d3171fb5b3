"""Client lists with one kind of field dirt each; here those of identifiers and cells, and ties."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from experiments.suite.kind_tables import Table, address_of
from linkage_rl.tables.cell_noise import CELL_KINDS, call_centres, filling, portals
from linkage_rl.tables.spelling_noise import Change, Fields

COUNT: Final = 300
"""Clients of a condition, where the table has as many of the kind."""
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
