"""Answers over HTTP, and what all of them have in common: a request id, a log line, counters."""

import errno
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from serving.content_type import JSON
from serving.errors import NO_ROOM, RequestError
from serving.http_request import DisconnectedError
from serving.json_steps import to_json
from serving.logs import RequestLog, write_line
from serving.metrics import Metrics

UNMATCHED: Final = "unmatched"
"""Path in logs and metrics of a request that matches no route."""
_REQUEST_ID: Final = re.compile(r"[\w.\-]{1,64}", re.ASCII)
_QUIET: Final = ("/ping", "/metrics")
"""Paths whose successful requests are not logged, since they come every few seconds."""
_INTERNAL_ERROR: Final = "an internal error occurred; it is logged under this request id"

_log = logging.getLogger("serving")


@dataclass(frozen=True)
class Reply:
    """A complete answer."""

    status: int = 200
    body: bytes = b""
    media: str = ""
    """Its Content-Type; '' for none."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further ones by name, in lower case."""

    def raw_headers(self, request_id: str) -> list[tuple[bytes, bytes]]:
        """All headers, those of every answer included."""
        found = [(b"content-length", b"%d" % len(self.body))]
        if self.media:
            found.append((b"content-type", self.media.encode("latin-1")))
        for name, text in self.headers.items():
            found.append((name.encode("latin-1"), text.encode("latin-1")))
        found.append((b"x-request-id", request_id.encode("latin-1")))
        return found


class RefusedError(Exception):
    """A request that no endpoint answers; its text is one sentence for the caller."""

    def __init__(self, sentence: str, status: HTTPStatus, headers: Mapping[str, str] = {}) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers


def json_reply(value: object) -> Reply:
    """A value as JSON."""
    return Reply(200, to_json(value), JSON)


def error_reply(
    sentence: str, status: int, request_id: str, headers: Mapping[str, str] = {}
) -> Reply:
    """An error as JSON."""
    # boto3 shows the text under `message`; without it, nothing but the status
    body = to_json({"error": sentence, "message": sentence, "request_id": request_id})
    return Reply(status, body, JSON, headers)


def reply_to_error(error: Exception, log: RequestLog) -> Reply:
    """What a request is answered whose endpoint raised this error; records its kind in the log."""
    log.reason = type(error).__name__
    if isinstance(error, RequestError):
        after = error.retry_after_s
        headers = {} if after is None else {"retry-after": str(after)}
        return error_reply(str(error), error.status, log.request_id, headers)
    if isinstance(error, RefusedError):
        log.reason = error.status.name
        return error_reply(str(error), error.status, log.request_id, error.headers)
    if isinstance(error, DisconnectedError):
        # only the log sees this answer
        return error_reply("the client disconnected", 400, log.request_id)
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        # a full or read-only disk, or no descriptors left: nothing that the request could change
        log.reason = errno.errorcode[error.errno]
        sentence = (
            f"expected to write to the run folder, got: {error.strerror}; free disk space, or "
            "descriptors by unloading models, then try again"
        )
        return error_reply(sentence, HTTPStatus.INSUFFICIENT_STORAGE, log.request_id)
    _log.error("request %s failed", log.request_id, exc_info=error)
    return error_reply(_INTERNAL_ERROR, 500, log.request_id)


def finish_request(log: RequestLog, metrics: Metrics, embed_metrics: bool) -> None:
    """Count an answered request and write its log line."""
    metrics.count_request(log.path, log.status, log.seconds())
    if log.status >= 400 or log.path not in _QUIET:
        write_line(log.text(embed_metrics))


def request_id_of(headers: Mapping[str, str]) -> str:
    """The id that a caller or a platform has sent, by lower-case header, else a new one."""
    for name in ("x-amzn-requestid", "x-request-id"):
        given = headers.get(name)
        if given and _REQUEST_ID.fullmatch(given):
            return given
    return os.urandom(16).hex()
