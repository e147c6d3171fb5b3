"""What a command says while it works, for people and for programs."""

import importlib
import json
from pathlib import Path

import pytest

from linkage_rl.config.command import CONFIGS
from tests.commands.shop import Run, write_csv


def lines_of(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_start_and_the_decisions_are_said(run: Run, files: Path, bundle: Path) -> None:
    ended = run("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv")

    assert "linking 4 clients of clients.csv with 3 companies (state " in ended.err
    assert f"bundle {bundle} (" in ended.err
    assert "4 clients, 75.0% linked (1 no_match, 3 link, 0 review), " in ended.out


def test_lines_are_json_objects_where_programs_read_them(
    run: Run, files: Path, bundle: Path
) -> None:
    words = ("link", "log=json", f"bundle={bundle}", "clients=clients.csv")
    ended = run(*words, "output=o.csv")
    failed = run(*words, "output=none/o.csv")

    *_, result = lines_of(ended.out)
    assert result["level"] == "info"
    assert str(result["message"]).startswith("4 clients, 75.0% linked")
    assert (result["clients"], result["link"], result["no_match"]) == (4, 3, 1)
    (start,) = lines_of(ended.err)
    assert str(start["message"]).startswith("linking 4 clients")
    assert failed.code == 1
    error = lines_of(failed.err)[-1]
    assert error["level"] == "error"
    assert "cannot write none/o.csv" in str(error["message"])


def test_a_quiet_command_says_nothing_but_warnings_and_errors(
    run: Run, files: Path, bundle: Path
) -> None:
    write_csv(files / "none.csv", [("client_id", "name"), ("1", "株式会社どこにもない")])
    ended = run("link", "-q", f"bundle={bundle}", "clients=clients.csv", "output=o.csv")
    warned = run("link", "-q", f"bundle={bundle}", "clients=none.csv", "output=n.csv")
    failed = run("companies", "--quiet", "source=missing.csv", "database=d.db")

    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert (warned.code, warned.out) == (0, "")
    assert warned.err.startswith("no client of none.csv is linked: no company shares a part")
    assert failed.code == 1
    assert failed.err.startswith("error: cannot read missing.csv")
    assert failed.out == ""


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            [("client_id", "name"), ("1", "Blue Sky Trading Ltd")],
            "its names are in Latin script and those of the table not in Latin script",
        ),
        (
            [("client_id", "name", "TEL"), ("1", "青空商事の親戚", "1")],
            "candidates were found, but none is likely enough; candidates=3 shows them",
        ),
    ],
)
def test_a_list_that_links_nobody_says_why(
    run: Run, files: Path, bundle: Path, rows: list[tuple[str, ...]], sentence: str
) -> None:
    write_csv(files / "none.csv", rows)

    ended = run("link", f"bundle={bundle}", "clients=none.csv", "output=o.csv")

    assert ended.code == 0
    assert f"no client of none.csv is linked: {sentence}" in ended.err


def test_without_a_terminal_there_is_a_line_a_minute(
    run: Run, files: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("linkage_rl.config.link_report"), "EVERY_S", 0)

    ended = run("link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv", "chunk=3")

    progress = [line for line in ended.err.splitlines() if line.startswith("linking: ")]
    assert progress[0].startswith("linking: 3 of 4 clients, ")
    assert progress[0].endswith(" clients/s, 66.7% linked")
    assert progress[1].endswith("75.0% linked")


def test_another_format_is_refused(run: Run) -> None:
    ended = run("companies", "log=xml")

    assert ended.code == 2
    assert ended.last == "error: log takes one of text, json, got xml"


def test_the_help_names_the_exit_codes(run: Run) -> None:
    ended = run("forget", "--help")

    assert "exit code  0 done, 1 a fault of input, disk or database, 2 a wrong" in ended.out
    assert "log=json   every line is a JSON object" in ended.out
    # Hydra takes seconds for the help of one command: the others have it from the same place
    for path in CONFIGS.glob("*.yaml"):
        assert path.stem == "run" or "\n      ${every_command:}\n" in path.read_text("utf-8"), path
