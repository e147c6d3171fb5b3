"""A result file is whole, absent or resumable, whatever happens to its writer."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from linkage_rl.errors import OutputError
from linkage_rl.tables.csv_writer import CsvWriter
from linkage_rl.tables.writer import ResultColumns, ResultRows, file_fingerprint

HEADER = ResultColumns(("client_id", "decision"), ())

KILLED = """
import os, sys
from pathlib import Path
from linkage_rl.tables.csv_writer import CsvWriter
from linkage_rl.tables.writer import ResultColumns, ResultRows
columns = ResultColumns(("client_id", "decision"), ())
output = CsvWriter(Path(sys.argv[1]), columns, "same input")
output.write(ResultRows({"client_id": ["1", "2"], "decision": ["link", "no_match"]}))
output._stream.write(b"3,li")
os.kill(os.getpid(), 9)
"""


def rows(client_id: str, decision: str) -> ResultRows:
    return ResultRows({"client_id": [client_id], "decision": [decision]})


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file may grow over this many bytes; more fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_file_appears_when_it_is_complete_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    with CsvWriter(path, HEADER, "input") as output:
        output.write(rows("1", 'a "quoted", name'))
        assert not path.exists()
        output.complete()

    assert path.read_text() == 'client_id,decision\n1,"a ""quoted"", name"\n'
    assert [left.name for left in tmp_path.iterdir()] == ["links.csv"]


def test_a_killed_writer_continues_after_its_last_chunk(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    killed = subprocess.run([sys.executable, "-c", KILLED, path], check=False)

    with CsvWriter(path, HEADER, "same input") as output:
        finished = output.finished
        output.write(rows("3", "review"))
        output.complete()

    assert killed.returncode == -9
    assert finished == 2
    assert path.read_text() == "client_id,decision\n1,link\n2,no_match\n3,review\n"


def test_another_input_starts_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    with CsvWriter(path, HEADER, "old input") as output:
        output.write(rows("1", "link"))

    with CsvWriter(path, HEADER, "new input") as output:
        assert output.finished == 0
        output.complete()

    assert path.read_text() == "client_id,decision\n"


def test_a_damaged_state_starts_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    with CsvWriter(path, HEADER, "input") as output:
        output.write(rows("1", "link"))
    (tmp_path / "links.csv.partial.json").write_text("{")

    with CsvWriter(path, HEADER, "input") as output:
        assert output.finished == 0


def test_a_full_disk_keeps_what_is_finished_and_an_older_result(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_text("older result")
    with CsvWriter(path, HEADER, "input") as output:
        output.write(rows("1", "link"))
        with (
            disk_of(2_000),
            pytest.raises(OutputError, match=r"free some space.*1 finished clients are kept"),
        ):
            output.write(rows("2", "x" * 5_000))
    assert path.read_text() == "older result"

    with CsvWriter(path, HEADER, "input") as output:
        assert output.finished == 1
        output.write(rows("2", "y"))
        output.complete()
    assert path.read_text() == "client_id,decision\n1,link\n2,y\n"


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file or directory; free some space or choose"):
        CsvWriter(tmp_path / "none" / "links.csv", HEADER, "input")


def test_a_fingerprint_is_that_of_the_content(tmp_path: Path) -> None:
    one, other = tmp_path / "a", tmp_path / "b"
    one.write_text("same")
    other.write_text("same")

    assert file_fingerprint(one) == file_fingerprint(other)
    other.write_text("else")
    assert file_fingerprint(one) != file_fingerprint(other)
