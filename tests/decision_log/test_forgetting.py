"""Decisions are deleted for good: those of a client, of a customer, and old ones."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from linkage_rl.decision_log.forgetting import Forgotten, apply_retention, forget, forget_older
from linkage_rl.decision_log.questions import Questions
from linkage_rl.decision_log.rows import Answer, Selection, Verdict
from linkage_rl.decision_log.schema import QUESTIONS, QUEUES
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import ConfigError, SchemaError
from linkage_rl.tables import engine
from linkage_rl.tables.engine import Limits
from tests.logged_decisions import logged_rows

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.fixture
def log(readable_url: str) -> Iterator[DecisionLog]:
    """A log with three clients of two customers; the first one was judged and asked about."""
    with DecisionLog.open(readable_url) as opened:
        rows = logged_rows(
            {"customer": "north", "decided_at": "2026-03-01T12:00:00.000Z"},
            {"customer": "north", "decided_at": "2026-03-21T12:00:00.000Z"},
            {"customer": "south", "decided_at": "2026-03-31T11:00:00.000Z"},
        )
        opened.append(rows)
        opened.add_verdicts([Verdict(rows.decision_id[0], Answer.ACCEPT)] * 2)
        with opened.transaction("ask") as connection:
            queue = {"queue_id": "q", "kind": "review", "created_at": "", "settings": "{}"}
            connection.execute(insert(QUEUES), queue)
            question = {"queue_id": "q", "place": 0, "decision_id": rows.decision_id[0]}
            rest = {"chance": 1.0, "reviewer": "", "taken_at": "", "answered": 0}
            connection.execute(insert(QUESTIONS), {**question, **rest})
        yield opened


def test_a_client_is_forgotten_with_verdicts_and_questions(log: DecisionLog) -> None:
    assert forget(log, Selection(client_id="c0")) == Forgotten(1, 2, 1)

    assert log.count() == 2
    assert log.verdicts() == []
    with log.reading("count") as connection:
        assert connection.execute(select(func.count()).select_from(QUESTIONS)).scalar() == 0
    assert forget(log, Selection(client_id="c0")) == Forgotten()


def test_a_client_of_one_customer_is_not_that_of_another(log: DecisionLog) -> None:
    assert forget(log, Selection(client_id="c0", customer="south")) == Forgotten()
    assert forget(log, Selection(customer="south")) == Forgotten(1)


def test_a_blank_at_the_end_makes_another_customer_and_client(log: DecisionLog) -> None:
    log.append(logged_rows({"decision_id": "a" * 32, "client_id": "c2 ", "customer": "south "}))

    assert log.count(Selection(customer="south")) == 1
    assert log.count(Selection(customer="south ")) == 1
    assert forget(log, Selection(client_id="c2")) == Forgotten(1)
    assert log.count(Selection(client_id="c2 ")) == 1


def test_nobody_judges_what_was_forgotten(log: DecisionLog) -> None:
    ids = ["0" * 32, f"{1:032x}"]
    forget(log, Selection(client_id="c1"))

    with pytest.raises(SchemaError, match=f"got 1 on others, such as '{ids[1]}'; they may have"):
        log.add_verdicts([Verdict(one, Answer.NONE) for one in ids])
    assert [one.answer for one in log.verdicts()] == [Answer.ACCEPT] * 2


def test_only_older_decisions_are_forgotten(log: DecisionLog) -> None:
    assert forget_older(log, 10, NOW) == Forgotten(1, 2, 1)
    assert forget_older(log, 10, NOW) == Forgotten()
    assert log.count() == 2


def test_retention_is_a_note_of_the_log(log: DecisionLog) -> None:
    assert apply_retention(log, NOW) == Forgotten()

    with DecisionLog.open(log.url, retention_days=5):
        pass
    with DecisionLog.open(log.url) as again:
        assert again.retention_days == 5
        assert apply_retention(again, NOW).decisions == 2


def test_everything_is_not_forgotten_by_accident(log: DecisionLog) -> None:
    with pytest.raises(ConfigError, match="expected a client, a customer, a list or an age"):
        forget(log, Selection())
    with pytest.raises(ConfigError, match="older_than_days expects a number of days from 1"):
        forget_older(log, 0)


def test_nothing_of_a_forgotten_client_is_left_in_the_files(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with DecisionLog.open(str(path)) as log:
        log.append(logged_rows({"client": '{"name":"unmistakable"}'}, {}))
        forget(log, Selection(client_id="c0"))

        files = [file.read_bytes() for file in tmp_path.iterdir()]
        assert len(files) == 3
        assert not any(b"unmistakable" in content for content in files)


def test_a_reader_who_keeps_deleted_rows_in_the_journal_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LOCK_TIMEOUT_S", 1)  # what emptying the journal waits for
    limits = Limits(connections=2, timeout_s=0.2)
    with DecisionLog.open(str(tmp_path / "log.db"), limits=limits) as log:
        log.append(logged_rows({}, {}))
        with log.reading("look") as reader:
            reader.execute(select(func.count()).select_from(QUEUES)).scalar()
            forget(log, Selection(client_id="c0"))
        assert "may hold what was forgotten; end them, and run forget again" in caplog.text

        caplog.clear()
        forget(log, Selection(client_id="c0"))
        assert caplog.text == ""


@pytest.mark.parametrize("privacy", ["full", "hashes"])
def test_queues_keep_nothing_of_a_forgotten_client(tmp_path: Path, privacy: str) -> None:
    with DecisionLog.open(str(tmp_path / "log.db"), privacy=privacy) as log:
        rows = logged_rows({"client_id": "unmistakable"}, {})
        log.append(rows)
        questions, ids = Questions(log), list(rows.decision_id)
        selection = {"client_id": "unmistakable", "customer": ""}
        questions.create("review", {"selection": selection}, ids[:1], [1.0])
        answers = {one: ["old", "new"] for one in ids}
        gate = questions.create("disagreement", {"answers": answers, "of": ids}, ids, [1.0, 1.0])
        if privacy == "hashes":
            assert not any(b"unmistakable" in one.read_bytes() for one in tmp_path.iterdir())

        forget(log, Selection(client_id="unmistakable"))

        (left,) = questions.queues()
        assert (left.queue_id, left.questions) == (gate, 1)
        assert left.settings == {"answers": {ids[1]: ["old", "new"]}, "of": ids[1:]}
        assert not any(b"unmistakable" in one.read_bytes() for one in tmp_path.iterdir())


def test_more_clients_than_a_statement_takes_are_forgotten(tmp_path: Path) -> None:
    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        log.append(logged_rows(*[{"customer": "north"}] * 1_201))

        assert forget(log, Selection(customer="north")) == Forgotten(1_201)
