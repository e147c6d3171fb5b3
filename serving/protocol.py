"""uvicorn's HTTP protocol: its own refusals are logged, too, and answers leave in one piece."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.logs import RequestLog
from serving.replies import UNMATCHED, error_reply, request_id_of

_SENTENCE = "expected an HTTP/1.1 request, got a malformed one; check its request line and headers"


class LoggedHttpProtocol(HttpToolsProtocol):
    """Answers what cannot be parsed as the application answers everything else.

    The application is a `Server`.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a new connection."""
        super().connection_made(JoiningTransport(transport, self.loop))  # type: ignore[arg-type]

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
        lines = [b"HTTP/1.1 400 Bad Request", *(b": ".join(header) for header in head)]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + reply.body)
        self.transport.close()
        self.config.app.finish(log)  # type: ignore[union-attr]

    def on_response_complete(self) -> None:
        """Send the answer, of which uvicorn has written everything."""
        self.transport.flush()  # type: ignore[attr-defined]
        super().on_response_complete()


class JoiningTransport:
    """A transport that sends what is written one after the other in one piece.

    uvicorn writes head and body of an answer separately, and uvloop sends each at once. A worker
    that is killed in between would leave half an answer, which nginx cannot ask again.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> None:
        """Send this with what else is written before `flush`, or before the event loop goes on."""
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(part)

    def close(self) -> None:
        """Close the connection when all of it is sent."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Send what was written."""
        parts, self._parts = self._parts, []
        # the other side may have gone meanwhile
        if parts and not self._transport.is_closing():
            self._transport.writelines(parts)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
