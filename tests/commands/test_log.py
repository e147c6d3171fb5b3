"""The commands log and forget."""

import json
from pathlib import Path

import pytest

from linkage_rl.decision_log.rows import Answer, Selection
from linkage_rl.decision_log.store import DecisionLog
from tests.commands.shop import Run, write_csv
from tests.logged_decisions import logged_rows


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


def test_link_writes_nothing_of_its_clients_to_a_log_of_hashes(
    run: Run, files: Path, bundle: Path
) -> None:
    list_of_clients = (files / "clients.csv").read_text(encoding="utf-8")
    (files / "clients.csv").write_text(list_of_clients.replace("k1", "KEY-4711"), encoding="utf-8")
    run("log", "log=log.db", "privacy=hashes")

    ended = run("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv", "log=log.db")

    assert ended.code == 0, ended.err
    content = b"".join(path.read_bytes() for path in files.glob("log.db*"))
    assert "KEY-4711" in (files / "o.csv").read_text(encoding="utf-8")
    assert not [text for text in ("KEY-4711", "青空", "山田", "はるか") if text.encode() in content]
    assert run("forget", "log=log.db", "client=KEY-4711").out.startswith("forgot   1 decisions")


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


def captured(path: Path, version: str = "other") -> None:
    """Write a captured request in CSV without a header, answered by a bundle of this version."""
    answer = {"client_id": "k1", "decision": "no_match", "company_id": None, "confidence": 0.25}
    content = {"model": {"name": "m", "version": version}, "results": [answer]}
    event = {
        "captureData": {
            "endpointInput": {"observedContentType": "text/csv", "data": "k1,㈱青空商事\n"},
            "endpointOutput": {"observedContentType": "application/json", "data": content},
        },
        "eventMetadata": {"eventId": "e", "inferenceTime": "2026-03-01T09:00:00Z"},
    }
    path.write_text(json.dumps(event), encoding="utf-8")


def test_captured_answers_are_imported_with_what_a_bundle_sees(
    run: Run, tmp_path: Path, bundle: Path
) -> None:
    captured(tmp_path / "captured.jsonl")
    words = ("log", "log=log.db", "capture=captured.jsonl", "csv_columns=[client_id,name]")

    ended = run(*words, f"bundle={bundle}", "customer=acme")

    assert ended.code == 0, ended.err
    assert "imported 1 decisions of 1 in 1 captured requests; 0 were there" in ended.out
    assert "evidence 1 decisions can be learned from" in ended.out
    assert "1 decisions were made by another bundle (version other)" in ended.out + ended.err
    with DecisionLog.open("log.db") as log:
        (page,) = log.decisions()
    (row,) = page.rows()
    assert (row["action"], row["greedy_action"]) == ("no_match", "link")
    assert (row["customer"], row["client_id"]) == ("acme", "k1")


def test_without_their_columns_such_requests_are_said_to_be_unreadable(
    run: Run, tmp_path: Path
) -> None:
    captured(tmp_path / "captured.jsonl")

    ended = run("log", "log=log.db", "capture=captured.jsonl")

    assert ended.code == 0, ended.err
    said = ended.out + ended.err
    assert "1 captured requests cannot be read: " in said
    assert "CSV without a header; give csv_columns=" in said


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


def test_the_log_may_be_named_by_a_variable(
    run: Run, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINKAGE_LOG_URL", str(log))

    ended = run("forget", "client=c0")

    assert "forgot   1 decisions" in ended.out, ended.err


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
