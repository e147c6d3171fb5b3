"""uvicorn's HTTP protocol, whose own refusals get a request id, a log line and a count, too."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.logs import RequestLog
from serving.middleware import UNMATCHED, error_response, finish_request, request_id_of

_SENTENCE = "expected an HTTP/1.1 request, got a malformed one; check its request line and headers"


class LoggedHttpProtocol(HttpToolsProtocol):
    """Answers what cannot be parsed as the application answers everything else.

    The application has `metrics` and `embed_metrics` in its state.
    """

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
