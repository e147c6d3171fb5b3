"""`only=new` and `only=changed`: what an earlier result lacks, or what has changed since."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine

from linkage_rl.config.link_report import Unlinked
from linkage_rl.tables.jsonl_writer import JsonLinesWriter
from tests.commands.shop import CLIENTS, COMPANIES, Run, write_csv
from tests.commands.test_link import rows_of
from tests.commands.test_link_output import table_rows

FIRST, SECOND = "linked_at=2026-01-01T00:00:00Z", "linked_at=2026-02-01T00:00:00Z"


@pytest.fixture
def words(run: Run, files: Path, bundle: Path) -> tuple[str, ...]:
    """Arguments of a first run that has been; then a client moves, one goes and one comes."""
    assert run("companies", "source=companies.csv", "database=shop.db").code == 0
    words = ("link", f"bundle={bundle}", "clients=clients.csv", "database=shop.db")
    ended = run(*words, "output=o.csv", "candidates=1", FIRST)
    assert ended.code == 0, ended.err
    header, _, k2, k3, k4 = CLIENTS
    moved = (k2[0], k2[1], "名古屋市中区", *k2[3:])
    write_csv(
        files / "clients.csv", [header, k4, k3, moved, ("k5", "青空商事株式会社", "", "", "")]
    )
    return words


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_new_clients_are_linked_and_the_rest_is_carried_over(
    run: Run, files: Path, words: tuple[str, ...], ending: str
) -> None:
    before = {row["client_id"]: row for row in rows_of(files / "o.csv")}
    more = ("candidates=1", "only=new", SECOND)

    ended = run(*words, *more, "previous=o.csv", f"output=first{ending}")
    again = run(*words, *more, f"previous=first{ending}", "output=o.csv")

    assert ended.code == 0, ended.err
    assert again.code == 0, again.err
    assert "only     1 new, 0 changed, 0 whose company changed, 0 not linked" in ended.out
    assert "4 rows in first" in ended.out
    assert "only     0 new," in again.out
    rows = rows_of(files / "o.csv")
    assert [row["client_id"] for row in rows] == ["k4", "k3", "k2", "k5"]
    for row in rows[:3]:
        assert row == before[row["client_id"]]
    assert rows[3]["company_id"] == rows[3]["candidate_1_id"] == "c1"
    assert rows[3]["linked_at"].startswith("2026-02-01")
    assert not list(files.glob("*only*")) + list(files.glob("*.partial*"))


def test_changed_clients_and_those_of_changed_companies_are_linked_again(
    run: Run, files: Path, words: tuple[str, ...]
) -> None:
    header, *companies = COMPANIES
    haruka = ("c3", "合同会社はるか", "大阪府", "大阪市北区", "梅田2-2", "06-6345-0003")
    write_csv(files / "companies.csv", [header, *companies[:2], haruka])
    assert run("companies", "source=companies.csv", "database=shop.db").code == 0

    ended = run(*words, "candidates=1", "only=changed", "output=o.csv", SECOND)

    assert ended.code == 0, ended.err
    assert (
        "only     1 new, 1 changed, 1 whose company changed, 1 not linked before, while the table "
        "has changed, 0 carried over" in ended.out
    )
    rows = {row["client_id"]: row for row in rows_of(files / "o.csv")}
    assert rows["k4"]["company_street"] == "梅田2-2"
    assert rows["k2"]["city"] == "名古屋市中区"

    once_more = run(*words, "candidates=1", "only=changed", "output=o.csv", "linked_at=2026-03-01Z")
    assert once_more.code == 2
    third = run(*words, "candidates=1", "only=changed", "output=o.csv")
    assert "only     0 new, 0 changed, 0 whose company changed, 0 not" in third.out
    assert {row["client_id"]: row for row in rows_of(files / "o.csv")} == rows


def test_in_a_table_only_fresh_rows_are_written(
    run: Run, files: Path, words: tuple[str, ...]
) -> None:
    url = f"sqlite:///{files / 'results.db'}"
    assert run(*words, f"output={url}", "run_id=one", FIRST).code == 0
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM linked WHERE client_id IN ('k5', 'k2')")
    engine.dispose()

    ended = run(*words, f"output={url}", "run_id=two", "only=new", SECOND)

    assert ended.code == 0, ended.err
    rows = table_rows(url, "linked", "run_id, client_id")
    assert [(row["run_id"], row["client_id"]) for row in rows] == [
        *(("one", "k3"), ("one", "k4")),
        *(("two", "k2"), ("two", "k5")),
    ]


def test_messages_are_about_the_list_and_the_result_of_the_user(
    run: Run, files: Path, words: tuple[str, ...]
) -> None:
    write_csv(files / "clients.csv", [*CLIENTS, ("k5", "どこにもない店", "", "", "")])

    ended = run(*words, "only=new", "output=o.csv", "candidates=1")

    assert ended.code == 0, ended.err
    assert "linking 1 clients of clients.csv with" in ended.err
    assert "1 clients, 0.0% linked (1 no_match, 0 link, 0 review)" in ended.out
    assert ".only." not in ended.err + ended.out
    assert "is linked:" not in ended.err


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_interrupted_run_goes_on_with_its_choice_only_for_the_same_settings(
    run: Run, files: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = (*words, "only=changed", "output=o.csv", "chunk=1", SECOND)
    with monkeypatch.context() as patch:
        patch.setattr(Unlinked, "add", interrupt)
        assert run(*changed).code == 130

    ended = run(*changed, "candidates=2")

    assert ended.code == 0, ended.err
    rows = rows_of(files / "o.csv")
    assert [row["client_id"] for row in rows] == ["k4", "k3", "k2", "k5"]
    assert "candidate_2_id" in rows[0]
    assert not list(files.glob("*only*")) + list(files.glob("*.partial*"))


def test_an_interrupted_run_without_a_linked_client_chooses_again(
    run: Run, files: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = (*words, "only=changed", "output=o.csv", "candidates=1", SECOND)
    with monkeypatch.context() as patch:
        patch.setattr(JsonLinesWriter, "write", interrupt)
        assert run(*changed).code == 130
    header, *companies = COMPANIES
    haruka = ("c3", "合同会社はるか", "大阪府", "大阪市北区", "梅田2-2", "06-6345-0003")
    write_csv(files / "companies.csv", [header, *companies[:2], haruka])
    assert run("companies", "source=companies.csv", "database=shop.db").code == 0

    ended = run(*changed)

    assert ended.code == 0, ended.err
    assert "1 whose company changed" in ended.out
    rows = {row["client_id"]: row for row in rows_of(files / "o.csv")}
    assert rows["k4"]["company_street"] == "梅田2-2"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("only=old",), "only takes one of new, changed, or nothing"),
        (("previous=o.csv",), "previous= needs only=new or only=changed"),
        (("only=new", "claims=true"), "claims, duplicates and dedupe need all of it"),
        (("only=new",), "needs an earlier result, and there is no n.csv"),
        (("only=new", "columns.client_id=''"), "only=new needs a column of client ids"),
    ],
)
def test_what_cannot_be_done_in_part_is_refused(
    run: Run, files: Path, bundle: Path, more: tuple[str, ...], sentence: str
) -> None:
    ended = run("link", f"bundle={bundle}", "clients=clients.csv", "output=n.csv", *more)

    assert ended.code == 2
    assert sentence in ended.last


def test_a_result_in_postgresql_is_an_earlier_one(
    run: Run, files: Path, words: tuple[str, ...], postgres_server: str
) -> None:
    place = (f"output={postgres_server}", "output_table=only_of_an_earlier")
    assert run(*words, *place, FIRST, "run_id=1").code == 0

    ended = run(*words, *place, "only=new", SECOND, "run_id=2")

    assert ended.code == 0, ended.err
    assert "only     0 new" in ended.out
