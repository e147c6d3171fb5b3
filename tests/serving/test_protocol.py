"""What is not HTTP is answered, logged and counted by a worker, as nginx is not always in front."""

import asyncio
import json
from typing import Any

import pytest
import uvicorn
from starlette.responses import Response
from starlette.testclient import TestClient
from uvicorn.server import ServerState

from serving.protocol import LoggedHttpProtocol


class Recorder(asyncio.Transport):
    """A connection that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.writes = 0
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.writes += 1
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def answered(app: Any, sent: bytes) -> Recorder:
    """What a worker's protocol writes for bytes that it cannot parse."""

    async def answer() -> Recorder:
        config, connection = uvicorn.Config(app, log_config=None), Recorder()
        protocol = LoggedHttpProtocol(config, ServerState(), {})
        protocol.connection_made(connection)
        protocol.data_received(sent)
        return connection

    return asyncio.run(answer())


@pytest.mark.parametrize(
    "sent",
    [
        b"JUNK\r\n\r\n",
        b"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n",
        b"POST /ping HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
def test_what_is_not_http_gets_an_id_a_log_line_and_a_count(
    client: TestClient, capsys: pytest.CaptureFixture[str], sent: bytes
) -> None:
    connection = answered(client.app, sent)

    head, _, body = connection.written.partition(b"\r\n\r\n")
    answer = json.loads(body)
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert f"x-request-id: {answer['request_id']}".encode() in head
    assert answer["error"].startswith("expected an HTTP/1.1 request, got a malformed one")
    assert connection.closed
    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert (line["request_id"], line["status"]) == (answer["request_id"], 400)
    assert line["bytes_out"] == len(body)
    metrics = client.get("/metrics").text
    assert 'linkage_requests_total{path="unmatched",status="400"} 1.0' in metrics


def test_the_id_of_the_request_is_kept_where_it_was_read(client: TestClient) -> None:
    sent = (
        b"POST /ping HTTP/1.1\r\nX-Request-Id: r1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"
    )

    assert b"x-request-id: r1\r\n" in answered(client.app, sent).written + b"\r\n"


@pytest.mark.parametrize("gone", [False, True])
def test_head_and_body_leave_in_one_piece_so_that_no_kill_can_part_them(gone: bool) -> None:
    async def answer() -> Recorder:
        config = uvicorn.Config(Response(b"a body"), log_config=None)
        config.load()
        protocol, connection = LoggedHttpProtocol(config, ServerState(), {}), Recorder()
        protocol.connection_made(connection)
        protocol.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        # the application answers in the next round
        connection.closed = gone
        await asyncio.sleep(0.01)
        return connection

    connection = asyncio.run(answer())

    assert connection.writes == (0 if gone else 1)
    assert connection.written.endswith(b"" if gone else b"\r\n\r\na body")
