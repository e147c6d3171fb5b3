"""Makes drawn clients resemble a list: which fields are filled, how addresses are written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.records import FIELDS, RecordBatch
from linkage_rl.tables.comparators import Schema
from linkage_rl.tables.latin_forms import is_latin
from linkage_rl.tables.noise_rates import NoiseRates
from linkage_rl.text.names import have_remarks
from linkage_rl.training.own_table.latin_style import (
    REMARK,
    UNIT,
    WORDING,
    latin_cut,
    latin_depth,
)

FIELDS_OF_LISTS: Final = tuple(
    field for field in FIELDS if field not in ("name", "former_names", "trade_names")
)
ADDRESS: Final = ("prefecture", "city", "street")
"""Fields of which the first that a list has says that there is an address."""
_PREFECTURE: Final = re.compile("^(東京都|北海道|(京都|大阪)府|[^0-9０-９ 　]{2,3}県)")
_NUMBER: Final = re.compile("[0-9０-９一二三四五六七八九十]+(丁目|番|号|-|－|の)|[0-9０-９]")
_BUILDING: Final = re.compile("[0-9０-９号地][^0-9０-９丁番号地の－-]{2,}")
_FORMAL: Final = re.compile("[０-９].*(丁目|番)|[０-９]番地")
_WORDING: Final = re.compile("^(住所|本社|本店|所在地|日本|〒|【|（|[(])|[、,，]")
"""Marks of an address with something before it, or with commas."""
_DAMAGE: Final = re.compile("[0-9]E[+]|[.]0$|^=|^'|,|/|、|内|ext|TEL|電話|代", re.IGNORECASE)
"""Marks of a phone, postal code or number that a spreadsheet or a person changed."""
_DIGITS: Final = ("phone", "postal_code", "corporate_number")
_LEAST_DIRT: Final = 0.01
"""Rate of each kind of dirt at least: a list of some hundred clients may show none by chance."""
_WHOLE: Final = 3
_MARKS: Final = {
    "prefecture_dropped": _PREFECTURE,
    "building_dropped": _BUILDING,
    "rewritten": _FORMAL,
}
"""Rate of `NoiseRates` to what an address loses by it."""
_LATIN_MARKS: Final = {"building_dropped": UNIT}
_RARE: Final = 0.01
"""Share of the table's addresses below which a mark is taken for absent."""
_FEWEST: Final = 30
"""Addresses from which style is estimated."""


@dataclass(frozen=True, eq=False)
class Style:
    """How a list is filled in and written."""

    filled: dict[str, NDArray[np.bool_]]
    """Field to whether each client of the list has it, shape (N,); 'street' stands for the
    address."""
    depth: NDArray[np.int8]
    """Address of each client: 0 none, 1 the prefecture alone, 2 no number, 3 with a number;
    shape (N,)."""
    noise: NoiseRates
    """Rates of everything but name noise and moves. What a list lacks is taken out by `masked`, so
    that every field is drawn."""
    latin: bool = False
    """Whether most addresses are in Latin script: no feature compares those."""

    @property
    def has_addresses(self) -> bool:
        """Whether at least one client in twenty has an address with its town, to be compared."""
        return not self.latin and float(np.mean(self.depth >= 2)) >= 0.05


def style_of(
    clients: RecordBatch,
    index: CompanyIndex,
    schema: Schema,
    rng: np.random.Generator,
    sample: int = 4_000,
) -> Style:
    """The style of a list, its addresses compared with those of a sample of the table.

    Records with a schema of comparators have no address: each field is filled or not.
    """
    if schema.comparators:
        filled = {
            field: np.array([text != "" for text in clients.column(field)], dtype=np.bool_)
            for field in FIELDS_OF_LISTS
        }
        return Style(filled, np.full(len(clients), _WHOLE, dtype=np.int8), NoiseRates())
    have = {
        field: np.array([text.strip() != "" for text in clients.column(field)], dtype=np.bool_)
        for field in FIELDS_OF_LISTS
        if field not in ADDRESS
    }
    addresses = _addresses(clients)
    have["street"] = np.array([text != "" for text in addresses], dtype=np.bool_)
    rows = index.head_rows
    table = index.records(rng.choice(rows, min(sample, len(rows)), replace=False))
    noise = replace(
        NoiseRates(),
        kana=1.0,
        address=1.0,
        postal_code=1.0,
        phone=1.0,
        url=1.0,
        corporate_number=1.0,
        city_only=0.0,
        name_only=0.0,
        **_dirt(clients, addresses, table),
        **_address_rates([text for text in addresses if text], _addresses(table)),
    )
    depth = np.array([_depth(text) for text in addresses], dtype=np.int8)
    return Style(have, depth, noise, _mostly_latin(addresses))


def masked(drawn: RecordBatch, style: Style, rng: np.random.Generator) -> RecordBatch:
    """The drawn clients, each with the fields of a random client of the list; others are emptied.

    The address of a client ends where that of the other client does.
    """
    like = rng.integers(0, len(style.depth), len(drawn))
    columns = {field: list(texts) for field, texts in drawn.columns.items()}
    for field, have in style.filled.items():
        if field in columns:
            columns[field] = [
                text if has else ""
                for text, has in zip(columns[field], have[like].tolist(), strict=True)
            ]
    if "street" in columns:
        columns["street"] = [
            _cut(text, depth)
            for text, depth in zip(columns["street"], style.depth[like].tolist(), strict=True)
        ]
    return RecordBatch(drawn.ids, columns)


def _addresses(records: RecordBatch) -> list[str]:
    parts: Sequence[Sequence[str]] = [records.column(field) for field in ADDRESS]
    return ["".join(texts) for texts in zip(*parts, strict=True)]


def _depth(address: str) -> int:
    if not address.strip():
        return 0
    if is_latin(address):
        return latin_depth(address)
    found = _PREFECTURE.match(address)
    if found and len(found[0]) == len(address.strip()):
        return 1
    return _WHOLE if _NUMBER.search(address) else 2


def _cut(address: str, depth: int) -> str:
    """The address down to a depth; see `Style.depth`."""
    if depth >= _WHOLE or not address:
        return address
    if is_latin(address):
        return latin_cut(address, depth)
    if depth == 1:
        found = _PREFECTURE.match(address)
        return found[0] if found else ""
    number = _NUMBER.search(address)
    return address[: number.start()] if depth == 2 and number else address


def _dirt(clients: RecordBatch, addresses: Sequence[str], table: RecordBatch) -> dict[str, float]:
    """Rates of dirt in names, addresses and digits: what the list has more often than the table."""

    def more(listed: NDArray[np.bool_], known: NDArray[np.bool_]) -> float:
        shares = [float(some.mean()) if len(some) else 0.0 for some in (listed, known)]
        return min(max(shares[0] - shares[1], _LEAST_DIRT), 1.0)

    def marked(pattern: re.Pattern[str], texts: Sequence[str]) -> NDArray[np.bool_]:
        return np.array([bool(pattern.search(text)) for text in texts if text], dtype=np.bool_)

    def remarks(names: Sequence[str]) -> NDArray[np.bool_]:
        return marked(REMARK, names) if _mostly_latin(names) else have_remarks(names)

    def wording(texts: Sequence[str]) -> NDArray[np.bool_]:
        return marked(WORDING if _mostly_latin(texts) else _WORDING, texts)

    def digits(records: RecordBatch) -> list[str]:
        return [text for field in _DIGITS for text in records.column(field)]

    return {
        "text_beside_name": more(remarks(clients.column("name")), remarks(table.column("name"))),
        "address_wording": more(wording(addresses), wording(_addresses(table))),
        "damaged_cell": more(marked(_DAMAGE, digits(clients)), marked(_DAMAGE, digits(table))),
    }


def _address_rates(listed: Sequence[str], table: Sequence[str]) -> dict[str, float]:
    """Rates of changes to addresses: what is rarer in the list than in the table was left out.

    What the table has nowhere says nothing, and keeps its usual rate.
    """
    table = [text for text in table if text]
    if min(len(listed), len(table)) < _FEWEST:
        return {}
    marks = _LATIN_MARKS if _mostly_latin(listed) else _MARKS
    rates = {}
    for name, pattern in marks.items():
        in_list, in_table = (
            float(np.mean([bool(pattern.search(text)) for text in texts]))
            for texts in (listed, table)
        )
        if in_table >= _RARE:
            rates[name] = 1 - min(in_list / in_table, 1.0)
    return rates


def _mostly_latin(texts: Sequence[str]) -> bool:
    """Whether most of these texts, but for empty ones, are in Latin script; none are not."""
    latin = [is_latin(text) for text in texts if text.strip()]
    return 2 * sum(latin) > len(latin)
