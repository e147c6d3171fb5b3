"""Clients at an office are linked to the company, and the result says at which site."""

import numpy as np

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.tables.store import CompanyStore
from tests.candidates.test_sites import NAGOYA, OSAKA, with_sites
from tests.small_table import client_records
from tests.stored_table import run_sql
from tests.tables.test_site_table import MAPPING, SCHEMA
from tests.test_linker import linker


def test_the_result_says_which_site_fits_and_has_the_fields_of_the_head_office() -> None:
    records = client_records(
        {"name": "五洋建設㈱", **NAGOYA},
        {"name": "五洋建設", "phone": OSAKA["phone"]},
        {"name": "髙橋製作所"},
        {"name": "株式会社山田"},
    )

    linked = linker(index=with_sites()).link(records)

    assert linked.company_ids == ["goyo", "goyo", "takahashi", ""]
    assert linked.companies.column("city")[:2] == ["文京区", "文京区"]
    assert linked.sites == [
        "愛知県名古屋市中区栄3-5-1 052-241-1000",
        "大阪府大阪市北区堂島2-1-7 06-6345-1000",
        "",
        "",
    ]
    assert linked.between(1, 3).sites == linked.sites[1:3]


def test_without_several_rows_no_site_is_said() -> None:
    linked = linker().link(client_records({"name": "五洋建設㈱", **NAGOYA}))

    assert linked.sites == [""]


def test_candidates_say_their_site() -> None:
    (candidates,) = linker(index=with_sites()).candidates(
        client_records({"name": "五洋建設", **OSAKA})
    )

    assert [one.site for one in candidates if one.company_id == "goyo"] == [
        "大阪府大阪市北区堂島2-1-7 06-6345-1000"
    ]


def test_a_live_table_of_sites_gives_the_fields_of_one_row(readable_url: str) -> None:
    run_sql(readable_url, *SCHEMA)
    records = client_records(
        {"name": "青空マート", "street": "名古屋市中区栄3-5-1", "phone": "052-241-0009"},
        {"name": "㈱青空商事", "street": "大阪市北区梅田1-1-3"},
    )

    with CompanyStore(readable_url, MAPPING, read_only=True) as store:
        linked = linker(store, CompanyIndex.of_table(store)).link(records)

    assert linked.company_ids == ["7", "7"]
    assert linked.companies.column("name") == ["青空商事株式会社"] * 2
    assert linked.companies.column("street") == ["芝1-2-3"] * 2
    assert linked.companies.column("phone") == ["03-3222-0001"] * 2
    assert list(linked.sites) == ["名古屋市中区栄3 5-1 522410009", "大阪市北区 梅田1-1-3 663450002"]
    assert np.all(linked.confidence > 0)
