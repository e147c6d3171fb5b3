"""The one way from raw records to canonical ones, for companies and clients alike."""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from linkage_rl.records import CanonicalBatch, RecordBatch
from linkage_rl.text.addresses import canonical_addresses
from linkage_rl.text.cells import MISSING
from linkage_rl.text.corporate_numbers import canonical_corporate_numbers
from linkage_rl.text.names import canonical_kana, canonical_latin, canonical_names
from linkage_rl.text.normalise import as_written
from linkage_rl.text.phones import canonical_phones
from linkage_rl.text.postal_codes import canonical_postal_codes
from linkage_rl.text.urls import canonical_urls

MAX_FORMER_CHARS: Final = 4_000
"""Longer lists of former names are cut: no company has changed its name a hundred times."""
_COMMON_FORMS: Final = ("株式会社", "有限会社", "合同会社", "(株)", "(有)", "(同)")


def canonical_former_cores(texts: Sequence[str]) -> list[tuple[str, ...]]:
    """Cores of the names in each text, which '|' separates; each core once, in order.

    Of a text, the first `MAX_FORMER_CHARS` characters are read.

    >>> canonical_former_cores(["㈱髙島屋|高島屋(有)|飯田呉服店", ""])
    [('高島屋', '飯田呉服店'), ()]
    """
    cores: list[tuple[str, ...]] = [()] * len(texts)
    if not any(texts):
        return cores
    names = {row: _former_names(text) for row, text in enumerate(texts) if _is_given(text)}
    if names:
        flat = iter(canonical_names([name for some in names.values() for name in some]).core)
        for row, some in names.items():
            cores[row] = tuple(dict.fromkeys(filter(None, islice(flat, len(some)))))
    return cores


def _former_names(text: str) -> list[str]:
    return [*filter(None, dict.fromkeys(text[:MAX_FORMER_CHARS].split("|")))]


def _is_given(text: str) -> bool:
    return bool(text) and text.strip().lower() not in MISSING


def canonicalise(records: RecordBatch) -> CanonicalBatch:
    """Normalise N clients or companies; never raises, whatever the texts hold.

    >>> columns = {"name": ["㈱髙島屋"], "street": ["東京都港区芝一丁目2の3"]}
    >>> one = canonicalise(RecordBatch(["1"], columns))
    >>> one.name, one.core, one.city, one.town, one.block
    (['株式会社髙島屋'], ['高島屋'], ['港区'], ['芝'], ['1-2-3'])
    """
    names = canonical_names(records.column("name"))
    addresses = canonical_addresses(
        records.column("prefecture"), records.column("city"), records.column("street")
    )
    domains, pages = canonical_urls(records.column("url"))
    return CanonicalBatch(
        name=names.name,
        written=as_written(records.column("name"), _COMMON_FORMS),
        core=names.core,
        stem=names.stem,
        legal_form=names.legal_form,
        legal_side=names.legal_side,
        kana=canonical_kana(records.column("name_kana"), names.core),
        reading=as_written(records.column("name_kana")),
        latin=canonical_latin(records.column("name_en"), names.core),
        prefecture=addresses.prefecture,
        city=addresses.city,
        town=addresses.town,
        block=addresses.block,
        building=addresses.building,
        postal_code=canonical_postal_codes(records.column("postal_code")),
        phone=canonical_phones(records.column("phone")),
        domain=domains,
        page=pages,
        corporate_number=canonical_corporate_numbers(records.column("corporate_number")),
        former_cores=canonical_former_cores(records.column("former_names")),
    )
