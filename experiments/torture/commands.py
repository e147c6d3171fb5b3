"""Commands of the library as processes that can be killed.

Each is forked from this process, which has loaded the library and does nothing else with it: a
start then takes no time for imports, so that a kill meets the command and not the interpreter.
"""

import faulthandler
import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, ParamSpec

from linkage_rl.errors import LinkageError

Arguments = ParamSpec("Arguments")

CRASHED: Final = 70
"""Exit code of a command that ended with an exception, as a shell program reports it."""
_POLL_S: Final = 0.002
_AS_STARTED: Final[dict[signal.Signals, Any]] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}
"""How a command of a shell meets these signals, whatever this process does about them."""


@dataclass
class Command:
    """A command that was started, in a session of its own."""

    words: tuple[str, ...]
    pid: int
    log: Path
    """What it wrote to both of its streams."""
    code: int | None = None
    """Exit code, minus the number of the signal that ended it; None while it runs."""

    def poll(self) -> int | None:
        """The exit code, None while it runs."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def wait(self, limit_s: float = 600.0) -> int:
        """Wait for its end.

        Raises:
            TimeoutError: It still ran after the limit, and was killed.
        """
        deadline = time.monotonic() + limit_s
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                self.kill()
                raise TimeoutError(f"still running after {limit_s:.0f} s")
            time.sleep(_POLL_S)
        return code

    def kill(self) -> None:
        """End it and all processes of its session with SIGKILL."""
        for pid in (self.pid, *members(self.pid)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def said(self) -> str:
        """All that it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def last(self) -> str:
        """Its last line."""
        return (self.said().strip().splitlines() or [""])[-1]


def preload(names: Iterable[str]) -> None:
    """Import these commands, so that the processes forked from now on need not."""
    for name in names:
        importlib.import_module(f"linkage_rl.{name}")


def start(name: str, words: Sequence[str], folder: Path, log: Path) -> Command:
    """Start a command of the library in a working folder."""

    def act() -> None:
        sys.argv = [name, *words]
        module = importlib.import_module(f"linkage_rl.{name}")
        # workers that are spawned load the main module of their parent
        sys.modules["__main__"] = module
        module.main()

    return Command((name, *words), _fork(act, folder, log), log)


def run(name: str, words: Sequence[str], folder: Path, log: Path, limit_s: float = 600) -> Command:
    """Run a command to its end."""
    command = start(name, words, folder, log)
    command.wait(limit_s)
    return command


def run_in_fork(
    act: Callable[Arguments, object],
    folder: Path,
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> None:
    """Call a function in a forked process, so that this one starts no thread of any library.

    Raises:
        LinkageError: It failed; the message has its last line.
    """
    log = folder / "fork.log"
    log.unlink(missing_ok=True)
    command = start_function(lambda: act(*args, **kwargs), folder, log)
    if command.wait():
        raise LinkageError(f"preparing failed: {command.said()[-2000:]}")


def start_function(act: Callable[[], object], folder: Path, log: Path) -> Command:
    """Start a function in a forked process, as `start` does a command."""
    return Command((), _fork(act, folder, log), log)


def members(session: int) -> list[int]:
    """Processes of a session, without its leader."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and entry.name != str(session):
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            # the fields after the name: state, parent, group, session
            if fields[3] == str(session) and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def _fork(act: Callable[[], object], folder: Path, log: Path) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if not pid:
        _in_child(act, folder, log)
    return pid


def _in_child(act: Callable[[], object], folder: Path, log: Path) -> NoReturn:
    code = 0
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _AS_STARTED[number])
        os.chdir(folder)
        target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for stream in (1, 2):
            os.dup2(target, stream)
        # what had replaced them would keep what is said in the memory of this process
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        faulthandler.enable()
        act()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        code = CRASHED
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            # not sys.exit, which would unwind into the code of the parent
            os._exit(code)
