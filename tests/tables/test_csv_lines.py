"""The kernel that writes CSV writes what the csv module of Python writes."""

import csv
from types import SimpleNamespace
from typing import Literal

import numpy as np
import pytest

from linkage_rl.tables._csv import csv_lines

ALPHABET = list("ab,\"\n\r\t\0;' é株😀\x85\u2028")


def as_the_module(rows: list[list[str]], quoting: Literal[0, 1]) -> bytes:
    """Lines as the csv module puts them together, but for their ends."""
    lines: list[str] = []
    # Python before 3.13 quotes only those line breaks that end its own lines
    writer = csv.writer(SimpleNamespace(write=lines.append), lineterminator="\r\n", quoting=quoting)
    writer.writerows(rows)
    return "".join(f"{line[:-2]}\n" for line in lines).encode()


def test_lines_are_those_of_the_csv_module() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        width, count = rng.integers(1, 5), rng.integers(1, 6)
        rows = [
            ["".join(rng.choice(ALPHABET, rng.integers(0, 4))) for _ in range(width)]
            for _ in range(count)
        ]
        columns = list(zip(*rows, strict=True))

        assert csv_lines(columns) == as_the_module(rows, csv.QUOTE_MINIMAL)
        every = np.ones(count, dtype=np.uint8)
        assert csv_lines(columns, every) == as_the_module(rows, csv.QUOTE_ALL)


def test_only_flagged_rows_are_quoted_as_a_whole() -> None:
    assert csv_lines([["a", "b"], ["1", "2"]], np.array([0, 1], np.uint8)) == b'a,1\n"b","2"\n'


def test_a_lone_surrogate_becomes_a_replacement_character() -> None:
    assert csv_lines([["a\ud800b"]]) == "a\ufffdb\n".encode()


def test_no_rows_are_no_lines() -> None:
    assert csv_lines([]) == csv_lines([[], []]) == b""


def test_other_values_than_texts_and_ragged_columns_are_refused() -> None:
    with pytest.raises(TypeError, match="expected texts, got None"):
        csv_lines([["a"], [None]])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="expected columns of 2 texts, got one of 1"):
        csv_lines([["a", "b"], ["c"]])
    with pytest.raises(ValueError, match="expected 1 flags, got 2"):
        csv_lines([["a"]], np.zeros(2, dtype=np.uint8))
