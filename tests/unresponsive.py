"""Servers that do not answer: frozen processes, and a proxy that swallows what it is sent."""

import contextlib
import os
import selectors
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgres_server import free_port


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process and all that it has started; their connections stay open and are silent."""
    stopped = _family(pid)
    for one in stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGSTOP)
    deadline = time.monotonic() + 5
    # a thread that has not seen the signal yet would still answer
    while not all(map(_is_stopped, stopped)) and time.monotonic() < deadline:
        time.sleep(0.001)
    try:
        yield
    finally:
        for one in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _family(int(child))
    return found


def _is_stopped(pid: int) -> bool:
    """Whether every thread of a process is stopped; that of one that has ended is."""
    try:
        states = [
            (task / "stat").read_text().rpartition(")")[2].split()[0]
            for task in Path(f"/proc/{pid}/task").iterdir()
        ]
    except OSError:
        return True
    return all(state in "TXZ" for state in states)


class SwallowingProxy:
    """Forwards TCP connections to a port of the loopback interface, or swallows all bytes.

    While it swallows, it accepts connections and confirms what is sent, as a firewall does that
    has forgotten a connection.
    """

    def __init__(self, port: int | None) -> None:
        """Listen.

        Args:
            port: Where to forward to; may be changed for later connections.
        """
        self.target: int | None = port
        """None accepts connections and leaves it at that."""
        self.swallows = False
        """Whether bytes of the connections that are open are swallowed, and of later ones."""
        self._listener = socket.create_server(("127.0.0.1", free_port()))
        self.port = int(self._listener.getsockname()[1])
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._silent: list[socket.socket] = []
        self._closed = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close all connections."""
        self._closed = True
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        for one in self._silent:
            one.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._closed:
            for key, _ in self._selector.select(timeout=0.05):
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._forward(key.fileobj, key.data)  # type: ignore[arg-type]

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self.target is None:
            self._silent.append(client)
            return
        try:
            server = socket.create_connection(("127.0.0.1", self.target), timeout=2)
        except OSError:
            client.close()
            return
        self._selector.register(client, selectors.EVENT_READ, server)
        self._selector.register(server, selectors.EVENT_READ, client)

    def move(self, port: int) -> None:
        """Forward new connections to another port; those that are open stay silent for ever."""
        self.target = port
        for key in list(self._selector.get_map().values()):
            if key.fileobj is not self._listener:
                self._selector.unregister(key.fileobj)
                self._silent.append(key.fileobj)  # type: ignore[arg-type]
        self.swallows = False

    def _forward(self, one: socket.socket, other: socket.socket) -> None:
        try:
            part = one.recv(1 << 16)
            if part and self.swallows:
                return
            if part:
                other.sendall(part)
                return
        except OSError:
            pass
        for end in (one, other):
            # the other end may have been closed with this one in the same round
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(end)
            end.close()
