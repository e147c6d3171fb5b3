"""The parts of an index as named arrays: `core.blob` is the field `blob` of the field `core`."""

from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from linkage_rl.candidates.encode import Documents
from linkage_rl.candidates.mapping import pieces
from linkage_rl.candidates.segment import KeyIndex, Segment
from linkage_rl.candidates.strings import CodedColumn, StringColumn, TextColumn

DERIVED: Final = ("idf", "document_norms")
"""Arrays of a segment that follow from the others and from the rest of the table."""


def named_arrays(value: object, prefix: str = "") -> dict[str, NDArray[Any]]:
    """Arrays of a dataclass and of what it holds, by dotted name."""
    arrays: dict[str, NDArray[Any]] = {}
    for field in fields(value):  # type: ignore[arg-type]
        held = getattr(value, field.name)
        if isinstance(held, np.ndarray):
            arrays[prefix + field.name] = held
        elif isinstance(held, dict):
            for key, item in held.items():
                arrays |= named_arrays(item, f"{prefix}{field.name}.{key}.")
        elif is_dataclass(held):
            arrays |= named_arrays(held, f"{prefix}{field.name}.")
    return arrays


def fingerprint(segment: Segment) -> str:
    """Changes with any array that is not `DERIVED` from the others."""
    digest = xxhash.xxh3_64()
    # sorted, since the keys of a built segment and of a loaded one come in different orders
    for name, array in sorted(named_arrays(segment).items()):
        if name not in DERIVED:
            digest.update(name.encode())
            for piece in pieces(array):
                digest.update(piece)
    return digest.hexdigest()


def segment_of(
    arrays: Mapping[str, NDArray[Any]], keys: Collection[str], prefix: str = ""
) -> Segment:
    """The inverse of `named_arrays` for a segment, with those of its keys that are named.

    Raises:
        KeyError: An array is missing.
    """

    def strings(name: str) -> StringColumn:
        return StringColumn(arrays[f"{name}.offsets"], arrays[f"{name}.blob"])

    def texts(name: str) -> TextColumn:
        codes = arrays.get(f"{name}.codes")
        return strings(name) if codes is None else CodedColumn(codes, strings(f"{name}.texts"))

    def names_below(field: str) -> list[str]:
        start = f"{prefix}{field}."
        return sorted({key[len(start) :].split(".")[0] for key in arrays if key.startswith(start)})

    documents = f"{prefix}documents."
    core, kana, latin = (strings(f"{documents}{name}") for name in ("core", "kana", "latin"))
    return Segment(
        rows=arrays[f"{prefix}rows"],
        ids=strings(f"{prefix}ids"),
        documents=Documents(
            core,
            kana,
            latin,
            arrays[f"{documents}gram_offsets"],
            arrays[f"{documents}grams"],
        ),
        document_row_ends=arrays[f"{prefix}document_row_ends"],
        document_rows=arrays[f"{prefix}document_rows"],
        document_norms=arrays[f"{prefix}document_norms"],
        gram_starts=arrays[f"{prefix}gram_starts"],
        postings=arrays[f"{prefix}postings"],
        counts=arrays[f"{prefix}counts"],
        keys={
            name: KeyIndex(arrays[f"{prefix}keys.{name}.keys"], arrays[f"{prefix}keys.{name}.rows"])
            for name in names_below("keys")
            if name in keys
        },
        idf=arrays[f"{prefix}idf"],
        snapshot={name: texts(f"{prefix}snapshot.{name}") for name in names_below("snapshot")},
    )
