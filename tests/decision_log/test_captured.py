"""Captured requests that no server of ours has answered are counted, and cost next to nothing."""

import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from linkage_rl.decision_log.capture import CaptureCounts, read_capture
from linkage_rl.decision_log.captured_bodies import read_clients
from linkage_rl.decision_log.importing import import_captured
from linkage_rl.decision_log.store import DecisionLog

Row = dict[str, Any]


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


def captured(client: object, answer: Row, about: Row, media: str = "application/json") -> Row:
    """A captured request of one client, of which these parts differ from the usual."""
    data = client if isinstance(client, str) else {"client": client}
    answer = {"client_id": "k1", "decision": "no_match", "confidence": 0.25, **answer}
    return {
        "captureData": {
            "endpointInput": {"observedContentType": media, "data": data},
            "endpointOutput": {
                "observedContentType": "application/json",
                "data": {"model": {"version": "v"}, "results": [answer]},
            },
        },
        "eventMetadata": {"eventId": "e", "inferenceTime": "2026-03-01T09:00:00Z", **about},
    }


FAULTY = [
    captured({"name": "a"}, {"confidence": "abc"}, {}),
    captured({"name": "a"}, {"confidence": [1]}, {}),
    captured({"name": "a"}, {"confidence": 2}, {}),
    captured({"name": "a"}, {"confidence": float("nan")}, {}),
    captured({"name": "a"}, {}, {"customAttributes": [f"customer={'c' * 200}"]}),
    captured({"name": "a"}, {}, {"inferenceTime": "0001-01-01T00:00:00+09:00"}),
    captured(f"client_id,name\nk1,{'n' * 200_000}\n", {}, {}, "text/csv"),
    captured('{"client": {"phone": 1e9999999999999999999999}}', {}, {}),
]
ODD_IDS = ["\ud800" * 32, "\0" * 32, "F" * 32]


@pytest.fixture
def python_limit() -> Iterator[None]:
    """The longest field of CSV that Python reads by itself, which reading of lists widens."""
    before = csv.field_size_limit(131_072)
    yield
    csv.field_size_limit(before)


@pytest.mark.usefixtures("python_limit")
def test_an_event_that_cannot_be_read_does_not_end_the_import(
    readable_url: str, tmp_path: Path
) -> None:
    ids = [f"{7:032x}", *ODD_IDS]
    good = [
        captured({"name": "a"}, {"decision_id": one}, {"eventId": str(place)})
        for place, one in enumerate(ids)
    ]
    path = tmp_path / "captured.jsonl"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in [*FAULTY, *good]))
    counts = CaptureCounts()

    with DecisionLog.open(readable_url) as log:
        assert import_captured(log, read_capture([path], counts)) == len(good)
        (page,) = log.decisions()

    assert counts.unreadable == len(FAULTY)
    assert counts.versions == {"v": len(good)}
    assert f"{7:032x}" in page.decision_id
    assert not set(ODD_IDS) & set(page.decision_id)
