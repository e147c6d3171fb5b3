"""Sends one HTTP request and returns its answer, whatever the status."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TIMEOUT_S = 60


@dataclass(frozen=True)
class HttpResponse:
    """An answer received over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def send(
    url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Send a POST if there is a body, else a GET."""
    request = urllib.request.Request(url, body, dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return HttpResponse(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        return HttpResponse(error.code, dict(error.headers), error.read())


def free_port() -> int:
    """An unused port of the loopback interface."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
