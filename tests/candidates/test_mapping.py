"""Pages of a mapped array can be given back; what it holds stays."""

from pathlib import Path

import numpy as np
import pytest

from linkage_rl.candidates.container import read_arrays, write_arrays
from linkage_rl.candidates.mapping import forget, open_verified

_SIZE = 1 << 20
_STATUS = Path("/proc/self/status")


def resident_file_kb() -> int:
    """Pages of files that count as memory of this process."""
    lines = _STATUS.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssFile:"))


@pytest.mark.skipif(not _STATUS.exists(), reason="only Linux says what is resident")
def test_a_forgotten_array_takes_no_memory_and_reads_as_before(tmp_path: Path) -> None:
    path, numbers = tmp_path / "two.arrays", np.arange(_SIZE)
    digest = write_arrays(path, {"before": np.ones(3), "numbers": numbers, "after": np.ones(3)})
    arrays = read_arrays(open_verified(path, digest), path)
    total = int(arrays["numbers"].sum())
    resident = resident_file_kb()

    forget(arrays["numbers"])
    given_back = resident - resident_file_kb()
    again = int(arrays["numbers"].sum())

    assert given_back > 8 * _SIZE / 1024 * 0.9
    assert total == again == numbers.sum()
    assert arrays["before"].sum() == arrays["after"].sum() == 3


def test_a_view_of_a_mapped_array_can_be_forgotten_and_one_in_memory_stays(tmp_path: Path) -> None:
    numbers = np.arange(_SIZE)
    digest = write_arrays(tmp_path / "one.arrays", {"numbers": numbers})
    mapped = read_arrays(open_verified(tmp_path / "one.arrays", digest), tmp_path)["numbers"]

    forget(mapped[1000:-1000], numbers, np.zeros(0))

    assert np.array_equal(mapped, numbers)
