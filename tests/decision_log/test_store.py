"""A decision log in SQLite, PostgreSQL and MariaDB."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, func, select, text

from linkage_rl.decision_log.rows import Answer, Selection, Verdict
from linkage_rl.decision_log.schema import DECISIONS, METADATA, NOTES
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError, DatabaseError, OutputError, SchemaError
from linkage_rl.tables.credentials import parse_url
from tests.logged_decisions import logged_rows

KILLED = """
import sys
from linkage_rl.decision_log.schema import DECISIONS
from linkage_rl.decision_log.store import DecisionLog
from tests.logged_decisions import logged_rows
with DecisionLog.open(sys.argv[1]) as log, log.transaction("write") as connection:
    rows = logged_rows({}, {}, {}).take([1, 2]).rows()
    connection.execute(DECISIONS.insert(), rows)
    print("writing", flush=True)
    sys.stdin.read()
"""
"""A program that holds the write lock of a log, with rows that are not committed."""


@pytest.fixture
def log(readable_url: str) -> Iterator[DecisionLog]:
    """An empty log of this test's own."""
    with DecisionLog.open(readable_url) as opened:
        yield opened


def test_decisions_come_back_as_they_were_written(log: DecisionLog) -> None:
    rows = logged_rows({"client_id": "c1"}, {"client_id": "C1", "action": "review"})

    log.append(rows)

    (page,) = log.decisions()
    assert page.rows() == rows.rows()
    assert log.find(["f" * 32, rows.decision_id[1]]).client_id == ("C1",)
    assert log.count(Selection(client_id="C1")) == 1
    assert log.count(Selection(action="link")) == 1
    assert log.count(Selection(since="2026-03-02")) == 0


def test_a_decision_that_the_log_has_stays_as_it_is(log: DecisionLog) -> None:
    log.append(logged_rows({"company_id": "apex"}))

    log.append(logged_rows({"company_id": "other"}, {"company_id": "other"}))

    (page,) = log.decisions()
    assert page.company_id == ("apex", "other")


def test_postgresql_takes_new_decisions_as_one_stream_and_known_ones_row_by_row(
    database_url: str,
) -> None:
    rows = logged_rows({"client_id": "", "no_match": 1}, {"evidence": bytes(range(256))})
    inserted: list[str] = []
    with DecisionLog.open(database_url) as log:
        event.listen(
            log.engine,
            "before_cursor_execute",
            lambda *given: inserted.append(given[2]) if "INSERT" in given[2] else None,
        )
        log.append(rows.take([0]))
        log.append(rows.take([1]))
        streamed = log.engine.dialect.name == "postgresql"
        assert len(inserted) == (0 if streamed else 2)

        log.append(rows)

        assert len(inserted) == (1 if streamed else 3)
        (page,) = log.decisions()
    assert page.rows() == rows.rows()


def test_the_last_verdict_counts_and_a_withdrawn_one_does_not(log: DecisionLog) -> None:
    log.append(logged_rows({}, {}))
    first, second = (one.decision_id[0] for one in (logged_rows({}), logged_rows({}, {}).take([1])))

    log.add_verdicts([Verdict(first, Answer.REJECT, reviewer="a"), Verdict(second, Answer.NONE)])
    log.add_verdicts([Verdict(first, Answer.COMPANY, "apex", reviewer="b")])
    log.add_verdicts([Verdict(first, Answer.WITHDRAWN, reviewer="b")])

    assert {one: verdict.answer for one, verdict in log.latest().items()} == {
        first: Answer.REJECT,
        second: Answer.NONE,
    }
    assert [one.verdict_id for one in log.verdicts()] == [1, 2, 3, 4]
    assert log.count(Selection(judged=True)) == 2


def test_texts_that_no_database_holds_are_written_with_replacements(log: DecisionLog) -> None:
    log.append(logged_rows({"client_id": "a\0b", "customer": "\ud800", "reason": "名寄せ𠮷\0"}))

    (page,) = log.decisions()
    assert page.client_id == ("a\ufffdb",)
    assert page.customer == ("\ufffd",)
    assert page.reason == ("名寄せ𠮷\ufffd",)
    assert log.count(Selection(client_id="a\0b")) == 1


def test_a_text_too_long_for_its_column_is_refused_before_anything_is_written(
    log: DecisionLog,
) -> None:
    with pytest.raises(SchemaError, match="expected at most 128 characters in customer, got 129"):
        log.append(logged_rows({}, {"customer": "x" * 129}))

    assert log.count() == 0


@pytest.mark.parametrize("value", [float("nan"), 1.5, -0.1])
def test_a_number_that_is_no_chance_is_refused(tmp_path: Path, value: float) -> None:
    with (
        DecisionLog.open(str(tmp_path / "log.db")) as log,
        pytest.raises(SchemaError, match="expected a number from 0 to 1 in confidence"),
    ):
        log.append(logged_rows({"confidence": value}))


def test_several_programs_may_create_and_write_one_log_at_once(readable_url: str) -> None:
    def write(writer: int) -> None:
        with DecisionLog.open(readable_url) as log:
            for begin in range(0, 100, 20):
                ids = [f"{(begin + place) * 7919 % 400:032x}" for place in range(40)]
                log.append(logged_rows(*({"decision_id": one, "list_id": "a"} for one in ids)))
                log.add_verdicts([Verdict(ids[0], Answer.ACCEPT, reviewer=f"r{writer}")])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))

    with DecisionLog.open(readable_url, create=False) as log:
        assert log.count() == 120
        assert len(log.verdicts()) == 20


def test_reading_shows_one_state_while_others_write(readable_url: str) -> None:
    with DecisionLog.open(readable_url) as log, DecisionLog.open(readable_url) as other:
        log.append(logged_rows({}))
        pages = log.decisions()
        assert len(next(pages)) == 1

        with log.reading("look twice") as connection:
            count = select(func.count()).select_from(DECISIONS)
            before = connection.execute(count).scalar()
            other.append(logged_rows({}, {}))
            assert connection.execute(count).scalar() == before
        other.append(logged_rows({}, {}))
        assert log.count() == 2


def test_a_pooler_in_transaction_mode_is_no_hindrance(pgbouncer: str) -> None:
    try:
        with DecisionLog.open(pgbouncer, privacy="hashes") as log:
            log.append(logged_rows(*[{}] * 2_100))
            log.add_verdicts([Verdict("0" * 32, Answer.ACCEPT)])
        with DecisionLog.open(pgbouncer, read_only=True) as log:
            assert log.count() == 2_100
            assert list(log.latest()) == ["0" * 32]
    finally:
        engine = create_engine(parse_url(pgbouncer))
        METADATA.drop_all(engine)
        engine.dispose()


def test_a_writer_that_is_killed_leaves_whole_pages(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with DecisionLog.open(str(path)) as log:
        log.append(logged_rows({}))
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"writing\n"
    writer.kill()
    writer.communicate()

    with DecisionLog.open(str(path)) as log:
        log.append(logged_rows({}, {}))
        assert log.count() == 2


def test_a_log_opened_for_reading_writes_nothing(readable_url: str) -> None:
    with DecisionLog.open(readable_url) as log:
        log.append(logged_rows({}))

    with DecisionLog.open(readable_url, read_only=True) as log:
        assert log.count() == 1
        with pytest.raises(DatabaseError, match=r"cannot log decisions in .* reading only"):
            log.append(logged_rows({}, {}))
        assert log.count() == 1


def test_where_no_log_may_be_created_its_absence_is_said(readable_url: str) -> None:
    if readable_url.startswith("sqlite"):
        Path(readable_url.removeprefix("sqlite:///")).touch()

    with pytest.raises(DatabaseError, match=r"expected a decision log in .*, found none"):
        DecisionLog.open(readable_url, create=False)


def test_a_client_is_found_by_an_index(tmp_path: Path) -> None:
    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        found = select(DECISIONS.c.decision_id).where(*log.where(Selection(client_id="c1")))
        text = str(found.compile(log.engine, compile_kwargs={"literal_binds": True}))
        with log.reading("explain") as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").one()
    assert "USING INDEX decisions_by_client (client_id=?)" in plan[-1]


def test_a_client_id_may_be_of_any_length(log: DecisionLog) -> None:
    long = "c" * 100_000
    log.append(logged_rows({"client_id": long}, {"client_id": f"{long}d"}))

    assert log.count(Selection(client_id=long)) == 1


def test_odd_ids_and_names_find_nothing(log: DecisionLog) -> None:
    assert len(log.find(["a\0b", "\ud800", "x" * 32])) == 0
    assert log.count(Selection(customer="\ud800", client_id="a\0")) == 0


def test_a_table_of_another_program_is_no_log(readable_url: str) -> None:
    if readable_url.startswith("sqlite"):
        Path(readable_url.removeprefix("sqlite:///")).touch()
    engine = create_engine(readable_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE decisions (id INTEGER)"))

    with pytest.raises(DatabaseError, match="has a table 'decisions' that is no decision log"):
        DecisionLog.open(readable_url)

    with engine.begin() as connection:
        connection.execute(text("DROP TABLE decisions"))
    engine.dispose()


def test_a_log_of_a_later_version_is_refused(readable_url: str) -> None:
    with DecisionLog.open(readable_url) as log, log.transaction("change the format") as connection:
        connection.execute(NOTES.update().where(NOTES.c.name == "format").values(text="2"))

    with pytest.raises(SchemaError, match="expected a decision log of format 1, got format 2"):
        DecisionLog.open(readable_url)


def test_a_place_that_cannot_hold_a_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("names\n")

    with pytest.raises(OutputError, match="cannot write"):
        DecisionLog.open(str(tmp_path / "file" / "log.db"))
    with pytest.raises(DatabaseError, match="expected a database URL or an SQLite file"):
        DecisionLog.open(str(tmp_path / "file"))
    with pytest.raises(ConfigError, match="expected log="):
        DecisionLog.open("")
