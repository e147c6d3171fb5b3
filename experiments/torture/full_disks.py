"""`full_disks`: every command that writes, on a small disk that is full before it has finished.

It must end with one sentence that names what could not be written, leave nothing half-written, and
finish once there is room. The disk is a tmpfs, so that this needs the rights to mount one.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from experiments.torture.cases import (
    Case,
    cases_of,
    digest_in_fork,
    going_on,
    is_intact,
    prepared,
)
from experiments.torture.commands import Command, preload, run, run_in_fork
from experiments.torture.outcome import Outcome
from experiments.torture.world import Size, make_world
from linkage_rl.errors import LinkageError

LARGE: Final = 512 << 20
"""Bytes of a disk that does not fill up."""
PAGE: Final = 4096
_WORDS_OF_A_FULL_DISK: Final = ("No space left", "disk is full", "free space", "free some space")


@dataclass(frozen=True)
class _Need:
    """What a command writes when there is room."""

    before: int
    """Bytes in use when it begins."""
    after: int
    """Bytes in use when it has finished."""
    digest: str


def torture_full_disks(outcome: Outcome, folder: Path, rooms: int) -> None:
    """Run every command on disks of several sizes.

    Args:
        outcome: Filled in.
        folder: An empty folder to work in.
        rooms: Sizes for each command, drawn between nothing and what it needs.
    """
    if os.geteuid() != 0:
        raise LinkageError("full_disks mounts a tmpfs, which needs root; leave this part out")
    rng = random.Random(outcome.seed)
    run_in_fork(make_world, folder, folder / "world", Size())
    cases = cases_of(folder / "world")
    preload({case.command for case in cases})
    for number, case in enumerate(cases):
        place = folder / f"case-{number}"
        place.mkdir()
        need = _needed(case, place)
        sizes = [
            round(need.after - need.before) * (one + rng.random()) / rooms for one in range(rooms)
        ]
        for trial, size in enumerate(sizes):
            _trial(case, place, need, int(size), outcome)
            outcome.trials[case.name] += 1
            outcome.show(f"{case.name}, {trial + 1}/{rooms}, {outcome.failed} failures")
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A tmpfs in a folder, at first with much room."""
    mount = folder / "disk"
    mount.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={LARGE}", "tmpfs", mount], check=True)
    try:
        yield mount
    finally:
        subprocess.run(["umount", "--lazy", mount], check=True)


def resize(mount: Path, size: int) -> None:
    """Give a tmpfs another size in bytes, at least what is in use."""
    subprocess.run(["mount", "-o", f"remount,size={size}", mount], check=True)


def used(mount: Path) -> int:
    """Bytes in use on a disk."""
    found = os.statvfs(mount)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def _needed(case: Case, place: Path) -> _Need:
    """Run the command with room enough."""
    with small_disk(place) as mount:
        prepared(case, mount, place / "before.log")
        before = used(mount)
        ended = run(case.command, case.words, mount, place / "whole.log")
        if ended.code:
            raise LinkageError(f"{case.name} fails with room enough: {ended.said()[-1500:]}")
        after = used(mount)
        return _Need(before, after, digest_in_fork(case, mount, place))


def _trial(case: Case, place: Path, need: _Need, room: int, outcome: Outcome) -> None:
    """Run the command with too little room, then again with enough."""
    again = f"{room} bytes of room"
    log = place / "full.log"
    log.unlink(missing_ok=True)
    with small_disk(place) as mount:
        prepared(case, mount, place / "before.log")
        resize(mount, max(used(mount) + room, PAGE))
        ended = run(case.command, case.words, mount, log)
        if fault := _fault(case, ended, mount):
            outcome.fail(case.name, fault, again)
        elif ended.code and not is_intact(case, mount, place):
            outcome.fail(case.name, "half-written", again)
        resize(mount, LARGE)
        if ended.code:
            log = place / "again.log"
            log.unlink(missing_ok=True)
            ended = run(case.command, going_on(case, mount), mount, log)
        try:
            if ended.code:
                outcome.fail(case.name, f"does not go on: {ended.last[-600:]}", again)
            elif digest_in_fork(case, mount, place) != need.digest:
                outcome.fail(case.name, "another result than with room enough", again)
        except LinkageError as error:
            outcome.fail(case.name, str(error)[-1000:], again)


def _fault(case: Case, ended: Command, mount: Path) -> str:
    """What is wrong with how a command ended on a full disk; '' if nothing is."""
    if ended.code == 0:
        return ""
    last = ended.last
    if ended.code != 1 or "Traceback" in ended.said():
        return f"ends with {ended.code}: {ended.said()[-1200:]}"
    if not any(words in last for words in _WORDS_OF_A_FULL_DISK):
        return f"does not say that the disk is full: {last}"
    if not any(name in last for name in (*case.written, str(mount))):
        return f"names none of {', '.join(case.written)}: {last}"
    return ""
