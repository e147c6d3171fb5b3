"""Process 1 of the container: starts nginx, the workers behind it, and the refresher.

A child that dies is started again; one that keeps dying ends the container with a reason. A worker
that cannot start ends it at once if none has served yet, otherwise as one that keeps dying. On
SIGTERM nginx first finishes the requests in flight, then the rest is stopped. Standard library
only: this process stays small and starts at once, so that nginx answers before the workers have
loaded their model.
"""

import contextlib
import json
import os
import resource
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from serving.refusals import RefusalLog
from serving.run_folder import environment, prepare
from serving.settings import PROCESS, ServerSettings, WorkerSettings
from serving.start_fault import CANNOT_START, read_fault
from serving.stopping import STOP_S, record_stop
from serving.variables import SettingError

_DRAIN_S: Final = 24.0
"""Seconds of these that nginx may take to finish the requests in flight."""
_MAX_DEATHS, _DEATHS_WITHIN_S = 5, 60.0
"""A child that dies more often within this many seconds is not started again."""
_FAULT_PAUSE_S: Final = 5.0
"""Pause until a worker that cannot start is tried again."""
_MAX_PAUSE_S: Final = 30.0
"""Pause until a child that is not vital but keeps dying is started again."""
LOG: Final = "decision-log"
"""Name of the process that writes the decision log."""
_MAX_DESCRIPTORS: Final = 65_536
_SIGNALS: Final = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}


@dataclass
class Child:
    """A process that the supervisor keeps running."""

    name: str
    command: tuple[str, ...]
    socket: Path | None = None
    """Where a worker listens; exists once it is ready."""
    vital: bool = True
    """Whether the server must end when this process keeps dying."""
    pid: int | None = None
    start_at: float = 0.0
    """Time of its next start, in seconds of the monotonic clock."""
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=_MAX_DEATHS + 1))

    def record_death(self, now: float) -> bool:
        """Schedule the next start; False if it has died too often for another one."""
        self.pid = None
        self.deaths.append(now)
        recent = sum(now - death <= _DEATHS_WITHIN_S for death in self.deaths)
        too_often = recent > _MAX_DEATHS
        self.start_at = now + (_MAX_PAUSE_S if too_often else min(0.1 * 2 ** (recent - 1), 2.0))
        return not (too_often and self.vital)

    def is_serving(self) -> bool:
        """Whether it is a worker that is ready for requests."""
        return self.pid is not None and self.socket is not None and self.socket.exists()

    def kill(self) -> None:
        """Kill it and the processes that it started."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)


class Supervisor:
    """Keeps its children running until SIGTERM or SIGINT."""

    def __init__(
        self,
        children: Sequence[Child],
        environ: Mapping[str, str],
        run_folder: Path,
        refusals: RefusalLog,
    ) -> None:
        self.children = children
        self.environ = environ
        self._run_folder = run_folder
        self._refusals = refusals
        self._last_fault = ""
        self._has_served = False

    def run(self) -> int:
        """Supervise.

        Returns:
            The exit code: 0 after SIGTERM, 1 when a child keeps dying, 2 when none can start.
        """
        # before the thread of the log starts, which would otherwise be killed by SIGTERM
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._refusals.start()
        try:
            return self._supervise()
        finally:
            self._refusals.close()

    def _supervise(self) -> int:
        while True:
            for child in self.children:
                if child.pid is None and child.start_at <= time.monotonic():
                    self._start(child)
            due = [child.start_at for child in self.children if child.pid is None]
            caught = self._next_signal(min(due, default=time.monotonic() + 3600))
            if caught in (signal.SIGTERM, signal.SIGINT):
                log("stopping", signal=signal.Signals(caught).name)
                self._stop()
                log("stopped")
                return 0
            for child, code in self._reap():
                if (exit_code := self._handle_end(child, code)) is not None:
                    return exit_code

    def _handle_end(self, child: Child, code: int) -> int | None:
        """Schedule its next start; returns the exit code of the server if there is none."""
        self._has_served |= any(one.is_serving() for one in self.children)
        # worker processes that a dead nginx leaves behind would keep the port
        child.kill()
        child.pid = None
        if child.socket is not None:
            child.socket.unlink(missing_ok=True)
        if code == CANNOT_START:
            return self._handle_fault(child)
        log("a process died", "warning", process=child.name, exit_code=code)
        return None if child.record_death(time.monotonic()) else self._give_up(child, code)

    def _start(self, child: Child) -> None:
        child.pid = os.posix_spawn(
            child.command[0],
            child.command,
            {**self.environ, PROCESS: child.name},
            setpgroup=0,
            setsigmask=(),
            setsigdef=(signal.SIGPIPE,),
        )
        log("started", process=child.name, pid=child.pid)

    def _handle_fault(self, child: Child) -> int | None:
        """Try a child that could not start again later, if that may help."""
        fault, now = read_fault(self._run_folder) or f"{child.name} cannot start", time.monotonic()
        needed = child.vital and not any(other.is_serving() for other in self.children)
        # what a worker could load before may only be in the middle of a change
        if needed and not (self._has_served and child.record_death(now)):
            self._stop()
            log(fault, "error", process=child.name)
            return 2
        if fault != self._last_fault:
            log(fault, "error", process=child.name)
        self._last_fault = fault
        child.start_at = now + _FAULT_PAUSE_S
        return None

    def _next_signal(self, until: float) -> int | None:
        """The next signal, or None if there is none until then."""
        caught = signal.sigtimedwait(_SIGNALS, max(until - time.monotonic(), 0))
        return caught and caught.si_signo

    def _reap(self) -> list[tuple[Child, int]]:
        """Children that ended, with their exit codes; orphaned children are reaped silently."""
        ended: list[tuple[Child, int]] = []
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return ended
            if pid == 0:
                return ended
            code = os.waitstatus_to_exitcode(status)
            ended += [(child, code) for child in self.children if child.pid == pid]

    def _give_up(self, child: Child, code: int) -> int:
        self._stop()
        log(
            f"{child.name} died {len(child.deaths)} times within {_DEATHS_WITHIN_S:.0f} s, "
            f"last with exit code {code}; its log lines above say why",
            "error",
            process=child.name,
            exit_code=code,
        )
        return 1

    def _stop(self) -> None:
        """Stop all children, nginx first, so that no request finds its worker gone."""
        begin = time.monotonic()
        record_stop(self._run_folder)
        nginx = [child for child in self.children if child.name == "nginx"]
        workers = [child for child in self.children if child.vital and child not in nginx]
        logs = [child for child in self.children if child.name == LOG]
        # nobody waits for the refresher
        _send(signal.SIGTERM, [one for one in self.children if not one.vital and one not in logs])
        _send(signal.SIGQUIT, nginx)
        self._wait_for(nginx, begin + _DRAIN_S)
        _send(signal.SIGTERM, workers)
        self._wait_for(workers, begin + STOP_S)
        # last, since workers that stop hand it what they still hold
        _send(signal.SIGTERM, logs)
        self._wait_for(self.children, begin + STOP_S)
        for child in self.children:
            if child.pid is not None:
                log("killed, since it did not stop in time", "warning", process=child.name)
                child.kill()
        self._wait_for(self.children, time.monotonic() + 1)

    def _wait_for(self, children: Iterable[Child], until: float) -> None:
        while any(child.pid for child in children) and time.monotonic() < until:
            for child, _ in self._reap():
                child.pid = None
            if any(child.pid for child in children):
                self._next_signal(until)


def _send(number: signal.Signals, children: Iterable[Child]) -> None:
    for child in children:
        if child.pid is not None:
            os.kill(child.pid, number)


def children_of(settings: ServerSettings) -> list[Child]:
    """nginx, the workers, and the refresher if there is a database.

    Raises:
        SettingError: nginx is not installed.
    """
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx is None:
        raise SettingError("expected nginx on PATH, found none; apt-get install nginx-light")
    run = str(settings.run_folder)
    children = [
        Child("nginx", (nginx, "-p", run, "-c", f"{run}/nginx.conf", "-e", "stderr")),
        *(
            Child(path.stem, (sys.executable, "-m", "serving.worker", "--socket", str(path)), path)
            for path in settings.sockets()
        ),
    ]
    if settings.refresher:
        command = (sys.executable, "-m", "serving.refresher")
        children.append(Child("refresher", command, vital=False))
    if settings.logs:
        command = (sys.executable, "-m", "serving.log_process")
        children.append(Child(LOG, command, vital=False))
    return children


def log(message: str, level: str = "info", **fields: Any) -> None:
    """Write one line of JSON."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = {"time": now, "level": level, "logger": "supervisor", "message": message, **fields}
    write_line(json.dumps(line))


def write_line(line: str) -> None:
    """Write one line to the log; a log that takes no more must not end the server."""
    with contextlib.suppress(OSError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _raise_descriptor_limit() -> None:
    """Let child processes open as many files as the platform allows; nginx has two per request."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = _MAX_DESCRIPTORS if most == resource.RLIM_INFINITY else min(most, _MAX_DESCRIPTORS)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))


def main() -> int:
    """Serve until SIGTERM; returns the exit code."""
    _raise_descriptor_limit()
    try:
        settings = ServerSettings.from_environ()
        # what would end every worker is said once, before they are started
        WorkerSettings.from_environ()
        children = children_of(settings)
        prepare(settings)
    except SettingError as error:
        log(str(error), "error")
        return 2
    environ = environment(settings, os.environ)
    refusals = RefusalLog(settings.run_folder, write_line)
    return Supervisor(children, environ, settings.run_folder, refusals).run()


if __name__ == "__main__":
    sys.exit(main())
