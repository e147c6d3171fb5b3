"""What is not HTTP is answered, logged and counted by a worker, as nginx is not always in front."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from starlette.responses import Response, StreamingResponse
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

    def pause_reading(self) -> None:
        """Nothing more is read in any case."""

    def resume_reading(self) -> None:
        """As above."""


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


def exchanged(app: Any, sent: bytes, idle_s: float = 75, wait_s: float = 0.01) -> Recorder:
    """What a worker's protocol writes for one request, some time after it was sent."""

    async def answer() -> Recorder:
        config = uvicorn.Config(app, log_config=None, timeout_keep_alive=idle_s)  # type: ignore[arg-type]
        config.load()
        protocol, connection = LoggedHttpProtocol(config, ServerState(), {}), Recorder()
        protocol.connection_made(connection)
        protocol.data_received(sent)
        await asyncio.sleep(wait_s)
        return connection

    return asyncio.run(answer())


def test_the_answer_to_head_has_no_body() -> None:
    connection = exchanged(Response(b"a body"), b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")

    assert b"\r\ncontent-length: 6\r\n" in connection.written
    assert connection.written.endswith(b"\r\n\r\n")
    assert not connection.closed


def test_a_connection_is_closed_where_its_caller_says_so() -> None:
    sent = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    connection = exchanged(Response(b"a body"), sent)

    assert b"\r\nconnection: close\r\n\r\na body" in connection.written
    assert connection.closed


def test_requests_that_come_together_are_answered_in_their_order() -> None:
    sent = b"GET /?1 HTTP/1.1\r\nHost: a\r\n\r\n" * 3

    assert exchanged(Response(b"a body"), sent).written.count(b"HTTP/1.1 200 OK\r\n") == 3


def test_an_answer_in_parts_is_left_to_uvicorn() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        yield b"second"

    app = StreamingResponse(parts())

    connection = exchanged(app, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

    assert b"\r\ntransfer-encoding: chunked\r\n" in connection.written
    assert connection.written.endswith(b"5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n")


def test_an_answer_whose_body_cannot_be_made_is_an_error() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("no body")

    connection = exchanged(app, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

    assert connection.written.startswith(b"HTTP/1.1 500 ")
    assert connection.written.endswith(b"\r\n\r\nInternal Server Error")
    assert connection.closed


def test_a_header_cannot_end_the_head() -> None:
    app = Response(b"a body", headers={"X-Other": "a\r\nb: c"})

    connection = exchanged(app, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

    assert connection.written.startswith(b"HTTP/1.1 500 ")
    assert b"b: c" not in connection.written


@pytest.mark.parametrize(("idle_s", "closed"), [(0.02, True), (60, False)])
def test_an_idle_connection_is_closed_after_its_time(idle_s: float, closed: bool) -> None:
    sent = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    assert exchanged(Response(b"a body"), sent, idle_s, wait_s=0.2).closed is closed


def test_the_time_of_an_idle_connection_begins_with_its_last_answer() -> None:
    async def seconds() -> float:
        config = uvicorn.Config(Response(b""), log_config=None, timeout_keep_alive=0.2)  # type: ignore[arg-type]
        config.load()
        protocol, connection = LoggedHttpProtocol(config, ServerState(), {}), Recorder()
        protocol.connection_made(connection)
        for _ in range(4):
            protocol.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await asyncio.sleep(0.1)
        assert not connection.closed
        begin = asyncio.get_running_loop().time()
        while not connection.closed:
            await asyncio.sleep(0.01)
        return asyncio.get_running_loop().time() - begin

    assert asyncio.run(asyncio.wait_for(seconds(), 5)) >= 0.05
