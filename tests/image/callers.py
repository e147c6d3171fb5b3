"""Ways to call a running server: by an HTTP client, by boto3, and by raw bytes."""

import json
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from linkage_rl.tables.sample import SampleConfig, generate_clients
from tests.serving.http_client import TIMEOUT_S, HttpResponse

JSON = "application/json"
JSON_LINES = "application/jsonlines"
CSV = "text/csv"
DOCUMENTED = frozenset({503, 507})
"""The only 5xx statuses that a caller may get."""


def send(
    url: str,
    path: str = "/invocations",
    body: object = None,
    method: str = "POST",
    timeout_s: float = TIMEOUT_S,
    **headers: str,
) -> HttpResponse:
    """Send one request on its own connection; a body that is neither bytes nor None becomes JSON.

    Names of headers have '_' in place of '-'.
    """
    parts = urlsplit(url)
    given = {name.replace("_", "-"): text for name, text in headers.items()}
    if body is not None and not isinstance(body, bytes):
        given.setdefault("content-type", JSON)
        body = json.dumps(body, ensure_ascii=False).encode()
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        found = {name.lower(): text for name, text in answer.getheaders()}
        return HttpResponse(answer.status, found, answer.read())
    finally:
        connection.close()


def sentence(answer: HttpResponse) -> str:
    """The sentence of an error."""
    return str(answer.json["error"])


def send_raw(url: str, wire: bytes, timeout_s: float = 15, close_writing: bool = False) -> bytes:
    """Send bytes on a new connection; returns all that comes back until it closes or times out."""
    parts = urlsplit(url)
    received = bytearray()
    with socket.create_connection(
        (parts.hostname or "", parts.port or 80), timeout_s
    ) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(wire)
        if close_writing:
            connection.shutdown(socket.SHUT_WR)
        with suppress(TimeoutError, ConnectionResetError):
            while part := connection.recv(1 << 16):
                received += part
    return bytes(received)


@lru_cache(maxsize=8)
def runtime(url: str) -> Any:
    """boto3's `sagemaker-runtime`, which posts to `/endpoints/NAME/invocations` of the server."""
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}, read_timeout=60)
    return boto3.client(
        "sagemaker-runtime", endpoint_url=url, region_name="us-east-1", config=config
    )


@lru_cache(maxsize=1)
def sample_clients() -> list[dict[str, str]]:
    """Clients of the sample; most have a company in its table."""
    found = generate_clients(SampleConfig(), "test")
    columns = found.records.columns
    return [
        {"client_id": client_id}
        | {name: texts[place] for name, texts in columns.items() if texts[place]}
        for place, client_id in enumerate(found.records.ids)
    ]


def many_clients(count: int) -> list[dict[str, str]]:
    """A number of clients: those of the sample, repeated, each with a unique id."""
    known = sample_clients()
    return [known[place % len(known)] | {"client_id": f"m{place}"} for place in range(count)]


def ids_of(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """The client ids of results."""
    return [result["client_id"] for result in results]
