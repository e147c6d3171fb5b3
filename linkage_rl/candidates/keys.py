"""Exact keys: texts that two records of one company are likely to share, such as a phone number.

A `KeyBlocker` proposes the companies that are *filed* under a key of the client: sorted by the hash
of the key, so that a binary search finds them. A record may have several *alternatives* of a key.
A company is filed under the first one, or as `FILED` says; a client is looked up with all of them.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates import _text
from linkage_rl.candidates.encode import hash_columns, hash_texts
from linkage_rl.errors import ConfigError
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
    """The full name with its legal form where it is written."""
    return (records.name,)


def core_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """The name without its legal form; clients are also looked up without branch or department."""
    return (records.core, records.stem)


def kana_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """The reading."""
    return (records.kana,)


def address_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """City, town and block, which has three numbers at most: nothing below the house number."""
    return (_text.joined((records.city, records.town, records.block), (0, 2)),)


KEYS: Final[dict[str, KeyFunction]] = {
    "corporate_number": corporate_number_key,
    "phone": phone_key,
    "domain": domain_key,
    "name": name_key,
    "core": core_key,
    "kana": kana_key,
    "address": address_key,
    "former_name": core_key,
}
"""Key name to the function that makes the key; every one of them is a blocker.

A new blocker needs its function and its line here. It costs `settings.DEFAULT_COST` unless
`settings.BlockerCosts` names another cost. Indexes that were saved before lack the key and are
built again (see `versions`).
"""


def former_name_filing(records: CanonicalBatch) -> tuple[Sequence[str], NDArray[np.int32]]:
    """Each former core of a company, its present one too where it was in use before."""
    renamed = [row for row, cores in enumerate(records.former_cores) if cores]
    counts = [len(records.former_cores[row]) for row in renamed]
    texts = [core for row in renamed for core in records.former_cores[row]]
    return texts, np.repeat(np.array(renamed, dtype=np.int32), counts)


FILED: Final[Mapping[str, FilingFunction]] = {"former_name": former_name_filing}
"""Keys of `KEYS` under which companies are filed by a function of its own, any number each."""


def core_city_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """Core and city: how many companies of this name there are in the city."""
    return (_text.joined((records.core, records.city), (0, 1)),)


_CODES: Final = ("", *map(str, range(1, 128)))
"""Codes of prefectures as texts, '' where it is unknown."""


def core_prefecture_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """Core and prefecture: how many companies of this name there are in the prefecture."""
    codes = [_CODES[code] for code in records.prefecture.tolist()]
    return (_text.joined((records.core, codes), (0, 1)),)


def site_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """The full address with building and room: how many companies share it."""
    parts = (records.city, records.town, records.block, records.building)
    return (_text.joined(parts, (0, 2)),)


def city_key(records: CanonicalBatch) -> Sequence[Sequence[str]]:
    """Prefecture and city: how many companies there are in the city."""
    codes = [_CODES[code] or "0" for code in records.prefecture.tolist()]
    return (_text.joined((codes, records.city), (1,)),)


COUNTED: Final[Mapping[str, KeyFunction]] = {
    "name": name_key,
    "core": core_key,
    "kana": kana_key,
    "address": address_key,
    "core_city": core_city_key,
    "core_prefecture": core_prefecture_key,
    "site": site_key,
    "city": city_key,
    "phone": phone_key,
    "domain": domain_key,
    "corporate_number": corporate_number_key,
}
"""Keys whose frequency in the table is counted for every row and client; a feature each."""


def hashed_keys(records: CanonicalBatch) -> dict[str, NDArray[np.uint64]]:
    """Key name, of `KEYS` and `COUNTED`, to hashes (alternatives, N); 0 where a record has no key.

    Raises:
        ConfigError: A key function gives another number of texts than there are records, or a
            key has one function in `KEYS` and another in `COUNTED`.
    """
    functions = _names_of((*KEYS.items(), *COUNTED.items()))
    made = [key(records) for key in functions]
    columns = [texts for alternatives in made for texts in alternatives]
    if any(map(len(records).__ne__, map(len, columns))):
        _refuse_counts(records, functions, made)
    hashes = hash_columns(columns)
    keys = {}
    begin = 0
    for names, alternatives in zip(functions.values(), made, strict=True):
        own = hashes[begin : begin + len(alternatives)]
        begin += len(alternatives)
        for name in names:
            keys[name] = own
    return keys


def _refuse_counts(
    records: CanonicalBatch,
    functions: Mapping[KeyFunction, Sequence[str]],
    made: Sequence[Sequence[Sequence[str]]],
) -> None:
    for names, alternatives in zip(functions.values(), made, strict=True):
        counts = [len(texts) for texts in alternatives]
        if any(count != len(records) for count in counts):
            raise ConfigError(
                f"key function of {names[0]!r} gave {counts} texts for {len(records)} records; "
                "each alternative needs one text per record, '' for none"
            )


@lru_cache(maxsize=8)
def _names_of(keys: tuple[tuple[str, KeyFunction], ...]) -> Mapping[KeyFunction, Sequence[str]]:
    """Each key function once, with the names of the keys that it makes."""
    functions: dict[KeyFunction, list[str]] = {}
    made_by = dict(keys)
    for name, key in keys:
        if made_by[name] is not key:
            raise ConfigError(
                f"key {name!r} has different functions in KEYS and COUNTED of candidates/keys.py; "
                "give one of them another name"
            )
        names = functions.setdefault(key, [])
        if name not in names:
            names.append(name)
    return functions


def filings(
    records: CanonicalBatch,
) -> dict[str, tuple[NDArray[np.uint64], NDArray[np.int32]]]:
    """Key name, of `FILED`, to F hashes and the record of each, ascending; shape (F,) both."""
    filed = {name: filing(records) for name, filing in FILED.items()}
    return {name: (hash_texts(texts), rows) for name, (texts, rows) in filed.items()}
