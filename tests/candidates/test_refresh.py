"""An index that follows its table: the same suite on SQLite and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.keys import COUNTED
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.tables.pages import Paging
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.store import CompanyStore
from tests.small_table import COMPANIES, IDS, clients, company_rows
from tests.stored_table import index_of, run_sql

BLOCKERS = CandidateSettings().blockers()
PRESENT = tuple(blocker.name for blocker in BLOCKERS if blocker.name != "former_name")
OWN = ColumnMapping(table="companies", company_id="company_id", name="name")
NAME, CORE = list(COUNTED).index("name"), list(COUNTED).index("core")


@pytest.fixture
def store(database_url: str) -> Iterator[CompanyStore]:
    """A database that holds `COMPANIES`."""
    with CompanyStore(database_url) as opened:
        opened.create()
        opened.load([company_rows()])
        yield opened


def linked_by(index: CompanyIndex, *blockers: str, **client: str) -> set[str]:
    """Ids that any of these blockers proposes, by default any blocker at all."""
    asking = clients(client)
    rows = np.concatenate(
        [
            index.propose(blocker, asking, np.array([0]), 20).rows[0]
            for blocker in BLOCKERS
            if not blockers or blocker.name in blockers
        ]
    )
    return set(index.company_ids(np.unique(rows[rows >= 0])))


def test_an_inserted_company_is_found(store: CompanyStore) -> None:
    index = index_of(store)

    store.apply(company_rows({"new": {"name": "株式会社山田", "phone": "03-1111-2222"}}))
    fresh, report = index.refresh(store)

    assert linked_by(index, name="㈱山田") == set()
    assert linked_by(fresh, name="㈱山田") == {"new"}
    assert linked_by(fresh, phone="0311112222") == {"new"}
    assert (report.changed, report.removed) == (1, 0)
    assert len(fresh) == 9


def test_a_renamed_company_is_found_under_its_new_name_and_its_old_one(
    store: CompanyStore,
) -> None:
    index = index_of(store)

    store.apply(
        company_rows({"goyo": {**COMPANIES["goyo"], "name": "株式会社ペンタ", "name_kana": ""}})
    )
    fresh, report = index.refresh(store)

    assert linked_by(fresh, name="ペンタ") == {"goyo"}
    assert linked_by(fresh, "former_name", name="五洋建設") == {"goyo"}
    assert linked_by(fresh, *PRESENT, name="五洋建設") == set()
    asking, pair = clients({"name": "五洋建設"}), np.zeros(1, dtype=np.int64)
    assert fresh.had_name(asking, pair, fresh.find(["goyo"])).tolist() == [1]
    assert fresh.had_name(asking, pair, fresh.find(["hokkai"])).tolist() == [0]
    assert linked_by(index, "former_name", name="五洋建設") == set()
    assert linked_by(fresh, phone="03-3816-0008") == {"goyo"}
    assert fresh.fetch(["goyo"]).records.column("name") == ["株式会社ペンタ"]
    assert (report.changed, report.removed) == (1, 0)
    assert len(fresh) == 8


def test_former_names_that_are_added_later_are_found(
    store: CompanyStore,
) -> None:
    index = index_of(store)

    store.apply(company_rows({"goyo": {**COMPANIES["goyo"], "former_names": "水野組"}}))
    fresh, report = index.refresh(store)

    assert linked_by(fresh, name="㈱水野組") == {"goyo"}
    assert (report.changed, report.removed) == (1, 0)


def test_a_company_that_closed_or_took_its_old_name_again_has_no_former_name(
    store: CompanyStore,
) -> None:
    asking = clients({"name": "青空商事"}, {"name": "五洋建設"})
    store.apply(company_rows({"goyo": {**COMPANIES["goyo"], "name": "ペンタ"}}))
    index = index_of(store)

    store.apply(company_rows({"goyo": COMPANIES["goyo"]}))
    store.apply(company_rows({"hokkai": COMPANIES["hokkai"]}, closed=["hokkai"]))
    fresh, _ = index.refresh(store)

    assert index.former_name_frequencies(asking).tolist() == [1, 1]
    assert fresh.former_name_frequencies(asking).tolist() == [0, 0]
    assert linked_by(fresh, "former_name", name="青空商事") == set()
    assert linked_by(fresh, "former_name", name="ペンタ") == {"goyo"}


def test_a_closed_company_is_no_longer_found(store: CompanyStore) -> None:
    index = index_of(store)

    store.apply(company_rows({"goyo": COMPANIES["goyo"]}, closed=["goyo"]))
    fresh, report = index.refresh(store)

    assert linked_by(fresh, name="五洋建設") == set()
    assert fresh.find(["goyo"]).tolist() == [-1]
    assert (report.changed, report.removed) == (0, 1)
    assert len(fresh) == 7


def test_a_company_that_opens_again_is_found_again(store: CompanyStore) -> None:
    store.apply(company_rows({"goyo": COMPANIES["goyo"]}, closed=["goyo"]))
    index = index_of(store)

    store.apply(company_rows({"goyo": COMPANIES["goyo"]}))
    fresh, _ = index.refresh(store)

    assert linked_by(fresh, name="五洋建設") == {"goyo"}


def test_a_deleted_row_is_not_found_though_it_leaves_no_time_of_change(store: CompanyStore) -> None:
    index = index_of(store)

    run_sql(store.url, "DELETE FROM companies WHERE company_id = 'goyo'")
    fresh, report = index.refresh(store)

    assert linked_by(fresh, name="五洋建設") == set()
    assert (report.changed, report.removed) == (0, 1)


def test_a_row_changed_by_another_program_is_seen(store: CompanyStore) -> None:
    index = index_of(store)

    run_sql(store.url, "UPDATE companies SET name = '山田商店' WHERE company_id = 'goyo'")
    fresh, _ = index.refresh(store)

    assert "goyo" in linked_by(fresh, name="山田商店")


def test_a_row_that_is_committed_late_with_an_old_time_is_found(store: CompanyStore) -> None:
    index = index_of(store)

    run_sql(
        store.url,
        "INSERT INTO companies (company_id, name, updated_at) "
        "VALUES ('late', '株式会社山田', '2001-01-01T00:00:00.000Z')",
    )
    fresh, report = index.refresh(store)

    assert linked_by(fresh, name="山田") == {"late"}
    assert (report.changed, report.removed) == (1, 0)


def test_a_refresh_says_what_the_times_of_change_would_have_hidden(
    store: CompanyStore, caplog: pytest.LogCaptureFixture
) -> None:
    index = index_of(store)

    for company_id, stamp in (("old", "2001-01-01"), ("ahead", "2999-01-01")):
        run_sql(
            store.url,
            "INSERT INTO companies (company_id, name, updated_at) "
            f"VALUES ('{company_id}', '山田', '{stamp}')",
        )
    index, report = index.refresh(store, merge_share=1)
    report.stamps.report()
    _, again = index.refresh(store)

    assert (report.stamps.hidden, report.stamps.future) == (1, 1)
    assert index.latest_stamp == report.stamps.latest == "2999-01-01"
    assert "1 rows have an updated_at in the future, the latest one 2999-01-01" in caplog.text
    assert (again.stamps.hidden, again.stamps.future) == (0, 0)


def test_an_unchanged_table_refreshes_to_no_change(store: CompanyStore) -> None:
    store.apply(company_rows({"odd": {"name": "改行\nのある会社"}}))
    index = index_of(store)

    fresh, report = index.refresh(store)

    assert (report.changed, report.removed) == (0, 0)
    assert len(fresh) == 9
    assert fresh.base is index.base


def test_several_refreshes_in_a_row_keep_all_that_came_before(store: CompanyStore) -> None:
    index = index_of(store)

    store.apply(company_rows({"a": {"name": "株式会社山田"}, "b": {"name": "株式会社川口"}}))
    index, _ = index.refresh(store)
    store.apply(company_rows({"a": {"name": "株式会社山田物産"}}))
    index, second = index.refresh(store)
    store.apply(company_rows({"b": {"name": "株式会社川口"}}, closed=["b"]))
    index, third = index.refresh(store)
    index, fourth = index.refresh(store)

    assert linked_by(index, name="山田物産") == {"a"}
    assert linked_by(index, name="川口") == set()
    assert linked_by(index, name="五洋建設") == {"goyo"}
    assert [second.changed, third.removed, fourth.changed, fourth.removed] == [1, 1, 0, 0]
    assert len(index) == 9


def test_a_deleted_row_that_a_refresh_added_is_removed_by_the_next(store: CompanyStore) -> None:
    index = index_of(store)
    store.apply(company_rows({"a": {"name": "株式会社山田"}}))
    index, _ = index.refresh(store)

    run_sql(store.url, "DELETE FROM companies WHERE company_id = 'a'")
    index, report = index.refresh(store)

    assert linked_by(index, name="山田") == set()
    assert report.removed == 1
    assert index.refresh(store)[1].removed == 0


def test_the_old_index_keeps_answering_as_before(store: CompanyStore) -> None:
    old = index_of(store)
    before = linked_by(old, name="五洋建設", phone="03-3222-0001")

    run_sql(store.url, "DELETE FROM companies WHERE company_id = 'goyo'")
    store.apply(company_rows({"x": {"name": "五洋建設"}}))
    old.refresh(store)

    assert (
        linked_by(old, name="五洋建設", phone="03-3222-0001") == before == {"goyo", "aozora-tokyo"}
    )
    assert len(old) == 8


def test_a_changed_company_is_counted_once(store: CompanyStore) -> None:
    index = index_of(store)

    store.apply(company_rows({"goyo": {**COMPANIES["goyo"], "phone": "03-9999-9999"}}))
    fresh, _ = index.refresh(store)

    row = fresh.find(["goyo"])
    assert row[0] >= 8
    assert fresh.counts(row)[0, [NAME, CORE]].tolist() == [1, 1]
    assert fresh.name_frequencies(clients(COMPANIES["goyo"]))[0, [NAME, CORE]].tolist() == [
        1,
        1,
    ]


def test_a_new_company_of_a_name_is_counted_for_the_others_of_that_name(
    store: CompanyStore,
) -> None:
    index = index_of(store)

    store.apply(company_rows({"new": {"name": "五洋建設有限会社"}}))
    run_sql(store.url, "DELETE FROM companies WHERE company_id = 'aozora-osaka'")
    fresh, _ = index.refresh(store)

    counts = fresh.counts(fresh.find(["goyo", "new", "aozora-tokyo"]))
    assert counts[:, NAME].tolist() == [1, 1, 1]
    assert counts[:, CORE].tolist() == [2, 2, 2]


def test_an_index_is_built_anew_once_a_fifth_has_changed(store: CompanyStore) -> None:
    index = index_of(store)

    store.apply(company_rows({"a": {"name": "山田"}}))
    once, first = index.refresh(store)
    store.apply(company_rows({"b": {"name": "川口"}}))
    twice, second = once.refresh(store)

    assert (len(once.parts), first.rebuilt, first.changed) == (2, "", 1)
    assert (len(twice.parts), second.rebuilt) == (1, "more than 20% of it have changed")
    assert (second.changed, second.removed, len(twice)) == (1, 0, 10)


def test_whether_to_build_anew_is_decided_before_rows_are_read(
    store: CompanyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = index_of(store)
    fetches: list[int] = []
    monkeypatch.setattr(CompanyStore, "rows_of", lambda store, keys: fetches.append(len(keys)))

    run_sql(store.url, "UPDATE companies SET phone = '03-1234-5678'")
    fresh, report = index.refresh(store)

    assert not fetches
    assert (report.changed, report.removed, len(fresh)) == (8, 0, 8)


def test_an_index_is_built_anew_where_the_keys_come_in_another_order(tmp_path: Path) -> None:
    url, numbers = f"sqlite:///{tmp_path}/companies.db", range(10)
    ids = [f"{number:03}" for number in range(100)]
    ids += [f"a{number}" for number in numbers] + [f"B{number}" for number in numbers]
    make = "CREATE TABLE companies (company_id TEXT COLLATE {} PRIMARY KEY, name TEXT)"
    fill = "INSERT INTO companies VALUES " + ", ".join(f"('{one}', '山田')" for one in ids)

    run_sql(url, make.format("NOCASE"), fill)
    with CompanyStore(url, OWN, read_only=True, paging=Paging(10)) as store:
        index = index_of(store)
    run_sql(url, "DROP TABLE companies", make.format("BINARY"), fill)
    with CompanyStore(url, OWN, read_only=True, paging=Paging(10)) as store:
        fresh, report = index.refresh(store)
        again, unchanged = fresh.refresh(store)

    assert report.rebuilt == "its keys come in another order than before"
    assert (report.changed, report.removed) == (0, 0)
    assert len(fresh.known.hashes) == len(fresh) == len(again) == len(ids)
    assert (unchanged.rebuilt, unchanged.pages) == ("", 0)


def test_an_index_of_an_empty_table_finds_everything_that_is_added(database_url: str) -> None:
    with CompanyStore(database_url) as store:
        store.create()
        index = index_of(store)

        store.load([company_rows()])
        fresh, report = index.refresh(store)

    assert report.changed == len(fresh) == len(IDS)
    assert linked_by(fresh, name="五洋建設") == {"goyo"}
