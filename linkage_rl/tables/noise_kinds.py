"""Kinds of name noise of any table: which apply, and clients that all have one of them."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np

from linkage_rl.errors import ConfigError
from linkage_rl.records import FIELDS, RecordBatch
from linkage_rl.tables.comparators import Schema
from linkage_rl.tables.corrupt import NoiseRates, corrupt_as, nearest_kinds
from linkage_rl.tables.field_noise import RATES, TITLE_KINDS, FieldRates, corrupt_fields
from linkage_rl.tables.latin_forms import is_latin

COMPANY_KINDS: Final = ("exact", "legal_form", "width_space", "extra_text", "typo", "renamed")
"""Kinds that apply to the names of any company."""
FURTHER_KINDS: Final = ("reading", "english", "wording")
"""Kinds that apply to some."""
OF_WORDS: Final = ("word_order", "word_dropped", "reworded")
"""Kinds that need titles of several words."""
TITLE_KIND_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "legal_form": "abbreviated",
        "reading": "word_order",
        "english": "reworded",
        "wording": "reworded",
    }
)
"""Kind of noise of company names to the one of other titles that is near."""
LEAST_WORDS: Final = 0.1
LEAST_SHARE: Final = 0.01
"""A kind that applies to fewer of the records is left out."""


def kinds_for(records: RecordBatch, schema: Schema) -> tuple[str, ...]:
    """The kinds of name noise that apply to a sample of a table, 'exact' first.

    Companies have 'reading' and 'english' where at least 1 % of the records have a reading, or an
    English name beside another one, and 'wording' where at least 1 % of the names are in Latin
    script. Records with a schema of comparators have the kinds of `TITLE_KINDS`, without those of
    words where under 10 % of the titles have more than one.

    Args:
        records: Records of the table, in canonical fields.
        schema: Of the table.
    """
    if schema.comparators:
        longer = sum(len(title.split()) > 1 for title in records.column("name"))
        without = () if longer >= LEAST_WORDS * len(records) else OF_WORDS
        return tuple(kind for kind in TITLE_KINDS if kind not in without)
    names, english = records.column("name"), records.column("name_en")
    latin = [is_latin(name) for name in names]
    shares = {
        # the katakana of a Latin name are no way to write it in a list of Latin names
        "reading": [
            kana != "" and not other
            for kana, other in zip(records.column("name_kana"), latin, strict=True)
        ],
        "english": [text not in ("", name) for text, name in zip(english, names, strict=True)],
        "wording": latin,
    }
    least = max(LEAST_SHARE * len(records), 1)
    return (*COMPANY_KINDS, *(kind for kind, has in shares.items() if sum(has) >= least))


def corrupt_kind(
    records: RecordBatch,
    former: RecordBatch,
    kind: str,
    *,
    moved: bool,
    rates: NoiseRates,
    schema: Schema,
    rng: np.random.Generator,
) -> RecordBatch:
    """Noisy clients that all have one kind of name noise; other noise by `rates`.

    A record to which the kind does not apply gets one that is near: an English name that is not
    known becomes another wording or legal form, a reading that is not known another spacing.

    Args:
        records: N rows of the table, in canonical fields.
        former: The fields that they may have had before, or those of a similar row, in the same
            order: the name is used by the kind 'renamed', all others by `moved`.
        kind: One of `kinds_for`, or one of a company for records with a schema of comparators.
        moved: Whether the address, and usually the phone, is the former one; with a schema of
            comparators, whether one or two fields beside the title are.
        rates: Rates of the other kinds of noise; those of names, `old_name` and `moved` are not
            used. With a schema of comparators none is, but those of `field_noise.RATES`.
        schema: Of the table.
        rng: Random generator.

    Returns:
        The N clients under the ids of `records`. With a schema of comparators they have the fields
        that the records have; else those of `corrupt`.

    Raises:
        ConfigError: There is no such kind.
    """
    of_companies = (*COMPANY_KINDS, *FURTHER_KINDS)
    known = (*TITLE_KINDS, *TITLE_KIND_OF) if schema.comparators else of_companies
    if kind not in known:
        raise ConfigError(
            f"expected a kind of name noise among {list(known)}, got {kind!r}; "
            "choose one that kinds_for returns"
        )
    if schema.comparators:
        kinds = [TITLE_KIND_OF.get(kind, kind)] * len(records)
        other = replace(RATES.get(schema.name, FieldRates()), moved=float(moved))
        return corrupt_fields(records, former, kinds, other, rng)[0]
    today, earlier = _complete(records), _complete(former)
    kinds = nearest_kinds(today, earlier, [kind] * len(records))
    return corrupt_as(today, earlier, kinds, replace(rates, moved=float(moved)), rng)[0]


def _complete(records: RecordBatch) -> RecordBatch:
    """The records with every field of a company."""
    return RecordBatch(records.ids, {field: records.column(field) for field in FIELDS})
