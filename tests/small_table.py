"""A company table small enough to know by heart, and clients who ask it."""

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Clients
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.records import FIELDS, CompanyRows, RecordBatch
from linkage_rl.text.canonical import canonicalise

COMPANIES: Final[dict[str, dict[str, str]]] = {
    "aozora-tokyo": {
        "name": "株式会社青空商事",
        "name_kana": "アオゾラショウジ",
        "postal_code": "101-0051",
        "prefecture": "東京都",
        "city": "千代田区",
        "street": "神田神保町2-38 いちご九段ビル3階",
        "phone": "03-3222-0001",
        "url": "https://www.aozora-shoji.co.jp/",
        "corporate_number": "6010001000001",
    },
    "aozora-osaka": {
        "name": "株式会社青空商事",
        "name_kana": "アオゾラショウジ",
        "postal_code": "530-0001",
        "prefecture": "大阪府",
        "city": "大阪市北区",
        "street": "梅田1-1-3",
        "phone": "06-6345-0002",
        "corporate_number": "2120001000002",
    },
    "aozora-llc": {
        "name": "青空商事合同会社",
        "name_kana": "アオゾラショウジ",
        "postal_code": "101-0051",
        "prefecture": "東京都",
        "city": "千代田区",
        "street": "神田神保町2-40",
        "corporate_number": "4010001000003",
    },
    "takahashi": {
        "name": "有限会社髙橋製作所",
        "name_kana": "タカハシセイサクショ",
        "postal_code": "380-0823",
        "prefecture": "長野県",
        "city": "長野市",
        "street": "南千歳1-22-6",
        "phone": "026-226-0004",
        "corporate_number": "2430001000004",
    },
    "sakura": {
        "name": "医療法人社団さくら会",
        "name_kana": "サクラカイ",
        "postal_code": "101-0051",
        "prefecture": "東京都",
        "city": "千代田区",
        "street": "神田神保町2-38",
        "phone": "03-3222-0005",
        "corporate_number": "6140001000005",
    },
    "acme": {
        "name": "アクメトレーディング株式会社",
        "name_kana": "アクメトレーディング",
        "name_en": "Acme Trading K.K.",
        "postal_code": "220-0012",
        "prefecture": "神奈川県",
        "city": "横浜市西区",
        "street": "みなとみらい3-6-1",
        "phone": "045-682-0006",
        "url": "acme-trading.jp",
        "corporate_number": "8011001000006",
    },
    "hokkai": {
        "name": "北海道総合食品株式会社",
        "postal_code": "060-0042",
        "prefecture": "北海道",
        "city": "札幌市中央区",
        "street": "大通西4丁目1番地",
        "phone": "011-221-0007",
        "corporate_number": "5460001000007",
        "former_names": "札幌食糧(有)|青空商事株式会社",
    },
    "goyo": {
        "name": "五洋建設株式会社",
        "name_kana": "ゴヨウケンセツ",
        "postal_code": "112-8576",
        "prefecture": "東京都",
        "city": "文京区",
        "street": "後楽2-2-8",
        "phone": "03-3816-0008",
        "url": "http://www.penta-ocean.co.jp",
        "corporate_number": "5120001000008",
    },
}
"""Three have the core 青空商事, two of them the same full name, and it is a former name of hokkai;
two share the block 神田神保町 2-38."""

IDS: Final = tuple(COMPANIES)


def records(rows: dict[str, dict[str, str]]) -> RecordBatch:
    """Records by id."""
    return RecordBatch(
        list(rows), {field: [row.get(field, "") for row in rows.values()] for field in FIELDS}
    )


def company_rows(
    rows: dict[str, dict[str, str]] | None = None, closed: Sequence[str] = ()
) -> CompanyRows:
    """Companies by id, by default all of `COMPANIES`; those named in `closed` have closed."""
    some = COMPANIES if rows is None else rows
    return CompanyRows(
        records(some),
        [""] * len(some),
        ["2025-01-31" if company_id in closed else "" for company_id in some],
    )


@cache
def small_index() -> CompanyIndex:
    """The index of `COMPANIES`; row i is `IDS[i]`. Built once, since it never changes."""
    return CompanyIndex.build([company_rows()])


def clients(*rows: dict[str, str]) -> Clients:
    """Clients by their fields."""
    return Clients.of(canonicalise(client_records(*rows)))


def client_records(*rows: dict[str, str]) -> RecordBatch:
    """Raw clients, with the ids c0, c1, ..."""
    return records({f"c{place}": row for place, row in enumerate(rows)})


def rows_alive(index: CompanyIndex, company_ids: Sequence[str]) -> NDArray[np.int64]:
    """All rows of these companies that are alive, those of further sites too; ascending."""
    found = [
        part.first_row + row
        for part in index.parts
        for row, one in enumerate(part.segment.ids.take(np.arange(len(part.segment))))
        if part.alive[row] and one in company_ids
    ]
    return np.array(found, dtype=np.int64)
