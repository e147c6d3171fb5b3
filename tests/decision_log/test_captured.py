"""Captured requests that no server of ours has answered are counted, and cost next to nothing."""

import time

import pytest

from linkage_rl.decision_log.captured_bodies import read_clients


@pytest.mark.parametrize(
    ("literal", "text"),
    [("8381505.0", "8381505"), ("5.4e3", "5400"), ("12.50", "12.50"), ("1e300", f"1{'0' * 300}")],
)
def test_a_number_stands_for_its_digits(literal: str, text: str) -> None:
    ((client,), _) = read_clients(f'{{"client": {{"phone": {literal}}}}}', "application/json", ())

    assert client == {"phone": text}


def test_a_number_of_ten_million_digits_is_not_written_out() -> None:
    begin = time.perf_counter()
    ((client,), _) = read_clients('{"client": {"phone": 1e10000000}}', "application/json", ())

    assert client == {"phone": "1E+10000000"}
    assert time.perf_counter() - begin < 1
