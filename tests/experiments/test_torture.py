"""What the torture takes for a failure, without torturing anything."""

import json
import random
from pathlib import Path

import pytest

from experiments.torture import fuzz_inputs as draw
from experiments.torture.cases import cases_of
from experiments.torture.commands import CRASHED, Command, run_in_fork, start_function
from experiments.torture.full_disks import _fault
from experiments.torture.outcome import Outcome
from experiments.torture.page import write_page
from experiments.torture.soak_oracle import Answer, Given, Oracle, State, _Decision
from experiments.torture.soak_samples import Sample, grown
from linkage_rl.errors import LinkageError
from linkage_rl.records import RecordBatch

AOZORA = ("株式会社青空商事",)
RENAMED = ("株式会社緑商事",)


@pytest.fixture
def oracle(tmp_path: Path) -> Oracle:
    """Client 0 is linked to c1, which is renamed at 10 s and closed at 20 s."""
    made = Oracle("sqlite://", tmp_path, (), RecordBatch([], {}))
    decisions = {"v1": [_Decision("link", "c1", 0.9)]}
    made._states = [
        State(0, 10, {"c1": AOZORA}, decisions),
        State(10, 20, {"c1": RENAMED}, decisions),
        State(20, fields={}, decisions={"v1": [_Decision("no_match", "", 0.0)]}),
    ]
    return made


def answer(at: float, company: tuple[str, ...], stale: bool = False, version: str = "v1") -> Answer:
    given = Given(0, "link" if company else "no_match", "c1" if company else "", 0.9, company)
    return Answer(at, at + 0.1, stale, version, (given,), "single")


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (answer(5, AOZORA), ""),
        (answer(15, RENAMED), ""),
        (answer(15, AOZORA), "expected fields"),
        (answer(15, AOZORA, stale=True), ""),
        (answer(25, ()), ""),
        (answer(25, RENAMED), "expected no_match"),
        (answer(25, RENAMED, stale=True), ""),
        (answer(60, RENAMED, stale=True), "expected no_match"),
        (answer(5, AOZORA, version="v2"), "unknown bundle 'v2'"),
    ],
)
def test_an_answer_is_of_a_state_that_the_table_had(
    oracle: Oracle, given: Answer, fault: str
) -> None:
    """The index may lag ten seconds behind; the fields are current unless marked as stale."""
    found = oracle.fault(given, lag_s=10)

    assert found.startswith(fault) if fault in ("", "unknown bundle 'v2'") else fault in found
    assert bool(found) == bool(fault)


def samples(memory: list[float], files: int = 30) -> list[Sample]:
    return [Sample(place, "worker-1", 7, mb, files) for place, mb in enumerate(memory)]


def test_memory_that_grows_is_found_and_a_process_that_still_loads_is_not() -> None:
    loading = [50.0, 250.0, *[300.0] * 22]

    assert grown(samples(loading)) == []
    (fault,) = grown(samples([300.0 + 10 * place for place in range(24)]))
    assert fault == "worker-1 (7) grew from 390 to 530 MB"


@pytest.mark.parametrize(
    ("code", "said", "fault"),
    [
        (0, "", ""),
        (1, "error: cannot write o.csv: No space left on device; free some space", ""),
        (1, "error: cannot write: No space left on device", "names none of o.csv"),
        (1, "error: cannot write o.csv", "does not say that the disk is full"),
        (CRASHED, "Traceback\nOSError: [Errno 28] No space left on device: 'o.csv'", "ends with"),
    ],
)
def test_a_full_disk_is_a_sentence_that_names_the_file(
    tmp_path: Path, code: int, said: str, fault: str
) -> None:
    (tmp_path / "log").write_text(said)
    ended = Command(("link",), 0, tmp_path / "log", code)

    found = _fault(cases_of(tmp_path)[0], ended, tmp_path / "disk")

    assert found.startswith(fault)
    assert bool(found) == bool(fault)


def test_the_same_seed_draws_the_same_inputs() -> None:
    drawn = [[draw.body(random.Random(seed)) for _ in range(3)] for seed in (1, 1, 2)]

    assert drawn[0] == drawn[1] != drawn[2]


def test_a_forked_function_that_fails_says_why(tmp_path: Path) -> None:
    def broken() -> None:
        raise ValueError("planted")

    with pytest.raises(LinkageError, match="ValueError: planted"):
        run_in_fork(broken, tmp_path)
    assert start_function(lambda: None, tmp_path, tmp_path / "log").wait() == 0


def test_the_page_has_a_row_for_each_case(tmp_path: Path) -> None:
    outcome = Outcome("kills", 1)
    outcome.trials["link to CSV"] = 12
    outcome.fail("link to CSV", "another result than without kills", "trial 3")
    outcome.write(tmp_path)

    page = write_page(tmp_path).read_text()

    assert "| link to CSV | 12 | 1 |" in page
    assert json.loads((tmp_path / "kills.json").read_text())["failures"][0]["again"] == "trial 3"
