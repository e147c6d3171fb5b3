"""Lists that are decided as a whole: a client takes the company of a mate at its address."""

import json
import time
from pathlib import Path

import pytest

from linkage_rl.bundle import load_bundle
from linkage_rl.frame_linker import FrameLinker
from linkage_rl.records import RecordBatch
from tests.commands.list_shop import HEADER, LIST, long_list, write_list_bundle
from tests.commands.shop import Run, write_csv
from tests.commands.test_link import SAME_TIME, finished, rows_of, start


def test_a_client_without_a_name_of_the_table_takes_the_company_of_its_mate(
    run: Run, files: Path, list_bundle: Path, bundle: Path
) -> None:
    write_csv(files / "list.csv", LIST)
    words = ("clients=list.csv", "output=o.csv")
    assert run("link", f"bundle={bundle}", *words).code == 0
    assert [row["company_id"] for row in rows_of(files / "o.csv")] == ["", "c1", "c2", ""]

    ended = run("link", f"bundle={list_bundle}", *words)

    assert ended.code == 0, ended.err
    linked = rows_of(files / "o.csv")
    assert [row["company_id"] for row in linked] == ["c1", "c1", "c2", ""]
    assert linked[0]["company_name"] == "株式会社青空商事"
    assert "same address" in linked[0]["reason"]
    assert linked[3]["decision"] == "no_match"
    assert not list(files.glob("*.partial*"))


def test_the_order_of_a_list_does_not_count(run: Run, files: Path, list_bundle: Path) -> None:
    write_csv(files / "list.csv", LIST)
    write_csv(files / "turned.csv", [HEADER, *LIST[:0:-1]])
    for name in ("list", "turned"):
        words = (f"clients={name}.csv", f"output={name}-linked.csv", SAME_TIME, "run_id=r")
        run("link", f"bundle={list_bundle}", *words)
    assert rows_of(files / "list-linked.csv") == rows_of(files / "turned-linked.csv")[::-1]


def test_a_list_of_one_client_is_decided_by_itself(
    run: Run, files: Path, list_bundle: Path, bundle: Path
) -> None:
    write_csv(files / "one.csv", [LIST[0], LIST[3]])
    for name, folder in (("list", list_bundle), ("plain", bundle)):
        words = ("clients=one.csv", f"output={name}.csv", SAME_TIME, "run_id=r")
        run("link", f"bundle={folder}", *words)
    (as_list,), (plain,) = rows_of(files / "list.csv"), rows_of(files / "plain.csv")
    assert as_list | {"bundle": ""} == plain | {"bundle": ""}


def test_processes_and_chunks_write_the_same_file(run: Run, files: Path, list_bundle: Path) -> None:
    long_list(files)
    words = (f"bundle={list_bundle}", "clients=many.csv", SAME_TIME, "run_id=r")
    assert run("link", *words, "output=whole.csv").code == 0
    whole = (files / "whole.csv").read_bytes()
    assert whole.count(b",link,") == 600

    assert run("link", *words, "output=chunks.csv", "chunk=7").code == 0
    ended = run("link", *words, "output=workers.csv", "chunk=100", "workers=2")

    assert ended.code == 0, ended.err
    assert (files / "chunks.csv").read_bytes() == whole
    assert (files / "workers.csv").read_bytes() == whole


@pytest.mark.parametrize("state", ["linked.csv.first-pass.partial.json", "linked.csv.partial.json"])
def test_a_run_killed_in_either_pass_ends_with_the_same_file(
    run: Run, files: Path, list_bundle: Path, state: str
) -> None:
    long_list(files)
    words = (f"bundle={list_bundle}", "clients=many.csv", "chunk=10", SAME_TIME)
    assert run("link", *words, "output=whole.csv").code == 0

    process = start(files, list_bundle)
    while finished(files, state) < 100 and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    process.communicate()
    assert 100 <= finished(files, state) < 600
    assert not (files / "linked.csv").exists()

    assert run("link", *words, "output=linked.csv").code == 0
    assert (files / "linked.csv").read_bytes() == (files / "whole.csv").read_bytes()
    assert not list(files.glob("*.partial*"))


def test_a_table_is_one_list_and_a_record_batch_is_not(list_bundle: Path) -> None:
    linker = FrameLinker.of(load_bundle(list_bundle))
    names = LIST[0][1:]
    rows = [dict(zip(names, row[1:], strict=True)) for row in LIST[1:]]
    records = RecordBatch(
        [row[0] for row in LIST[1:]],
        {name: [row[name] for row in rows] for name in names},
    )

    assert [row["company_id"] for row in linker.link(rows)] == ["c1", "c1", "c2", None]
    assert linker.link(rows[:1])[0]["company_id"] is None
    assert linker.link(records).company_ids == ["", "c1", "c2", ""]
    assert linker.link_list(records).company_ids == ["c1", "c1", "c2", ""]


def test_a_bundle_says_that_a_part_of_its_list_stage_is_damaged(
    run: Run, files: Path, tmp_path: Path
) -> None:
    broken = write_list_bundle(tmp_path / "broken")
    (broken / "list_policy.onnx").write_bytes(b"nothing")
    write_csv(files / "list.csv", LIST)

    ended = run("link", f"bundle={broken}", "clients=list.csv", "output=o.csv")

    assert ended.code == 1
    assert "list_policy.onnx is missing or damaged" in ended.last
    assert not (files / "o.csv").exists()


def test_evaluate_measures_the_list_as_a_whole_too(
    run: Run, files: Path, list_bundle: Path
) -> None:
    truths = ("company_id", "c1", "c1", "c2", "")
    write_csv(files / "list.csv", [(*row, it) for row, it in zip(LIST, truths, strict=True)])

    ended = run("evaluate", f"bundle={list_bundle}", "clients=list.csv", "output=measured")

    assert ended.code == 0, ended.err
    systems = json.loads((files / "measured" / "metrics.json").read_text())["systems"]
    assert list(systems) == ["rules", "bundle", "bundle, list"]
    assert systems["bundle"]["metrics"]["recall"] == pytest.approx(2 / 3)
    assert systems["bundle, list"]["metrics"]["recall"] == 1.0
    assert systems["bundle, list"]["metrics"]["precision"] == 1.0
