"""`kills`: commands ended with SIGKILL at random moments, then started again.

The command that goes on must end with exit code 0 and with the same result as one that was never
killed. Either the command alone, one of its workers, or its whole session is killed.
"""

import os
import random
import shutil
import signal
import time
from dataclasses import dataclass
from itertools import cycle
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
from experiments.torture.commands import Command, members, preload, run, run_in_fork, start
from experiments.torture.outcome import Outcome
from experiments.torture.world import Size, make_world
from linkage_rl.errors import LinkageError

TARGETS: Final = ("session", "session", "leader", "worker")
"""What is killed; the machine's own killer takes one process, a container's end all of them."""
ORPHANS_S: Final = 20.0
"""Within which workers must end after their leader was killed."""
_SURE_END: Final = (0, 1)
"""Exit codes of a command whose worker was killed."""


@dataclass(frozen=True)
class _Ready:
    """A case with its prepared folder, its result and its duration when nobody kills it."""

    case: Case
    template: Path
    digest: str
    seconds: float


def torture_kills(outcome: Outcome, folder: Path, kills: int) -> None:
    """Kill commands until so many kills were counted.

    Args:
        outcome: Filled in.
        folder: An empty folder to work in.
        kills: Number of kills over all cases.
    """
    rng = random.Random(outcome.seed)
    folder.mkdir(parents=True, exist_ok=True)
    run_in_fork(make_world, folder, folder / "world", Size())
    cases = cases_of(folder / "world")
    preload({case.command for case in cases})
    ready = [_undisturbed(case, folder, outcome) for case in cases]
    number, turns = 0, cycle(ready)
    while outcome.total < kills:
        number += 1
        _trial(next(turns), folder / f"trial-{number}", rng, outcome, f"trial {number}")
        outcome.show(f"{outcome.total}/{kills} kills, {outcome.failed} failures")
    outcome.figures["commands that went on"] = number


def _undisturbed(case: Case, folder: Path, outcome: Outcome) -> _Ready:
    """Run the command once without a kill."""
    name = case.name.replace(" ", "-").replace(",", "")
    template, whole = folder / f"template-{name}", folder / f"whole-{name}"
    template.mkdir()
    prepared(case, template, template / "before.log")
    shutil.copytree(template, whole)
    begin = time.monotonic()
    ended = run(case.command, case.words, whole, whole / "run.log")
    seconds = time.monotonic() - begin
    if ended.code:
        raise LinkageError(f"{case.name} fails without a kill: {ended.said()[-1500:]}")
    digest = digest_in_fork(case, whole, folder)
    shutil.rmtree(whole)
    outcome.show(f"{case.name}: {seconds:.1f} s without a kill", always=True)
    return _Ready(case, template, digest, seconds)


def _trial(ready: _Ready, folder: Path, rng: random.Random, outcome: Outcome, again: str) -> None:
    """Kill a command once or several times, let it go on, and judge the result."""
    case = ready.case
    shutil.copytree(ready.template, folder)
    failed = outcome.failed
    try:
        for _ in range(rng.randint(*case.kills)):
            _killed(ready, folder, rng, outcome, again)
        ended = run(case.command, going_on(case, folder), folder, folder / "last.log")
        if ended.code and "already finished" not in ended.last and "is finished" not in ended.last:
            outcome.fail(case.name, f"goes on with code {ended.code}: {ended.last[-600:]}", again)
        elif digest_in_fork(case, folder, folder) != ready.digest:
            outcome.fail(case.name, "another result than without kills", again)
    except (LinkageError, TimeoutError) as error:
        outcome.fail(case.name, str(error)[-1500:], again)
    if outcome.failed == failed:
        shutil.rmtree(folder, ignore_errors=True)


def _killed(ready: _Ready, folder: Path, rng: random.Random, outcome: Outcome, again: str) -> None:
    """Start the command and kill it at a random moment, which counts if it still ran."""
    case, log = ready.case, folder / f"killed-{outcome.total}.log"
    moment, target = rng.uniform(0.05, 1.0) * ready.seconds, rng.choice(TARGETS)
    command = start(case.command, going_on(case, folder), folder, log)
    deadline = time.monotonic() + moment
    while command.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    if command.code is None:
        _kill(command, target, case, outcome, again)
        outcome.trials[case.name] += 1
    if "Traceback" in command.said():
        outcome.fail(case.name, f"a traceback: {command.said()[-1500:]}", again)
    if not is_intact(case, folder, folder):
        outcome.fail(case.name, f"half-written after a kill at {moment:.2f} s", again)


def _kill(command: Command, target: str, case: Case, outcome: Outcome, again: str) -> None:
    workers = members(command.pid)
    if target == "worker" and workers:
        os.kill(workers[-1], signal.SIGKILL)
        # the helper of multiprocessing may have been meant: the command then ends as usual
        if command.wait(120) not in _SURE_END:
            outcome.fail(case.name, f"code {command.code} after the end of a worker", again)
        return
    if target != "leader":
        command.kill()
        return
    os.kill(command.pid, signal.SIGKILL)
    command.wait()
    deadline = time.monotonic() + ORPHANS_S
    while members(command.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    if left := members(command.pid):
        outcome.fail(case.name, f"{len(left)} processes outlive their command", again)
        command.kill()
