"""uvicorn's HTTP protocol: its own refusals are logged, too, and answers leave in one piece."""

import math
from collections.abc import Sequence
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import (
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from serving.http_request import Message
from serving.logs import RequestLog
from serving.replies import UNMATCHED, error_reply, request_id_of

Headers = Sequence[tuple[bytes, bytes]]

_OF_UVICORN: Final = (b"connection", b"transfer-encoding")
"""Headers that say how the connection goes on."""
_SENTENCE: Final = (
    "expected an HTTP/1.1 request, got a malformed one; check its request line and headers"
)


class LoggedHttpProtocol(HttpToolsProtocol):
    """Answers what cannot be parsed as the application answers everything else.

    The application is a `Server`. Of each answer it sends head and body in one piece, since a
    worker that is killed in between would leave half an answer, which nginx cannot ask again.
    """

    _idle_since = math.inf
    """When the last answer was sent, on the clock of the event loop; never while one is due."""

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that is not HTTP, and close the connection."""
        headers = {
            name.decode("latin-1").lower(): text.decode("latin-1")
            for name, text in self.headers or ()
        }
        log = RequestLog(request_id_of(headers), "", UNMATCHED, status=400, reason="MALFORMED")
        reply = error_reply(_SENTENCE, log.status, log.request_id)
        log.bytes_out = len(reply.body)
        head = [*reply.raw_headers(log.request_id), (b"connection", b"close")]
        self.transport.write(_head_of(log.status, head) + reply.body)
        self.transport.close()
        self.config.app.finish(log)  # type: ignore[union-attr]

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of a connection."""
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

    def on_response_complete(self) -> None:
        """Go on after an answer: with a request that came before it was sent, or idle."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        # one timer looks after all requests of a connection; each with its own would cost more
        if self.timeout_keep_alive_task is None:
            self._look_again_after(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that is idle for too long; look again later where it is not."""
        idle_s = max(self.loop.time() - self._idle_since, 0)
        if idle_s >= self.timeout_keep_alive:
            super().timeout_keep_alive_handler()
        else:
            self._look_again_after(self.timeout_keep_alive - idle_s)

    def _look_again_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = math.inf

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.send = _WholeAnswer(cycle).send  # type: ignore[method-assign, assignment]
        super()._start_asgi_task(cycle, app)


class _WholeAnswer:
    """Sends one answer whose body is one message; any other one is left to uvicorn."""

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        """Keep the head, then send it with the body."""
        if message["type"] == "http.response.start" and not self._cycle.response_started:
            # in place of one whose body could not be made
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            if _is_whole(start["headers"], message):
                await self._send_whole(start["status"], start["headers"], message["body"])
                # nothing is sent after it, and the cycle need not wait for the garbage collector
                vars(self._cycle).pop("send", None)
                return
            await RequestResponseCycle.send(self._cycle, start)  # type: ignore[arg-type]
        await RequestResponseCycle.send(self._cycle, message)  # type: ignore[arg-type]

    async def _send_whole(self, status: int, headers: Headers, body: bytes) -> None:
        cycle = self._cycle
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        close = [] if cycle.keep_alive else [(b"connection", b"close")]
        parts = [_head_of(status, [*cycle.default_headers, *headers, *close])]
        cycle.response_started = True
        if cycle.scope["method"] != "HEAD":
            parts.append(body)
        # the other side may have gone meanwhile
        if not cycle.transport.is_closing():
            cycle.transport.writelines(parts)
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()


def _is_whole(headers: Headers, message: Message) -> bool:
    """Whether this is all of a body, of which the head says how long it is and nothing else."""
    names = {name for name, _ in headers}
    return (
        "body" in message
        and not message.get("more_body", False)
        and (b"content-length", b"%d" % len(message["body"])) in headers
        and names.isdisjoint(_OF_UVICORN)
    )


def _head_of(status: int, headers: Headers) -> bytes:
    """The head of an answer.

    Raises:
        RuntimeError: A header has characters that would end it.
    """
    lines = [b": ".join(header) for header in headers]
    if HEADER_VALUE_RE.search(b"".join(lines)):
        raise RuntimeError("expected header values without control characters")
    return b"".join([STATUS_LINE[status], b"\r\n".join(lines), b"\r\n\r\n"])
