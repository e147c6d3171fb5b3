"""Ways to ask a running server: politely, by boto3, and byte by byte."""

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
"""The only statuses of 500 and more that a caller may ever see."""


def send(
    url: str,
    path: str = "/invocations",
    body: object = None,
    method: str = "POST",
    timeout_s: float = TIMEOUT_S,
    **headers: str,
) -> HttpResponse:
    """One request on a connection of its own; what is neither bytes nor None goes out as JSON.

    Names of headers are given with '_' for '-'.
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
    """What an error says."""
    return str(answer.json["error"])


def send_raw(url: str, wire: bytes, timeout_s: float = 15, close_writing: bool = False) -> bytes:
    """Bytes over a fresh connection, and all that comes back until it ends or falls silent."""
    parts = urlsplit(url)
    came = bytearray()
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout_s) as line:
        with suppress(BrokenPipeError, ConnectionResetError):
            line.sendall(wire)
        if close_writing:
            line.shutdown(socket.SHUT_WR)
        with suppress(TimeoutError, ConnectionResetError):
            while part := line.recv(1 << 16):
                came += part
    return bytes(came)


@lru_cache(maxsize=8)
def runtime(url: str) -> Any:
    """boto3's `sagemaker-runtime`, which posts to `/endpoints/NAME/invocations` of the server."""
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}, read_timeout=60)
    return boto3.client(
        "sagemaker-runtime", endpoint_url=url, region_name="us-east-1", config=config
    )


@lru_cache(maxsize=1)
def sample_clients() -> list[dict[str, str]]:
    """Clients of the sample, most of whom have a company in its table."""
    found = generate_clients(SampleConfig(), "test")
    columns = found.records.columns
    return [
        {"client_id": client_id}
        | {name: texts[place] for name, texts in columns.items() if texts[place]}
        for place, client_id in enumerate(found.records.ids)
    ]


def many_clients(count: int) -> list[dict[str, str]]:
    """So many clients, those of the sample over and over, each with an id of its own."""
    known = sample_clients()
    return [known[place % len(known)] | {"client_id": f"m{place}"} for place in range(count)]


def ids_of(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """The client ids of results."""
    return [result["client_id"] for result in results]
