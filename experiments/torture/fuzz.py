"""`fuzz`: millions of inputs that nobody would send, in processes that may crash.

Each share of the inputs of a target is drawn and tried in a process of its own, block by block. A
block that raises, takes long, hangs or ends its process is tried again input by input.
"""

import json
import mmap
import os
import random
import struct
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from experiments.torture import fuzz_targets
from experiments.torture.commands import Command, run_in_fork, start_function
from experiments.torture.outcome import Outcome
from experiments.torture.valid_files import write_valid_files
from experiments.torture.world import Size, make_world

LIMIT_S: Final = 0.5
"""Processor time that one input may take."""
HANG_S: Final = 120.0
"""Wall time after which a block is taken to hang."""
SHARE: Final = 100_000
"""Inputs of one process."""
_SAME: Final = 12
"""Failures of one kind that a share reports."""


@dataclass(frozen=True)
class _Share:
    """Blocks of a target that one process tries."""

    target: int
    name: str
    first: int
    blocks: int
    batch: int


def torture_fuzz(outcome: Outcome, folder: Path, inputs: int, only: str | None = None) -> None:
    """Try so many inputs.

    Args:
        outcome: Filled in.
        folder: An empty folder to work in, best on a disk in memory.
        inputs: Number of inputs over all targets.
        only: Name of the one target to try.
    """
    made = folder / "world"
    run_in_fork(make_world, folder, made, Size(companies=60, clients=60))
    run_in_fork(write_valid_files, folder, made)
    shares = [one for one in _shares(made, folder, inputs) if only in (None, one.name)]
    slowest: dict[str, float] = {}
    for number, share in enumerate(shares):
        place = folder / f"share-{number}"
        place.mkdir()
        _try_share(share, outcome, made, place, slowest)
        outcome.show(f"{outcome.total:,} of {inputs:,} inputs, {outcome.failed} failures")
    outcome.figures["slowest input, ms"] = {
        name: round(seconds * 1e3, 1) for name, seconds in slowest.items()
    }


def _shares(made: Path, folder: Path, inputs: int) -> list[_Share]:
    """The shares of all targets, listed in a process of its own."""

    def act() -> None:
        targets = fuzz_targets.targets_of(made, folder / "listed")
        listed = [(one.name, one.share, one.batch) for one in targets]
        (folder / "targets.json").write_text(json.dumps(listed))

    run_in_fork(act, folder)
    shares: list[_Share] = []
    listed = json.loads((folder / "targets.json").read_text())
    for place, (name, part, batch) in enumerate(listed):
        blocks = -(-round(inputs * part) // batch)
        size = max(SHARE // batch, 1)
        shares += [
            _Share(place, name, first, min(size, blocks - first), batch)
            for first in range(0, blocks, size)
        ]
    return shares


def _try_share(
    share: _Share, outcome: Outcome, made: Path, place: Path, slowest: dict[str, float]
) -> None:
    """Try a share, going on after a block that ends its process."""
    first, end, attempt = share.first, share.first + share.blocks, 0
    while first < end:
        attempt += 1
        progress = place / f"progress-{attempt}"
        progress.write_bytes(struct.pack("<qd", first, 0.0))
        log = place / f"log-{attempt}"
        tried = (share, outcome.seed, first, end, made, place / f"files-{attempt}", progress)
        command = start_function(lambda tried=tried: _try_blocks(*tried), place, log)  # type: ignore[misc]
        hung = not _wait(command, progress)
        at, seconds = struct.unpack("<qd", progress.read_bytes())
        slowest[share.name] = max(slowest.get(share.name, 0.0), seconds)
        outcome.trials[share.name] += (at - first) * share.batch
        _report(share, outcome, progress)
        if command.code == 0:
            return
        what = "hangs" if hung else f"ends its process with {command.code}: {command.said()[-800:]}"
        outcome.fail(share.name, what, f"--seed {outcome.seed}, block {at} of {share.name}")
        outcome.trials[share.name] += share.batch
        first = at + 1


def _wait(command: Command, progress: Path) -> bool:
    """Wait for a share; False if a block took so long that it was killed."""
    last, since = b"", time.monotonic()
    while command.poll() is None:
        time.sleep(0.05)
        now = progress.read_bytes()
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > HANG_S:
            command.kill()
            return False
    return True


def _report(share: _Share, outcome: Outcome, progress: Path) -> None:
    failures = progress.with_suffix(".failures")
    if failures.exists():
        for line in failures.read_text(encoding="utf-8").splitlines():
            what, again = json.loads(line)
            outcome.fail(share.name, what, again)


def _try_blocks(
    share: _Share, seed: int, first: int, end: int, made: Path, files: Path, progress: Path
) -> None:
    """What the process of a share does."""
    target = fuzz_targets.targets_of(made, files)[share.target]
    seen: dict[str, int] = {}
    slowest, slow_block = 0.0, first
    with progress.open("r+b") as stream, mmap.mmap(stream.fileno(), 16) as shared:
        for block in range(first, end):
            shared[:8] = struct.pack("<q", block)
            inputs = drawn(target, seed, block)
            begin = time.thread_time()
            try:
                target.act(inputs)
                fault = ""
            except Exception:
                fault = "raises"
            took = time.thread_time() - begin
            if fault or took > LIMIT_S:
                _one_by_one(target, inputs, progress, seen, f"seed {seed}, block {block}")
            if took > slowest:
                slowest, slow_block = took, block
        again = drawn(target, seed, slow_block)
        longest = _one_by_one(target, again, progress, seen, f"seed {seed}, block {slow_block}")
        shared[:16] = struct.pack("<qd", end, longest)


def drawn(target: fuzz_targets.Target, seed: int, block: int) -> list[Any]:
    """The inputs of a block, which depend on seed, target and number of the block only."""
    rng = random.Random(f"{seed} {target.name} {block}")
    return [target.draw(rng) for _ in range(target.batch)]


def _one_by_one(
    target: fuzz_targets.Target,
    inputs: Sequence[Any],
    progress: Path,
    seen: dict[str, int],
    again: str,
) -> float:
    """Find the inputs of a block that fail; returns the longest time of one."""
    longest = 0.0
    for one in inputs:
        begin = time.thread_time()
        what = ""
        try:
            target.act([one])
        except Exception as error:
            what = _told(error)
        took = time.thread_time() - begin
        longest = max(longest, took)
        if not what and took > LIMIT_S:
            what = f"takes {took:.2f} s"
        kind = what[:60]
        seen[kind] = seen.get(kind, 0) + bool(what)
        if what and seen[kind] <= _SAME:
            with progress.with_suffix(".failures").open("a", encoding="utf-8") as stream:
                line = json.dumps([what, f"{again}, input {_shown(one)}"])
                stream.write(f"{line}\n")
    return longest


def _told(error: Exception) -> str:
    """The error with the place in the library where it was raised."""
    places = traceback.extract_tb(error.__traceback__)
    own = [place for place in places if os.sep + "experiments" + os.sep not in place.filename]
    where = own[-1] if own else places[-1]
    file = "/".join(Path(where.filename).parts[-2:])
    return f"{type(error).__name__} at {file}:{where.lineno}: {str(error)[:300]}"


def _shown(one: Any) -> str:
    shown = ascii(one)
    return shown if len(shown) <= 1_500 else f"{shown[:1_500]}... ({len(shown)} characters)"
