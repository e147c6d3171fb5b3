"""One process at a time holds a file; the others say so and wait, or refuse."""

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from linkage_rl.errors import OutputError
from linkage_rl.locking import only_holder


def never() -> NoReturn:
    raise AssertionError("nobody else holds the lock")


def test_the_lock_keeps_others_out_and_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lock"

    with only_holder(path, never), path.open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    with only_holder(path, never):
        pass


def test_who_finds_it_held_may_wait(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        calls = []

        def held() -> None:
            calls.append("held")
            fcntl.flock(other, fcntl.LOCK_UN)

        with only_holder(path, held), pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    assert calls == ["held"]


def test_who_finds_it_held_may_refuse(tmp_path: Path) -> None:
    path, entered = tmp_path / "lock", False

    def held() -> NoReturn:
        raise KeyError("another process")

    with path.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(KeyError, match="another process"), only_holder(path, held):
            entered = True

    assert not entered


def test_where_files_cannot_be_locked_a_warning_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    entered = False
    monkeypatch.setattr(fcntl, "flock", _refusing(errno.ENOLCK))

    with only_holder(tmp_path / "lock", never):
        entered = True

    assert entered
    (said,) = caplog.messages
    assert said.startswith(f"{tmp_path / 'lock'} cannot be locked")


def test_another_fault_of_the_lock_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", _refusing(errno.EIO))

    with pytest.raises(OSError, match="Input/output"), only_holder(tmp_path / "lock", never):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with (
        pytest.raises(OutputError, match="file/lock"),
        only_holder(tmp_path / "file" / "lock", never),
    ):
        pass


def _refusing(number: int) -> Callable[..., NoReturn]:
    def flock(*_: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return flock
