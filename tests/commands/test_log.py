"""The commands log and forget."""

import json
from pathlib import Path

import pytest

from linkage_rl.decision_log.rows import Answer, Selection
from linkage_rl.decision_log.store import DecisionLog
from tests.commands.shop import Run, write_csv
from tests.decision_log.logged import logged_rows


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The file of a log of three decisions for two customers."""
    path = tmp_path / "log.db"
    with DecisionLog.open(str(path)) as opened:
        opened.append(
            logged_rows({"customer": "north"}, {"customer": "south", "action": "review"}, {})
        )
    return path


def test_a_log_says_what_is_in_it(run: Run, log: Path) -> None:
    ended = run("log", f"log={log}")

    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == [
        f"log      sqlite:///{log}, privacy full, kept for ever",
        "decisions 3 (link 2, review 1) from 2026-03-01 to 2026-03-01",
        "from     link 3",
        "evidence 3 decisions can be learned from",
        "customers (no customer) 1, north 1, south 1",
        "verdicts 0 on 0 decisions",
    ]


def test_a_log_is_made_with_its_privacy_and_its_retention(run: Run, tmp_path: Path) -> None:
    assert "expected a decision log in" not in run("log", "log=new.db", "privacy=hashes").err
    ended = run("log", "log=new.db", "retention_days=90")

    assert f"log      sqlite:///{'new.db'}, privacy hashes, kept 90 days" in ended.out
    refused = run("log", "log=new.db", "privacy=full")
    assert refused.code == 2
    assert "was created with privacy=hashes" in refused.last


def test_looking_at_a_log_makes_none(run: Run, tmp_path: Path) -> None:
    ended = run("log", "log=missing.db")

    assert ended.code == 1
    assert "cannot open the decision log in sqlite:///missing.db" in ended.last
    assert not (tmp_path / "missing.db").exists()


def test_verdicts_of_a_list_are_imported_and_what_is_odd_is_said(
    run: Run, log: Path, tmp_path: Path
) -> None:
    rows = [("0" * 32, "accept"), (f"{1:032x}", "zinc"), ("f" * 32, "reject")]
    write_csv(tmp_path / "checked.csv", [("decision_id", "verdict"), *rows])

    ended = run("log", f"log={log}", "verdicts=checked.csv", "reviewer=sato")

    assert ended.code == 0, ended.err
    assert "imported 2 verdicts of checked.csv; 0 rows say what counts already" in ended.out
    assert "verdicts 2 on 2 decisions (accept 1, company 1)" in ended.out
    assert f"1 decisions are not in the log, and their verdicts were left out: {'f' * 32}" in (
        ended.err + ended.out
    )
    assert "1 verdicts name a company that was not among the candidates" in ended.err + ended.out
    with DecisionLog.open(str(log)) as opened:
        said = opened.latest()["0" * 32]
    assert (said.answer, said.reviewer, said.why_asked) == (Answer.ACCEPT, "sato", "csv")


def test_lines_are_json_where_they_shall_be(run: Run, log: Path) -> None:
    ended = run("log", f"log={log}", "log=json")

    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert [line["decisions"] for line in lines if "decisions" in line] == [3]


def test_a_client_is_forgotten(run: Run, log: Path) -> None:
    ended = run("forget", f"log={log}", "client=c0")

    assert ended.code == 0, ended.err
    assert ended.out == f"forgot   1 decisions, 0 verdicts and 0 questions of sqlite:///{log}\n"
    with DecisionLog.open(str(log)) as opened:
        assert opened.count() == 2
        assert opened.count(Selection(client_id="c0")) == 0


def test_what_is_older_than_the_log_keeps_is_forgotten(run: Run, log: Path) -> None:
    assert "keeps its decisions for ever" in run("forget", f"log={log}").last
    with DecisionLog.open(str(log)) as opened:
        opened.append(logged_rows({"decision_id": "a" * 32, "decided_at": "2126-03-01"}))
    run("log", f"log={log}", "retention_days=1")

    assert run("forget", f"log={log}").out.startswith("forgot   3 decisions")
    assert run("forget", f"log={log}", "older_than_days=1").out.startswith("forgot   0 decisions")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("forget",), "forget needs log="),
        (("forget", "log=l", "older_than_days=-1"), "older_than_days must be at least 1, got -1"),
        (("forget", "log=l", "client=c", "older_than_days=3"), "got both; run forget once for ea"),
        (("log",), "log needs log="),
        (("log", "log=l", "privacy=some"), "privacy takes one of full, hashes, got 'some'"),
        (("log", "log=l", "retention_days=-2"), "retention_days must be 0 to 36,500, or -1"),
        (("log", "log=l", "bundle=b"), "bundle= links captured clients again, and needs capture="),
    ],
)
def test_a_wrong_setting_is_one_sentence(run: Run, words: tuple[str, ...], sentence: str) -> None:
    ended = run(*words)

    assert ended.code == 2
    assert sentence in ended.last
