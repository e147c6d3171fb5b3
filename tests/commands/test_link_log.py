"""`link log=`: every decision goes into a decision log, and its id into the result."""

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from linkage_rl.bundle import load_bundle
from linkage_rl.config.link_logging import FirstLook
from linkage_rl.decision_log.rows import DecisionRows, Selection
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import DatabaseError
from linkage_rl.linked_columns import digest
from tests.commands.list_shop import LIST, long_list
from tests.commands.shop import Run, write_csv
from tests.commands.test_link import SAME_TIME, rows_of

LOG = "log=log.db"


def logged(place: Path, selection: Selection | None = None) -> list[dict[str, Any]]:
    """The decisions of a log, by client."""
    with DecisionLog.open(str(place), create=False) as log:
        pages = list(log.decisions(selection or Selection()))
    return sorted((row for page in pages for row in page.rows()), key=lambda row: row["client_id"])


def without_time(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"decided_at": "", "client_hash": ""} for row in rows]


def test_every_decision_is_logged_under_the_id_that_its_row_has(
    run: Run, files: Path, bundle: Path
) -> None:
    ended = run(
        "link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv", LOG, "customer=crm"
    )

    assert ended.code == 0, ended.err
    assert "log      sqlite:///log.db\n" in ended.out
    assert f"linkage-rl review log=sqlite:///log.db bundle={bundle}\n" in ended.out
    assert f"linkage-rl learn bundle={bundle} log=sqlite:///log.db output=learned\n" in ended.out
    rows, found = rows_of(files / "o.csv"), logged(files / "log.db")
    assert [row["decision_id"] for row in rows] == [row["decision_id"] for row in found]
    assert [row["action"] for row in found] == ["link", "link", "no_match", "link"]
    assert [row["company_id"] for row in found] == ["c1", "c2", "", "c3"]
    assert {row["customer"] for row in found} == {"crm"}
    assert {row["list_id"] for row in found} == {rows[0]["run_id"]}
    assert {row["table_state"] for row in found} == {rows[0]["table_state"]}
    assert rows[0]["table_state"] == digest(load_bundle(bundle).index.state)
    assert {row["bundle"] for row in found} == {rows[0]["bundle"]}
    assert json.loads(found[0]["client"])["name"] == "㈱青空商事"
    assert json.loads(found[0]["shown"])[0][0] == "c1"
    assert all(row["evidence"] for row in found)
    assert [row["reason"] for row in found] == [row["reason"] for row in rows]


def test_without_a_log_the_result_has_no_such_column(run: Run, files: Path, bundle: Path) -> None:
    run("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv")

    assert "decision_id" not in rows_of(files / "o.csv")[0]


def test_a_list_logs_what_its_stage_decided_with_what_the_policy_saw(
    run: Run, files: Path, list_bundle: Path
) -> None:
    write_csv(files / "list.csv", LIST)

    ended = run("link", f"bundle={list_bundle}", "clients=list.csv", "output=o.csv", LOG)

    assert ended.code == 0, ended.err
    found = logged(files / "log.db")
    assert [row["company_id"] for row in found] == ["c1", "c1", "c2", ""]
    # of the first client the policy said no match: its mate is why it is linked
    assert found[0]["no_match"] > 0.99
    assert found[1]["no_match"] < 0.01
    assert {row["link_threshold"] for row in found} == {0.5}
    assert not list(files.glob("*.partial*"))


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_chunks_and_processes_log_the_same(
    run: Run, files: Path, list_bundle: Path, workers: str
) -> None:
    long_list(files)
    words = (f"bundle={list_bundle}", "clients=many.csv", SAME_TIME, "run_id=r")
    chunks = ("chunk=70", f"workers={workers}")
    for name, more in (("whole", ()), ("chunks", chunks)):
        ended = run("link", *words, f"output={name}.csv", f"log={name}.db", *more)
        assert ended.code == 0, ended.err

    whole, parts = (without_time(logged(files / f"{name}.db")) for name in ("whole", "chunks"))

    assert len(whole) == 600
    # ids differ, since the size of a chunk belongs to the run
    assert [row | {"decision_id": ""} for row in parts] == [
        row | {"decision_id": ""} for row in whole
    ]
    assert {row["decision_id"] for row in parts} == {
        row["decision_id"] for row in rows_of(files / "chunks.csv")
    }


@pytest.mark.parametrize("kind", ["bundle", "list_bundle"])
def test_a_run_that_goes_on_logs_nothing_twice(
    run: Run,
    files: Path,
    kind: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = request.getfixturevalue(kind)
    long_list(files)
    words = ("link", f"bundle={folder}", "clients=many.csv", "output=o.csv", LOG, "chunk=100")
    append = DecisionLog.append

    def stopping(log: DecisionLog, rows: DecisionRows) -> None:
        append(log, rows)
        # the third chunk is in the log, but not in the result
        if log.count() == 300:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DecisionLog, "append", stopping)
        assert run(*words).code == 130
    assert json.loads((files / "o.csv.partial.json").read_text())["finished"] == 200

    assert run(*words).code == 0

    found, rows = logged(files / "log.db"), rows_of(files / "o.csv")
    assert len(found) == 600
    assert {row["decision_id"] for row in found} == {row["decision_id"] for row in rows}


def test_clients_that_are_linked_again_in_a_changed_table_are_logged_once(
    run: Run, files: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_list(files)
    words = ("link", f"bundle={bundle}", "clients=many.csv", "output=o.csv", LOG, "chunk=100")
    append = DecisionLog.append

    def stopping(log: DecisionLog, rows: DecisionRows) -> None:
        if log.count() < 200:
            append(log, rows)
            return
        append(log, replace(rows, table_state=["before"] * len(rows)))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(DecisionLog, "append", stopping)
        assert run(*words).code == 130
    assert len(logged(files / "log.db")) == 300

    ended = run(*words)

    found, rows = logged(files / "log.db"), rows_of(files / "o.csv")
    assert len(found) == 600
    assert {row["decision_id"] for row in found} == {row["decision_id"] for row in rows}
    assert "before" not in {row["table_state"] for row in found}
    assert "100 decisions of an earlier start of this run are replaced" in ended.err


def test_a_first_pass_that_goes_on_keeps_its_evidence(
    run: Run, files: Path, list_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_list(files)
    words = ("link", f"bundle={list_bundle}", "clients=many.csv", "chunk=100", SAME_TIME)
    looked = FirstLook.of
    left = iter([True, True, False])

    def interrupted(*words: Any) -> Any:
        if not next(left):
            raise KeyboardInterrupt
        return looked(*words)

    with monkeypatch.context() as patch:
        patch.setattr(FirstLook, "of", interrupted)
        assert run(*words, "output=o.csv", LOG).code == 130
    assert run(*words, "output=o.csv", LOG).code == 0
    assert run(*words, "output=whole.csv", "log=whole.db").code == 0

    evidence = [
        [row["evidence"] for row in logged(files / f"{name}.db")] for name in ("log", "whole")
    ]
    assert evidence[0] == evidence[1]
    assert all(evidence[0])


def test_a_log_that_fails_ends_the_command_before_the_result_is_there(
    run: Run, files: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise DatabaseError("cannot log decisions in log.db: disk full; free some space")

    words = ("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv", LOG)
    with monkeypatch.context() as patch:
        patch.setattr(DecisionLog, "append", full)
        ended = run(*words)

    assert ended.code == 1
    assert "cannot log decisions in log.db: disk full" in ended.last
    assert not (files / "o.csv").exists()
    assert run(*words).code == 0
    assert len(logged(files / "log.db")) == 4


def test_clients_that_are_carried_over_keep_their_decisions(
    run: Run, files: Path, bundle: Path
) -> None:
    words = ("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv", LOG)
    run(*words)
    before = [row["decision_id"] for row in rows_of(files / "o.csv")]
    text = (files / "clients.csv").read_text()
    (files / "clients.csv").write_text(text + "k5,㈱青空商事,,,\n")

    ended = run(*words, "only=new")

    assert ended.code == 0, ended.err
    after = [row["decision_id"] for row in rows_of(files / "o.csv")]
    assert after[:4] == before
    assert after[4] not in before
    assert [row["decision_id"] for row in logged(files / "log.db")] == after


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("customer=crm",), "customer= is of a decision log; name one with log="),
        ((LOG, f"customer={'x' * 129}"), "expected at most 128 characters in customer= with log="),
        ((LOG, "dedupe=true"), "dedupe=true links the list with itself, got log=; leave it out"),
        (("log=/dev/null/log.db",), "/dev/null"),
    ],
)
def test_what_cannot_be_logged_is_refused_in_one_sentence(
    run: Run, files: Path, bundle: Path, words: Sequence[str], sentence: str
) -> None:
    ended = run("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv", *words)

    assert ended.code != 0
    assert sentence in ended.last
    assert not (files / "o.csv").exists()


def test_a_log_holds_every_column(run: Run, files: Path, bundle: Path) -> None:
    run("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv", LOG)

    assert {*logged(files / "log.db")[0]} == {one.name for one in fields(DecisionRows)}


def test_a_log_of_hashes_names_no_client_but_keeps_what_the_policy_saw(
    run: Run, files: Path, bundle: Path
) -> None:
    DecisionLog.open(str(files / "log.db"), privacy="hashes").close()

    ended = run("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv", LOG)

    assert ended.code == 0, ended.err
    found = logged(files / "log.db")
    assert {row["client"] for row in found} == {""}
    assert not {row["client_id"] for row in found} & {"k1", "k2", "k3", "k4"}
    assert all(row["evidence"] for row in found)
    assert "青空".encode() not in (files / "log.db").read_bytes()


def test_a_run_that_goes_on_says_what_its_log_has_lost(
    run: Run, files: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv", LOG, "chunk=2")
    append = DecisionLog.append

    def stopping(log: DecisionLog, rows: DecisionRows) -> None:
        if log.count():
            raise KeyboardInterrupt
        append(log, rows)

    with monkeypatch.context() as patch:
        patch.setattr(DecisionLog, "append", stopping)
        assert run(*words).code == 130
    (files / "log.db").unlink()

    ended = run(*words)

    assert ended.code == 0, ended.err
    assert "of 2 clients that are finished, the log" in ended.err
    assert len(logged(files / "log.db")) == 2


def test_a_log_may_be_in_any_database(
    run: Run, files: Path, list_bundle: Path, readable_url: str
) -> None:
    write_csv(files / "list.csv", LIST)

    ended = run(
        "link", f"bundle={list_bundle}", "clients=list.csv", "output=o.csv", f"log={readable_url}"
    )

    assert ended.code == 0, ended.err
    with DecisionLog.open(readable_url, create=False) as log:
        (found,) = log.decisions()
    rows = rows_of(files / "o.csv")
    assert {*found.decision_id} == {row["decision_id"] for row in rows}
    assert sorted(found.company_id) == ["", "c1", "c1", "c2"]
