"""Work that is shared out comes back in order, and faults come back as they are."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkage_rl.config.workers import FORKS, in_order
from linkage_rl.errors import LinkageError
from linkage_rl.tables.partial_file import only_writer


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    assert list(in_order(abs, [-3, 1, -2, 0], workers)) == [3, 1, 2, 0]


@pytest.mark.parametrize(("workers", "ahead"), [(1, 1), (2, 3)])
def test_items_are_taken_as_they_are_needed(workers: int, ahead: int) -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(10):
            taken.append(item)
            yield item

    results = in_order(abs, items(), workers)
    next(results)

    assert len(taken) == ahead
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_work_is_raised(workers: int) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        list(in_order(int, ["1", "x"], workers))


def test_a_killed_worker_ends_with_one_sentence() -> None:
    with pytest.raises(LinkageError, match="a worker process was killed"):
        list(in_order(os._exit, [9], workers=2))


@pytest.mark.skipif(not FORKS, reason="workers are no copies of this process")
def test_workers_share_what_is_loaded_but_not_the_locks_of_outputs(tmp_path: Path) -> None:
    """Neither the function nor the list could be sent to another process."""
    loaded = list(range(1000))
    lock = tmp_path / "linked.csv.lock"

    with only_writer(lock, "linked.csv"):
        held = in_order(lambda place: (loaded[place], _locks_held(lock)), [7], workers=2)

        assert list(held) == [(7, 0)]
        assert _locks_held(lock) == 1


def _locks_held(path: Path) -> int:
    """How many descriptors of this process are of a file."""
    links = Path("/proc/self/fd").iterdir()
    return sum(os.path.realpath(link) == str(path) for link in links)
