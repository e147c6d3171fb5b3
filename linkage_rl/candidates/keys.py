"""The exact blockers: which text names a record, blocker by blocker.

A company is filed under the first alternative of each key, or as `FILED` says; a client asks with
all alternatives.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.encode import hash_columns, hash_texts
from linkage_rl.protocols import FilingFunction, KeyFunction
from linkage_rl.records import CanonicalBatch


def corporate_number_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """The corporate number."""
    return (records.corporate_number,)


def phone_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """The phone number."""
    return (records.phone,)


def domain_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """The registered domain of the web address."""
    return (records.domain,)


def name_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """The whole name with its legal form in place."""
    return (records.name,)


def core_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """The name without its legal form; clients also ask without branch or department."""
    return (records.core, records.stem)


def kana_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """The reading."""
    return (records.kana,)


def address_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """City, town and the first three numbers of the block; nothing below the house number.

    Rooms are written into the block by some and left out by others.
    """
    return (
        [
            f"{city}|{town}|{'-'.join(block.split('-')[:3])}" if city and block else ""
            for city, town, block in zip(records.city, records.town, records.block, strict=True)
        ],
    )


KEYS: Final[Mapping[str, KeyFunction]] = {
    "corporate_number": corporate_number_key,
    "phone": phone_key,
    "domain": domain_key,
    "name": name_key,
    "core": core_key,
    "kana": kana_key,
    "address": address_key,
    "former_name": core_key,
}
"""Every exact blocker by name; a new one needs its function and its line here."""


def former_name_filing(records: CanonicalBatch) -> tuple[Sequence[str], NDArray[np.int32]]:
    """Each core that a company once bore, the present one included where it was borne before."""
    renamed = [row for row, cores in enumerate(records.former_cores) if cores]
    counts = [len(records.former_cores[row]) for row in renamed]
    texts = [core for row in renamed for core in records.former_cores[row]]
    return texts, np.repeat(np.array(renamed, dtype=np.int32), counts)


FILED: Final[Mapping[str, FilingFunction]] = {"former_name": former_name_filing}
"""Keys of `KEYS` under which a company is filed otherwise than a client asks, or several times."""


def core_city_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """Core and city, for counting namesakes of one place."""
    return (
        [
            f"{core}|{city}" if core and city else ""
            for core, city in zip(records.core, records.city, strict=True)
        ],
    )


def core_prefecture_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """Core and prefecture, for counting namesakes of one region."""
    return (
        [
            f"{core}|{prefecture}" if core and prefecture else ""
            for core, prefecture in zip(records.core, records.prefecture.tolist(), strict=True)
        ],
    )


def site_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """Whole address with building and room, for counting who shares it."""
    return (
        [
            f"{city}|{town}|{block}|{building}" if city and block else ""
            for city, town, block, building in zip(
                records.city, records.town, records.block, records.building, strict=True
            )
        ],
    )


def city_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """Prefecture and city, for counting the companies of a city."""
    return (
        [
            f"{prefecture}|{city}" if city else ""
            for prefecture, city in zip(records.prefecture.tolist(), records.city, strict=True)
        ],
    )


COUNTED: Final[Mapping[str, KeyFunction]] = {
    "name": name_key,
    "core": core_key,
    "kana": kana_key,
    "address": address_key,
    "core_city": core_city_key,
    "core_prefecture": core_prefecture_key,
    "site": site_key,
    "city": city_key,
}
"""Keys whose frequency in the table is known for every row and client."""


_KEY_OF: Final[Mapping[str, KeyFunction]] = {**KEYS, **COUNTED}


def hashed_keys(records: CanonicalBatch) -> dict[str, NDArray[np.uint64]]:
    """Hashes of every key and counted key, shape (alternatives, N) each; 0 is no key."""
    columns = {key: key(records) for key in _KEY_OF.values()}
    hashes = hash_columns([texts for alternatives in columns.values() for texts in alternatives])
    sizes = [len(alternatives) for alternatives in columns.values()]
    ends = accumulate(sizes)
    own = {
        key: hashes[end - size : end] for key, size, end in zip(columns, sizes, ends, strict=True)
    }
    return {name: own[key] for name, key in _KEY_OF.items()}


def filings(
    records: CanonicalBatch,
) -> dict[str, tuple[NDArray[np.uint64], NDArray[np.int32]]]:
    """Hashes (F,) of each key of `FILED`, and the record of each, rising, (F,)."""
    filed = {name: filing(records) for name, filing in FILED.items()}
    return {name: (hash_texts(texts), rows) for name, (texts, rows) in filed.items()}
