import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

from linkage_rl.bundle import load_bundle, read_golden, read_settings, write_bundle
from linkage_rl.decision.calibration import Calibration
from linkage_rl.evaluation.leaderboard import Entry, append
from tests.commands.shop import Run


def test_the_copy_of_a_run_answers_the_golden_clients_and_links_alone(
    run: Run, files: Path, bundle: Path
) -> None:
    shutil.copytree(bundle, files / "a_run" / "bundle")

    ended = run("export", "run=a_run", "output=shipped")
    shutil.rmtree(files / "a_run")

    assert ended.code == 0, ended.err
    assert "2 golden clients answered as recorded" in ended.out
    linked = run("link", "bundle=shipped", "clients=clients.csv", "output=o.csv")
    assert "75.0% linked" in linked.out


def test_the_best_run_is_the_one_with_the_highest_validation_metric(
    run: Run, files: Path, bundle: Path
) -> None:
    for name, reward in (("low", 0.2), ("high", 0.6)):
        shutil.copytree(bundle, files / name / "bundle")
        entry = Entry(str(files / name), "sample", "ppo", 1, {"expected_reward": reward}, {})
        append(files / "outputs" / "leaderboard.jsonl", entry)

    ended = run("export", "run=best", "output=shipped")

    assert ended.code == 0, ended.err
    assert "high/bundle" in ended.out


def test_without_its_index_a_bundle_links_against_a_database(
    run: Run, files: Path, bundle: Path
) -> None:
    run("companies", "source=companies.csv", "database=c.db")

    ended = run("export", f"run={bundle}", "output=slim", "with_index=false")

    assert ended.code == 0, ended.err
    assert not (files / "slim" / "index").exists()
    words = ("bundle=slim", "clients=clients.csv", "output=o.csv")
    assert "75.0% linked" in run("link", *words, "database=c.db").out
    assert run("link", *words).code == 1


def test_a_run_that_answers_otherwise_is_not_exported(run: Run, files: Path, bundle: Path) -> None:
    golden = [replace(client, company_id="c2") for client in read_golden(bundle)]
    parts = (bundle / "policy.onnx", Calibration.identity(), read_settings(bundle))
    write_bundle(files / "changed", *parts, golden, bundle / "index")

    ended = run("export", "run=changed", "output=shipped")

    assert ended.code == 1
    assert "golden client 'g1' should get 'link to c2 at" in ended.last
    assert not list(files.glob("shipped*"))


def test_a_folder_of_something_else_is_not_overwritten(run: Run, files: Path, bundle: Path) -> None:
    ended = run("export", f"run={bundle}", f"output={files}")

    assert ended.code == 1
    assert "holds files that are not a bundle" in ended.last
    assert (files / "companies.csv").is_file()


def test_the_archive_unpacks_to_the_bundle_and_is_the_same_each_time(
    run: Run, files: Path, bundle: Path
) -> None:
    ended = run("export", f"run={bundle}", "output=one/model")
    again = run("export", f"run={bundle}", "output=two/model")

    assert (ended.code, again.code) == (0, 0)
    assert "archive  one/model.tar.gz" in ended.out
    packed = files / "one" / "model.tar.gz"
    assert packed.read_bytes() == (files / "two" / "model.tar.gz").read_bytes()
    with tarfile.open(packed) as tar:
        # Python 3.11.2, which is Debian's own, has no filters yet
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        tar.extractall(files / "unpacked")
    assert len(load_bundle(files / "unpacked").index) == 3


def test_no_archive_is_written_where_none_is_wanted(run: Run, files: Path, bundle: Path) -> None:
    assert run("export", f"run={bundle}", "output=shipped", "archive=false").code == 0

    assert not list(files.glob("*.tar.gz"))
