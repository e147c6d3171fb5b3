"""Rows that the index adds to those of the table: for further phones, URLs and trade names.

A field that holds several values, such as the phones '03-3222-0001, 03-3222-0002', makes a row of
each but the first, and so does every trade name. In all else an added row is that of the table.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from linkage_rl.records import RecordBatch

FURTHER: Final = "further"
"""Column of `Segment.snapshot` that says what an added row is for, '' for rows of the table."""
TRADE_NAME: Final = "trade name"
"""Entry of that column for rows whose name is a trade name."""

_SEPARATORS: Final = {
    "phone": re.compile(r"[|,、，;；/／\n]"),
    "url": re.compile(r"[|、;；\s]+|,(?=\s*(?:https?:|www\.))"),
    "trade_names": re.compile(r"\|"),
}
_FAX: Final = re.compile("[fFＦｆ]|ファ")
_DIGITS_OF_PHONE: Final = 9


def with_further_rows(
    records: RecordBatch,
) -> tuple[RecordBatch, RecordBatch, Sequence[str] | None]:
    """N rows of the table as they are compared and as they are kept, with added rows at the end.

    Returns:
        The rows to compare, each with one value per field; the rows to keep, with those of the
        table as they are; and what each was added for, see `FURTHER`, None where none was.
    """
    compared = dict(records.columns)
    added: list[tuple[int, str, str]] = []
    for field in _SEPARATORS.keys() & records.columns.keys():
        values = dict(_several(field, records.columns[field]))
        if field == "trade_names":
            added += [(row, TRADE_NAME, name) for row, names in values.items() for name in names]
            continue
        added += [(row, field, one) for row, found in values.items() for one in found[1:]]
        if values:
            texts = records.columns[field]
            compared[field] = [values.get(row, [text])[0] for row, text in enumerate(texts)]
    if not added:
        return records, records, None
    added.sort()
    rows = [row for row, _, _ in added]
    further = records.take(rows)
    columns = {name: list(texts) for name, texts in further.columns.items()}
    for place, (_, field, value) in enumerate(added):
        for name, text in _changed(field, value).items():
            if name in columns:
                columns[name][place] = text
    further = RecordBatch(further.ids, columns)
    return (
        RecordBatch.concatenate([RecordBatch(records.ids, compared), further]),
        RecordBatch.concatenate([records, further]),
        [*[""] * len(records), *(field for _, field, _ in added)],
    )


def _several(field: str, texts: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Rows with several values of a field, and those; of trade names one is enough."""
    separator = _SEPARATORS[field]
    for row, text in enumerate(texts):
        if not text or not (field == "trade_names" or separator.search(text)):
            continue
        parts = dict.fromkeys(part.strip() for part in separator.split(text))
        values = [part for part in parts if _is_value(field, part)]
        if len(values) > (field != "trade_names"):
            yield row, values


def _is_value(field: str, part: str) -> bool:
    if field == "phone":
        return sum(map(str.isdecimal, part)) >= _DIGITS_OF_PHONE and not _FAX.search(part)
    return "." in part if field == "url" else bool(part)


def _changed(field: str, value: str) -> dict[str, str]:
    """Fields in which an added row differs from that of the table."""
    names = {"name": value, "name_kana": "", "name_en": ""}
    own = names if field == TRADE_NAME else {field: value}
    return {**own, "former_names": "", "trade_names": ""}
