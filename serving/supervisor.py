"""Process number 1 of the container: nginx in front of the workers, the refresher beside them.

A child that dies is started again; one that keeps dying ends the container, and says so. SIGTERM
lets nginx finish the requests in flight, then ends the rest. Standard library only: this process
stays small and starts at once, so that nginx answers before the workers have loaded their model.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from serving.run_folder import SettingError, Settings, environment, prepare

STOP_S: Final = 8.0
"""From SIGTERM until whatever is left is killed; the platform kills after 30 s."""
_DRAIN_S: Final = 6.0
"""The part of it that nginx may take to finish requests in flight."""
_MOST_DEATHS, _WITHIN_S = 5, 60.0
"""A child that dies more often than this is not started again."""
_SIGNALS: Final = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}


@dataclass
class Child:
    """A process that is started again when it dies."""

    name: str
    command: tuple[str, ...]
    pid: int | None = None
    start_at: float = 0.0
    """When it is due to start, in seconds of the monotonic clock."""
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_DEATHS + 1))

    def died(self, now: float) -> bool:
        """Note a death and when to start again; False when that is no use any more."""
        self.pid = None
        self.deaths.append(now)
        recent = sum(now - death <= _WITHIN_S for death in self.deaths)
        self.start_at = now + min(0.1 * 2 ** (recent - 1), 2.0)
        return recent <= _MOST_DEATHS

    def kill(self) -> None:
        """End it and what it started, at once."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)


class Supervisor:
    """Starts the children, and starts them again, until it is told to stop."""

    def __init__(self, children: Sequence[Child], environ: Mapping[str, str]) -> None:
        self.children = children
        self.environ = environ

    def run(self) -> int:
        """Return the exit code: 0 after SIGTERM, 1 when a child keeps dying."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        while True:
            for child in self.children:
                if child.pid is None and child.start_at <= time.monotonic():
                    self._start(child)
            due = [child.start_at for child in self.children if child.pid is None]
            caught = self._wait(min(due, default=time.monotonic() + 3600))
            if caught in (signal.SIGTERM, signal.SIGINT):
                log("stopping", signal=signal.Signals(caught).name)
                self._stop()
                log("stopped")
                return 0
            hopeless = [ended for ended in self._reap() if not self._died(*ended)]
            if hopeless:
                return self._give_up(*hopeless[0])

    def _start(self, child: Child) -> None:
        child.pid = os.posix_spawn(
            child.command[0],
            child.command,
            self.environ,
            setpgroup=0,
            setsigmask=(),
            setsigdef=(signal.SIGPIPE,),
        )
        log("started", process=child.name, pid=child.pid)

    def _died(self, child: Child, code: int) -> bool:
        log("a process died", "warning", process=child.name, exit_code=code)
        # what an nginx leaves behind would keep the port
        child.kill()
        return child.died(time.monotonic())

    def _wait(self, until: float) -> int | None:
        """The next signal, or None when the time is over."""
        caught = signal.sigtimedwait(_SIGNALS, max(until - time.monotonic(), 0))
        return caught and caught.si_signo

    def _reap(self) -> list[tuple[Child, int]]:
        """Children that ended, with their exit codes; orphans are laid to rest unseen."""
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
            f"{child.name} died {len(child.deaths)} times within {_WITHIN_S:.0f} s, at last with "
            f"exit code {code}; its own lines above say why",
            "error",
            process=child.name,
            exit_code=code,
        )
        return 1

    def _stop(self) -> None:
        """End all children, nginx first, so that no request meets a closed door."""
        begin = time.monotonic()
        for child in self.children:
            if child.pid is not None and child.name == "nginx":
                os.kill(child.pid, signal.SIGQUIT)
                self._wait_for([child], begin + _DRAIN_S)
        for child in self.children:
            if child.pid is not None and child.name != "nginx":
                os.kill(child.pid, signal.SIGTERM)
        self._wait_for(self.children, begin + STOP_S)
        for child in self.children:
            if child.pid is not None:
                log("killed, since it did not end", "warning", process=child.name)
                child.kill()
        self._wait_for(self.children, time.monotonic() + 1)

    def _wait_for(self, children: Iterable[Child], until: float) -> None:
        while any(child.pid for child in children) and time.monotonic() < until:
            for child, _ in self._reap():
                child.pid = None
            if any(child.pid for child in children):
                self._wait(until)


def children_of(settings: Settings) -> list[Child]:
    """nginx, the workers, and where there is a database the refresher.

    Raises:
        SettingError: nginx is missing.
    """
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx is None:
        raise SettingError("expected nginx on PATH, found none; apt-get install nginx-light")
    run = str(settings.run_folder)
    children = [
        Child("nginx", (nginx, "-p", run, "-c", f"{run}/nginx.conf", "-e", "stderr")),
        *(
            Child(path.stem, (sys.executable, "-m", "serving.worker", "--socket", str(path)))
            for path in settings.sockets()
        ),
    ]
    if settings.refresher:
        children.append(Child("refresher", (sys.executable, "-m", "serving.refresher")))
    return children


def log(message: str, level: str = "info", **fields: Any) -> None:
    """Write one line of JSON."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = {"time": now, "level": level, "logger": "supervisor", "message": message, **fields}
    sys.stdout.write(f"{json.dumps(line)}\n")
    sys.stdout.flush()


def main() -> int:
    """Serve until SIGTERM; returns the exit code."""
    try:
        settings = Settings.of(os.environ)
        children = children_of(settings)
        prepare(settings)
    except SettingError as error:
        log(str(error), "error")
        return 2
    return Supervisor(children, environment(settings, os.environ)).run()


if __name__ == "__main__":
    sys.exit(main())
