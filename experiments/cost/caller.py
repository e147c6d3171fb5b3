"""A cheap load generator: prepared requests over N connections in one loop.

Each connection sends its next request when the previous answer is complete.
"""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final
from urllib.parse import urlsplit

ANSWER_S: Final = 60.0
"""How long an answer may take, as long as an endpoint waits."""


@dataclass(frozen=True)
class Request:
    """Bytes to send, and what the answer must contain."""

    wire: bytes
    clients: int
    """Number of clients in it."""
    marks: tuple[bytes, ...] = ()
    """Texts that the body of the answer must contain, in this order."""


@dataclass
class Load:
    """Answers and failures of a run."""

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    """Time of every answer with status 200, sorted."""
    clients: int = 0
    """Clients in those answers."""
    failures: Counter[str] = field(default_factory=Counter)
    """Answers of another status, and other failures, by kind."""

    def quantile_ms(self, share: float) -> float:
        """The latency below which this share of the answers came, in milliseconds."""
        if not self.latencies_s:
            return float("nan")
        place = min(int(share * len(self.latencies_s)), len(self.latencies_s) - 1)
        return self.latencies_s[place] * 1e3

    @property
    def requests_per_s(self) -> float:
        """Good answers per second."""
        return len(self.latencies_s) / self.seconds

    @property
    def clients_per_s(self) -> float:
        """Clients in good answers per second."""
        return self.clients / self.seconds


def request(
    url: str,
    body: bytes,
    clients: int,
    headers: Mapping[str, str] | None = None,
    marks: Sequence[bytes] = (),
) -> Request:
    """A POST to the path of this URL."""
    parts = urlsplit(url)
    fields = {
        "Host": parts.netloc,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **(headers or {}),
    }
    lines = [f"POST {parts.path} HTTP/1.1", *(f"{name}: {text}" for name, text in fields.items())]
    return Request("\r\n".join([*lines, "", ""]).encode() + body, clients, tuple(marks))


def drive(url: str, requests: Sequence[Request], connections: int, seconds: float) -> Load:
    """Send requests over several connections for some time, then wait for the last answers.

    Args:
        url: Host and port to call.
        requests: Sent in turn.
        connections: Each has one request pending at a time.
        seconds: No request is sent later.
    """
    parts = urlsplit(url)
    address = (parts.hostname or "127.0.0.1", parts.port or 80)
    load, turn, begin = Load(), cycle(requests), time.perf_counter()
    with selectors.DefaultSelector() as selector:
        opened = [_Connection(address, selector, load) for _ in range(connections)]
        for one in opened:
            one.send(next(turn))
        while selector.get_map():
            ready = selector.select(timeout=1.0)
            now = time.perf_counter()
            for key, _ in ready:
                one = key.data
                if one.read(now) and now - begin < seconds:
                    one.send(next(turn))
            for one in opened:
                one.give_up(now)
        for one in opened:
            one.close()
    load.seconds = time.perf_counter() - begin
    load.latencies_s.sort()
    return load


class _Connection:
    """One connection; it is reopened when the server closes it."""

    def __init__(
        self, address: tuple[str, int], selector: selectors.BaseSelector, load: Load
    ) -> None:
        self._address = address
        self._selector = selector
        self._load = load
        self._socket: socket.socket | None = None
        self._request = Request(b"", 0)
        self._begin = 0.0
        self._received = bytearray()
        self._missing = -1
        """Bytes of the answer still to come; -1 until its header is complete."""

    def send(self, request: Request) -> None:
        """Send a request."""
        self._request, self._begin, self._missing = request, time.perf_counter(), -1
        self._received.clear()
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self._address, timeout=ANSWER_S)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(request.wire)
            self._selector.register(self._socket, selectors.EVENT_READ, self)
        except OSError as error:
            self._fail(type(error).__name__)

    def read(self, now: float) -> bool:
        """Read what has arrived; returns whether this request is finished."""
        if self._socket is None:
            return True
        try:
            part = self._socket.recv(1 << 18)
        except OSError as error:
            self._fail(type(error).__name__)
            return True
        if not part:
            self._fail("closed within an answer" if self._received else "closed before an answer")
            return True
        self._received += part
        if self._missing < 0:
            self._read_header()
        else:
            self._missing -= len(part)
        if self._missing:
            return False
        self._finish(now)
        return True

    def give_up(self, now: float) -> None:
        """Close the connection if the answer is overdue."""
        if self._socket is not None and now - self._begin > ANSWER_S and self._is_waiting():
            self._fail("no answer")

    def _is_waiting(self) -> bool:
        return self._socket is not None and self._socket in self._selector.get_map()

    def _read_header(self) -> None:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        header = bytes(self._received[:end]).lower()
        _, found, after = header.partition(b"\r\ncontent-length:")
        length = int(after.split(b"\r\n", 1)[0]) if found else 0
        self._missing = length - (len(self._received) - end - 4)

    def _finish(self, now: float) -> None:
        head, _, body = bytes(self._received).partition(b"\r\n\r\n")
        status = head[9:12].decode("ascii", "replace")
        if status != "200":
            self._load.failures[status] += 1
        elif not _in_order(body, self._request.marks):
            self._load.failures["another answer"] += 1
        else:
            self._load.latencies_s.append(now - self._begin)
            self._load.clients += self._request.clients
        self._unregister()
        if head.startswith(b"HTTP/1.0") or b"connection: close" in head.lower():
            self.close()

    def _fail(self, kind: str) -> None:
        self._load.failures[kind] += 1
        self._unregister()
        self.close()

    def _unregister(self) -> None:
        if self._socket is not None and self._is_waiting():
            self._selector.unregister(self._socket)

    def close(self) -> None:
        """Close it, if it is open."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _in_order(body: bytes, marks: Sequence[bytes]) -> bool:
    place = 0
    for mark in marks:
        place = body.find(mark, place)
        if place < 0:
            return False
        place += len(mark)
    return True
