"""A worker knows how long it may still take."""

import os
import time
from pathlib import Path

import pytest

from serving.stopping import STOP_S, record_stop, seconds_to_stop


def test_without_a_supervisor_there_are_eight_seconds(tmp_path: Path) -> None:
    assert seconds_to_stop(tmp_path) == 8


def test_what_nginx_took_is_gone(tmp_path: Path) -> None:
    record_stop(tmp_path)
    then = time.time() - 20
    os.utime(tmp_path / "stopping", (then, then))

    assert seconds_to_stop(tmp_path) == pytest.approx(STOP_S - 1.5 - 20, abs=0.5)


def test_there_is_always_a_second_and_a_full_disk_is_no_fault(tmp_path: Path) -> None:
    record_stop(tmp_path)
    os.utime(tmp_path / "stopping", (0, 0))
    record_stop(tmp_path / "missing")

    assert seconds_to_stop(tmp_path) == 1
