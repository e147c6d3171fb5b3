"""uvicorn's HTTP protocol: its own refusals are logged, too, and answers leave in one piece."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.logs import RequestLog
from serving.middleware import UNMATCHED, error_response, finish_request, request_id_of

_SENTENCE = "expected an HTTP/1.1 request, got a malformed one; check its request line and headers"


class LoggedHttpProtocol(HttpToolsProtocol):
    """Answers what cannot be parsed as the application answers everything else.

    The application has `metrics` and `embed_metrics` in its state.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a new connection."""
        super().connection_made(JoiningTransport(transport, self.loop))  # type: ignore[arg-type]

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that is not HTTP, and close the connection."""
        state = self.config.app.state  # type: ignore[union-attr]
        headers = {
            name.decode("latin-1").lower(): text.decode("latin-1")
            for name, text in self.headers or ()
        }
        log = RequestLog(request_id_of(headers), "", UNMATCHED, status=400, reason="MALFORMED")
        response = error_response(_SENTENCE, log.status, log.request_id)
        log.bytes_out = len(response.body)
        head = [*response.raw_headers, (b"connection", b"close")]
        head.append((b"x-request-id", log.request_id.encode()))
        lines = [b"HTTP/1.1 400 Bad Request", *(b": ".join(header) for header in head)]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + bytes(response.body))
        self.transport.close()
        finish_request(log, state.metrics, state.embed_metrics)


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
        """Send this, and what else is written before the event loop goes on."""
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts.append(part)

    def close(self) -> None:
        """Close the connection when all of it is sent."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        parts, self._parts = self._parts, []
        # the other side may have gone meanwhile
        if parts and not self._transport.is_closing():
            self._transport.writelines(parts)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
