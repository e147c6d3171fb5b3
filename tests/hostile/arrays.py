"""Hostile indexes: arrays that point outside, of other types and shapes, or that are missing."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.narrow import numbers_at
from tests.hostile.making import Case, array_case, without_array

_FAR: Final = 2_000_000_000
_NUMBERS: Final = (
    *("document_rows", "keys.phone.rows", "keys.company_id.rows"),
    *("keys.core.rows", "keys.former_name.rows"),
)
"""Arrays whose numbers are places in other arrays."""
_NARROW: Final = ("postings", "documents.grams")
"""Such arrays of three bytes for each number."""
_OFFSETS: Final = (
    *("document_row_ends", "documents.gram_offsets", "gram_starts", "ids.offsets"),
    *("documents.core.offsets", "documents.latin.offsets", "snapshot.name.offsets"),
    *("snapshot.phone.offsets", "snapshot.url.texts.offsets", "known.bounds.offsets"),
)
_SORTED: Final = ("keys.phone.keys", "keys.company_id.keys", "offices.keys")
_EVERY: Final = (
    *("alive", "counts", "document_norms", "gram_starts", "documents.gram_offsets", "idf", "rows"),
    *("ids.blob", "keys.phone.rows", "known.ends", "known.hashes", "offices.shares", "postings"),
    *("snapshot.name.offsets", "snapshot.url.codes", "snapshot.url.texts.offsets"),
)


def _at(place: int | slice, value: Any) -> Any:
    def change(array: NDArray[Any]) -> NDArray[Any]:
        array[place] = value
        return array

    return change


def _in_rows(field: str, value: int) -> Any:
    def change(rows: NDArray[Any]) -> NDArray[Any]:
        rows[field][3] = value
        return rows

    return change


def _other_type(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.names:
        return np.zeros(len(array), dtype=[("doc", "<i4")])
    return array.astype(np.float64 if array.dtype != np.float64 else np.float32)


def _big_endian(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(array.dtype.newbyteorder(">"))


def _cases() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for name in _NUMBERS:
        cases[f"{name} far outside"] = array_case(name, _at(0, _FAR))
        cases[f"{name} below 0"] = array_case(name, _at(-1, -1))
    for name in _NARROW:
        cases[f"{name} far outside"] = array_case(name, _at(slice(0, 3), 255))
        cases[f"{name} far outside at the end"] = array_case(name, _at(slice(-4, -1), 255))
        cases[f"{name} of four bytes"] = array_case(name, _four_bytes)
        cases[f"{name} without an end"] = array_case(name, lambda array: array[:-1])
    for name in _OFFSETS:
        cases[f"{name} beyond the end"] = array_case(name, _at(-1, (1 << 32) - 1))
        if name != "known.bounds.offsets":
            cases[f"{name} falls"] = array_case(name, _at(1, (1 << 32) - 5))
            cases[f"{name} begins late"] = array_case(name, _at(0, 1))
    for name in _SORTED:
        cases[f"{name} descends"] = array_case(name, lambda array: array[::-1].copy())
    for name in _EVERY:
        cases[f"{name} is missing"] = without_array(name)
        cases[f"{name} of another type"] = array_case(name, _other_type)
        cases[f"{name} in two dimensions"] = array_case(name, lambda array: array.reshape(1, -1))
        cases[f"{name} with one more"] = array_case(name, _one_more)
    cases |= {
        f"rows.{field} of {value}": array_case("rows", _in_rows(field, value))
        for field, value in (
            *(("doc", -1), ("doc", 6), ("doc", 2**31 - 1), ("form", -1), ("form", 127)),
            *(("prefecture", 48), ("prefecture", -128)),
        )
    }
    for value in (np.nan, np.inf, 0, -1, 1e30):
        cases[f"idf of {value}"] = array_case("idf", _at(7, value))
        cases[f"norm of {value}"] = array_case("document_norms", _at(1, value))
        cases[f"share of {value}"] = array_case("offices.shares", _at(1, value))
    # a share may be 0, an index without pages knows no row of its table, and a text may have no row
    del cases["share of 0"], cases["known.ends is missing"]
    del cases["snapshot.url.texts.offsets with one more"]
    cases |= {
        "alive of 2": array_case("alive", _at(0, 2)),
        "a company with one row twice": array_case("keys.company_id.rows", _at(0, 1)),
        "known pages that end late": array_case("known.ends", lambda _: np.array([4, 9])),
        "known pages before the first row": array_case("known.ends", lambda _: np.array([-4, 0])),
        "names in other bytes than UTF-8": array_case("snapshot.name.blob", _at(0, 0xFF)),
        "a name that ends within a character": array_case("snapshot.name.blob", _at(-1, 0xE3)),
        "a code of no text": array_case("snapshot.url.codes", _at(0, 255)),
        "codes of 16 bits beyond the texts": array_case(
            "snapshot.url.codes", lambda codes: codes.astype(np.uint16) + 256
        ),
        "codes below 0": array_case("snapshot.url.codes", lambda codes: codes.astype(np.int8) - 1),
        "texts that are none": array_case("snapshot.url.texts.blob", _at(0, 0xFF)),
        "no texts of codes": array_case("snapshot.url.texts.offsets", lambda array: array[:0]),
        "a surrogate in a name": array_case("snapshot.name.blob", _surrogate),
        "a text that begins within a character": array_case("documents.core.offsets", _at(1, 4)),
        "offsets of the other byte order": array_case("ids.offsets", _big_endian),
        "counts of the other byte order": array_case("counts", _big_endian),
        "no row at all": array_case("rows", lambda rows: rows[:0]),
    }
    return cases


def _four_bytes(narrow: NDArray[Any]) -> NDArray[Any]:
    return numbers_at(narrow, np.arange(len(narrow) // 3))


def _one_more(array: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([array, array[-1:] if len(array) else np.zeros(1, array.dtype)])


def _surrogate(blob: NDArray[Any]) -> NDArray[Any]:
    blob[:3] = (0xED, 0xA0, 0x80)
    return blob


ARRAY_CASES: Final = _cases()
