import csv
import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from linkage_rl.config.inputs import open_linker
from linkage_rl.linked_columns import COLUMNS, RUN_COLUMNS
from linkage_rl.linker import Linker
from linkage_rl.tables.csv_writer import CsvWriter
from linkage_rl.tables.writer import ResultRows
from tests.commands.shop import CLIENTS, COMPANIES, Run, write_csv

Opener = Callable[..., AbstractContextManager[tuple[Linker, str]]]

SAME_TIME = "linked_at=2026-01-01T00:00:00Z"
"""Two runs of the same input then write the same bytes."""


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_every_client_gets_a_row_in_the_order_of_the_list(
    run: Run, files: Path, bundle: Path
) -> None:
    ended = run("link", f"bundle={bundle}", "clients=clients.csv", "output=linked.csv")

    linked = rows_of(files / "linked.csv")
    assert ended.code == 0, ended.err
    assert [row["client_id"] for row in linked] == ["k1", "k2", "k3", "k4"]
    assert [row["decision"] for row in linked] == ["link", "link", "no_match", "link"]
    assert [row["company_id"] for row in linked] == ["c1", "c2", "", "c3"]
    assert "\n4 clients, 75.0% linked (1 no_match, 3 link, 0 review), " in ended.out


def test_a_linked_client_is_completed_and_keeps_its_own_columns(
    run: Run, files: Path, bundle: Path
) -> None:
    run("link", f"bundle={bundle}", "clients=clients.csv", "output=linked.csv")

    first, second, *_ = rows_of(files / "linked.csv")
    assert list(first) == [*COLUMNS, *RUN_COLUMNS, "name", "city", "client_company_id", "担当"]
    assert first["company_name"] == "株式会社青空商事"
    assert first["company_phone"] == "03-3222-0001"
    assert first["name"] == "㈱青空商事"
    assert "same city" in first["reason"]
    assert second["担当"] == "鈴木, 一郎"
    assert float(first["confidence"]) > 0.99


def test_columns_under_other_names_are_read_by_the_mapping_and_come_back_as_they_were(
    run: Run, files: Path, bundle: Path
) -> None:
    write_csv(files / "顧客.csv", [("番号", "会社名"), ("7", "株式会社青空商事")])

    ended = run(
        "link",
        f"bundle={bundle}",
        "clients=顧客.csv",
        "output=結果.csv",
        "columns.client_id=番号",
        "columns.name=会社名",
    )

    assert ended.code == 0, ended.err
    (row,) = rows_of(files / "結果.csv")
    assert (row["client_id"], row["company_id"], row["会社名"]) == ("7", "c1", "株式会社青空商事")
    assert "番号" not in row


def test_linking_an_output_again_keeps_both_sets_of_columns_apart(
    run: Run, files: Path, bundle: Path
) -> None:
    run("link", f"bundle={bundle}", "clients=clients.csv", "output=once.csv")

    ended = run("link", f"bundle={bundle}", "clients=once.csv", "output=twice.csv")

    assert ended.code == 0, ended.err
    assert rows_of(files / "twice.csv")[0]["client_decision"] == "link"
    assert rows_of(files / "twice.csv")[0]["client_client_company_id"] == "c1"


def test_with_a_database_its_present_rows_are_linked_and_read_back(
    run: Run, files: Path, bundle: Path
) -> None:
    header = ("company_id", "name", "phone")
    write_csv(files / "today.csv", [header, ("n9", "株式会社どこにもない", "011-222-3333")])
    assert run("companies", "source=today.csv", "database=today.db").code == 0

    ended = run(
        "link", f"bundle={bundle}", "clients=clients.csv", "output=o.csv", "database=today.db"
    )

    assert ended.code == 0, ended.err
    linked = rows_of(files / "o.csv")
    assert [row["company_id"] for row in linked] == ["", "", "n9", ""]
    assert linked[2]["company_phone"] == "011-222-3333"


def many_clients(folder: Path) -> None:
    """600 clients: the four of `CLIENTS` over and over."""
    rows = [(f"k{place}", *CLIENTS[1 + place % 4][1:]) for place in range(600)]
    write_csv(folder / "many.csv", [CLIENTS[0], *rows])


def start(
    folder: Path, bundle: Path, before: Callable[[], None] | None = None
) -> "subprocess.Popen[str]":
    """The command as a process of its own, ten clients at a time."""
    words = (f"bundle={bundle}", "clients=many.csv", "output=linked.csv", "chunk=10", SAME_TIME)
    return subprocess.Popen(
        [sys.executable, "-m", "linkage_rl.link", *words],
        cwd=folder,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        preexec_fn=before,
        text=True,
    )


def finished(folder: Path, name: str = "linked.csv.partial.json") -> int:
    """Clients that are safely written so far."""
    state = folder / name
    return int(json.loads(state.read_text())["finished"]) if state.exists() else 0


def test_a_killed_run_goes_on_and_ends_with_the_same_file(
    run: Run, files: Path, bundle: Path
) -> None:
    many_clients(files)
    words = (f"bundle={bundle}", "clients=many.csv", "chunk=10", SAME_TIME)
    assert run("link", *words, "output=whole.csv").code == 0

    process = start(files, bundle)
    while finished(files) < 100 and process.poll() is None:
        time.sleep(0.002)
    process.kill()
    process.communicate()
    kept = finished(files)
    assert 100 <= kept < 600
    assert not (files / "linked.csv").exists()

    assert run("link", *words, "output=linked.csv").code == 0
    assert (files / "linked.csv").read_bytes() == (files / "whole.csv").read_bytes()
    assert not list(files.glob("*.partial*"))


def test_two_processes_and_chunks_of_any_size_write_the_same_file(
    run: Run, files: Path, bundle: Path
) -> None:
    many_clients(files)
    run("companies", "source=companies.csv", "database=shop.db")
    words = (f"bundle={bundle}", "clients=many.csv", "database=shop.db", SAME_TIME, "run_id=r")
    assert run("link", *words, "output=whole.csv").code == 0

    assert run("link", *words, "output=chunks.csv", "chunk=7").code == 0
    assert run("companies", "database=shop.db", "refresh=true").code == 0
    ended = run("link", *words, "output=workers.csv", "chunk=100", "workers=2")

    assert ended.code == 0, ended.err
    whole = (files / "whole.csv").read_bytes()
    assert (files / "chunks.csv").read_bytes() == whole
    assert (files / "workers.csv").read_bytes() == whole


def test_a_fault_met_by_a_worker_ends_with_its_sentence(
    run: Run, files: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers that are no copies of this process open the table themselves, after it."""
    many_clients(files)
    for user in ("workers", "link_passes"):
        monkeypatch.setattr(f"linkage_rl.config.{user}.FORKS", False)
    # by its module: the attribute linkage_rl.link is the function of this name
    module = importlib.import_module("linkage_rl.link")
    monkeypatch.setattr(module, "open_linker", another_state(open_linker))

    ended = run(
        *("link", f"bundle={bundle}", "clients=many.csv", "output=o.csv", "chunk=100", "workers=2")
    )

    assert ended.code == 1
    assert "it was changed while the workers started; start again" in ended.last
    assert not (files / "o.csv").exists()


def another_state(opened: Opener) -> Opener:
    """Opens the linker, but says that the table was in another state."""

    @contextmanager
    def opens(*words: Any) -> Iterator[tuple[Linker, str]]:
        with opened(*words) as (linker, _):
            yield linker, "the table of yesterday"

    return opens


def test_a_full_disk_ends_with_a_sentence_and_keeps_what_is_finished(
    run: Run, files: Path, bundle: Path
) -> None:
    many_clients(files)
    limit = (15_000, resource.RLIM_INFINITY)

    process = start(files, bundle, partial(resource.setrlimit, resource.RLIMIT_FSIZE, limit))
    _, said = process.communicate()

    assert process.returncode == 1
    start_line, *_, last = said.splitlines()
    assert start_line.startswith("linking 600 clients")
    assert last.startswith("error: cannot write linked.csv: File too large; free some space")
    assert said.count("error") == 1
    assert finished(files) > 0
    assert not (files / "linked.csv").exists()
    words = (f"bundle={bundle}", "clients=many.csv", "output=linked.csv", "chunk=10", SAME_TIME)
    assert run("link", *words).code == 0
    assert len(rows_of(files / "linked.csv")) == 600


def test_another_list_is_not_mixed_into_the_rest_of_an_interrupted_one(
    run: Run, files: Path, bundle: Path
) -> None:
    write_csv(files / "other.csv", [*CLIENTS, ("k5", "株式会社青空商事", "", "", "")])
    words = (f"bundle={bundle}", "output=linked.csv")
    run("link", *words, "clients=clients.csv")
    partial_file = files / "linked.csv.partial"
    partial_file.write_bytes((files / "linked.csv").read_bytes())
    state = {"fingerprint": "of clients.csv", "finished": 4, "bytes": partial_file.stat().st_size}
    (files / "linked.csv.partial.json").write_text(json.dumps(state))

    run("link", *words, "clients=other.csv")

    assert [row["client_id"] for row in rows_of(files / "linked.csv")] == [
        *("k1", "k2", "k3", "k4", "k5")
    ]


def test_a_run_that_goes_on_after_the_table_has_changed_keeps_its_finished_clients(
    run: Run, files: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("companies", "source=companies.csv", "database=shop.db")
    words = (f"bundle={bundle}", "clients=clients.csv", "database=shop.db", "output=o.csv")
    with monkeypatch.context() as patch:
        patch.setattr(CsvWriter, "write", write_and_interrupt)
        assert run("link", *words, "chunk=2").code == 130
    new = ("c4", "株式会社どこにもない", "", "", "", "")
    write_csv(files / "companies.csv", [*COMPANIES, new])
    assert run("companies", "source=companies.csv", "database=shop.db").code == 0

    ended = run("link", *words, "chunk=2")

    assert ended.code == 0, ended.err
    assert "going on after 2 finished clients" in ended.err
    linked = rows_of(files / "o.csv")
    assert [row["company_id"] for row in linked] == ["c1", "c2", "c4", "c3"]
    states = [row["table_state"] for row in linked]
    assert (states[0], states[2]) == (states[1], states[3])
    assert states[0] != states[2]
    assert len({(row["run_id"], row["linked_at"]) for row in linked}) == 1


write_rows = CsvWriter.write


def write_and_interrupt(writer: CsvWriter, rows: ResultRows) -> None:
    write_rows(writer, rows)
    raise KeyboardInterrupt
