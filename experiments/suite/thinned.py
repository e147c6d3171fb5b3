"""The same clients known by fewer fields, as lists that a customer may well have."""

from collections.abc import Callable, Mapping
from typing import Final

from linkage_rl.records import RecordBatch
from linkage_rl.text.addresses import canonical_addresses
from linkage_rl.text.municipalities import PREFECTURES


def _without(*fields: str) -> Callable[[RecordBatch], RecordBatch]:
    return lambda records: _kept(records, lambda name: name not in fields)


def _only(*fields: str) -> Callable[[RecordBatch], RecordBatch]:
    return lambda records: _kept(records, lambda name: name in fields)


def _kept(records: RecordBatch, keeps: Callable[[str], bool]) -> RecordBatch:
    kept = {name: texts for name, texts in records.columns.items() if keeps(name)}
    return RecordBatch(records.ids, kept)


def _name_and_city(records: RecordBatch) -> RecordBatch:
    read = canonical_addresses(*(records.column(name) for name in ("prefecture", "city", "street")))
    named = ("", *PREFECTURES)
    streets = [named[code] + city for code, city in zip(read.prefecture, read.city, strict=True)]
    return RecordBatch(records.ids, {"name": records.column("name"), "street": streets})


FIELDS_KEPT: Final[Mapping[str, Callable[[RecordBatch], RecordBatch]]] = {
    "all fields": _without(),
    "without reading": _without("name_kana"),
    "without postal code": _without("postal_code"),
    "name and city": _name_and_city,
    "name and reading": _only("name", "name_kana"),
    "name only": _only("name"),
}
"""What clients are still known by, to the function that drops the other fields."""
