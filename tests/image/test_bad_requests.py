"""Malformed requests, slow and vanishing callers, and what the log keeps of them."""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.image.callers import ids_of, sample_clients, send, send_raw, sentence
from tests.image.containers import Container, run_container
from tests.serving.http_client import HttpResponse

pytestmark = pytest.mark.image

SECRET_NAME = "株式会社ここだけの秘密"
SECRET_PHONE = "03-9999-4321"


@pytest.fixture(autouse=True)
def answers_afterwards(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test of the shared server, a valid request must be answered."""
    yield
    if "server" in request.fixturenames:
        answer = valid_request(request.getfixturevalue("server"))
        assert (answer.status, ids_of(answer.json["results"])) == (200, ["w"])


def valid_request(server: Container) -> HttpResponse:
    client = sample_clients()[0] | {"client_id": "w"}
    return send(server.url, body={"clients": [client]}, timeout_s=10)


def status_of(wire: bytes) -> int:
    found = re.match(rb"HTTP/1\.[01] (\d{3})", wire)
    return int(found.group(1)) if found else 0


def post(body: bytes, *headers: str, length: int | None = None) -> bytes:
    headers_sent = [*headers, f"Content-Length: {len(body) if length is None else length}"]
    lines = [
        "POST /invocations HTTP/1.1",
        "Host: x",
        "Content-Type: application/json",
        *headers_sent,
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


ODD_VALUES: tuple[Any, ...] = (None, True, 1, 1.5, 9**99, "", [], {}, [{}])
BODIES = {
    "nothing": b"",
    "truncated": b'{"clients":[{"name":"tr',
    "not an object": b'["clients"]',
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "deep and closed": b'{"clients":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "a number of many digits": b'{"clients":[{"name":' + b"9" * 100_000 + b"}]}",
    "a number without end": b'{"clients":[{"name":1e999999}]}',
    "not a number": b'{"clients":[{"name":NaN,"client_id":-Infinity}]}',
    "zero bytes": b'{"clients":[{"name":"a\x00b"}]}',
    "escaped zero bytes": b'{"clients":[{"name":"a\\u0000b","city":"\\u0000"}]}',
    "lone surrogates": b'{"clients":[{"name":"\\ud800","client_id":"\\udfff","\\ud800":1}]}',
    "encoded surrogates": b'{"clients":[{"name":"\xed\xa0\x80"}]}',
    "not utf-8": b'{"clients":[{"name":"\xff\xfe"}]}',
    "utf-16": '{"clients":[]}'.encode("utf-16"),
    "a mark, then JSON": b'\xef\xbb\xbf{"clients":[{"name":"a"}]}',
    "an unknown mode": b'{"mode":"drop table","clients":[]}',
    "a mode of another type": b'{"mode":{"a":[]},"clients":[]}',
    "clients of another type": b'{"clients":"abc"}',
    "every type as a client": b'{"clients":[null,true,1,1.5,"s",[],{},[{}]]}',
    "every type as a field": json.dumps(
        {"clients": [{"name": value} for value in ODD_VALUES]}
    ).encode(),
    "every type as an id": json.dumps(
        {"clients": [{"name": "a", "client_id": value} for value in ODD_VALUES]}
    ).encode(),
    "half a million fields": b'{"clients":[{%s}]}'
    % b",".join(b'"f%d":0' % n for n in range(500_000)),
    "three million clients": b'{"clients":[' + b"0," * 2_999_000 + b"0]}",
    "a megabyte as a name": b'{"clients":[{"name":"' + b"a" * 1_000_000 + b'"}]}',
}


@pytest.mark.parametrize("name", BODIES)
def test_no_json_body_makes_the_server_fail(server: Container, name: str) -> None:
    answer = send(server.url, body=BODIES[name], content_type="application/json")

    assert answer.status < 500
    assert_is_clean(answer)
    if answer.status >= 400:
        assert len(sentence(answer)) < 500


def assert_is_clean(answer: HttpResponse) -> None:
    """The answer shows no traceback, file or module."""
    text = answer.body.decode("utf-8", "replace")
    for leak in ("Traceback", ".py", "/opt/", "/usr/", "/tmp/", "linkage_rl."):
        assert leak not in text


@pytest.mark.parametrize("kind", ["text/csv", "application/jsonlines"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n\n",
        b"\x00",
        b'"',
        b'name\n"a',
        b"name\n" + b"," * 100_000,
        b"name," * 10_000 + b"\n",
        b"name\n" + b"x" * 3_000_000,
        b"\xff\xfe\x00",
        b"[" * 100_000 + b"\n{}",
        "name\n\ud800\n".encode("utf-8", "surrogatepass"),
    ],
)
def test_no_lines_make_the_server_fail(server: Container, kind: str, body: bytes) -> None:
    answer = send(server.url, body=body, content_type=kind)

    assert answer.status < 500
    assert_is_clean(answer)


@pytest.mark.parametrize(
    ("wire", "statuses"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", {400}),
        (b"GARBAGE\r\n\r\n", {400}),
        (b"GET /ping HTTP/9.9\r\nHost: x\r\n\r\n", {400}),
        (b"GET /ping HTTP/1.1\r\nHost: x\r\nNo colon here\r\n\r\n", {200, 400}),
        (b"GET /ping HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n", {400}),
        (b"GET /ping\r\n", {0, 400}),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
        (b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404}),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", {414}),
        (post(b"{}", "Content-Length: 3"), {400}),
        (post(b"{}", length=-1), {400}),
        (post(b"{}", "Transfer-Encoding: gzip, chunked"), {400}),
        (post(b"{}", "Expect: 100-continue", "Connection: close"), {100, 400}),
        (post(b"", length=10**30), {400, 413}),
        (post(b"", length=7_000_000), {413}),
    ],
)
def test_what_is_not_http_is_refused(server: Container, wire: bytes, statuses: set[int]) -> None:
    answer = send_raw(server.url, wire, timeout_s=3, close_writing=False)

    assert status_of(answer) in statuses
    assert b"Traceback" not in answer


def test_headers_without_end_are_refused(server: Container) -> None:
    junk = "".join(f"X-Junk-{number}: {number:032}\r\n" for number in range(100_000))

    answer = send_raw(server.url, f"GET /ping HTTP/1.1\r\nHost: x\r\n{junk}\r\n".encode())

    assert status_of(answer) in (0, 400, 431)


def test_a_body_in_chunks_is_answered(server: Container) -> None:
    body = json.dumps({"clients": [{"client_id": "c", "name": "アクメ"}]}).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (1, body[n : n + 1]) for n in range(len(body)))
    head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"

    answer = send_raw(server.url, head + b"Connection: close\r\n\r\n" + chunks + b"0\r\n\r\n")

    assert status_of(answer) == 200
    assert b'"client_id":"c"' in answer


def test_chunks_without_end_are_refused(server: Container) -> None:
    head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    answer = send_raw(server.url, head + b"100000\r\n%s\r\n" % (b" " * (1 << 20)) * 7)

    assert status_of(answer) in (0, 400, 413)


def test_a_request_sent_behind_another_is_answered_in_turn(server: Container) -> None:
    bodies = [
        json.dumps({"clients": [{"client_id": f"p{n}", "name": "アクメ"}]}).encode()
        for n in range(20)
    ]
    wire = b"".join(map(post, bodies[:-1])) + post(bodies[-1], "Connection: close")

    answer = send_raw(server.url, wire)

    assert re.findall(rb'"client_id":"(p\d+)"', answer) == [b"p%d" % n for n in range(20)]


def test_a_body_shorter_than_its_content_length_times_out(server: Container) -> None:
    begin = time.monotonic()

    answer = send_raw(server.url, post(b'{"clients":[', length=500), timeout_s=20)

    assert status_of(answer) in (0, 408)
    assert time.monotonic() - begin < 15


def test_a_caller_that_stops_writing_is_still_answered(server: Container) -> None:
    body = json.dumps({"clients": [{"client_id": "h", "name": "アクメ"}]}).encode()

    answer = send_raw(server.url, post(body, "Connection: close"), close_writing=True)

    assert b'"client_id":"h"' in answer or answer == b""


def test_callers_that_disconnect_do_not_affect_others(server: Container) -> None:
    body = json.dumps({"clients": sample_clients()[:1000]}).encode()
    parts = urlsplit(server.url)
    for _ in range(20):
        with socket.create_connection((parts.hostname or "", parts.port or 80)) as line:
            line.sendall(post(body))
            time.sleep(0.01)

    begin = time.monotonic()
    assert valid_request(server).status == 200
    assert time.monotonic() - begin < 5


def test_a_hundred_slow_callers_do_not_keep_others_waiting(server: Container) -> None:
    """Each sends a byte of its headers or its body from time to time, until it is disconnected."""
    head, body = b"POST /invocations HTTP/1.1\r\nHost: x\r\nX-Slow: ", post(b"{", length=100)
    parts = urlsplit(server.url)
    with ExitStack() as lines:
        slow = [
            lines.enter_context(socket.create_connection((parts.hostname or "", parts.port or 80)))
            for _ in range(100)
        ]
        for place, line in enumerate(slow):
            line.sendall(body if place % 2 else head)
        waits = []
        until = time.monotonic() + 13
        while time.monotonic() < until:
            begin = time.monotonic()
            assert valid_request(server).status == 200
            waits.append(time.monotonic() - begin)
            for line in slow[:50:2]:
                _trickle(line)
            time.sleep(0.5)
        disconnected = sum(_is_disconnected(line) for line in slow)

    assert max(waits) < 2
    assert disconnected == 100


def _trickle(line: socket.socket) -> None:
    try:
        line.send(b"a")
    except OSError:
        return


def _is_disconnected(line: socket.socket) -> bool:
    line.settimeout(3)
    try:
        while line.recv(1 << 16):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def test_the_log_contains_counts_and_no_client_data(image: str, sample_bundle: Path) -> None:
    """For valid, invalid and malformed requests, and for URLs with client data."""
    client = {"client_id": "planted-id", "name": SECRET_NAME, "phone": SECRET_PHONE}
    invalid = {**client, "city": True, SECRET_NAME: 1}
    query = "name=planted-query"
    with run_container(image, sample_bundle, DB_PASS="planted-password") as logging:
        for body in ({"clients": [client, invalid]}, {"mode": SECRET_NAME}, [SECRET_NAME]):
            send(logging.url, f"/invocations?{query}", body, x_secret="planted-header")
        send(logging.url, f"/planted-path?{query}", method="GET")
        send(logging.url, "/models/planted-model", method="GET")
        send(logging.url, body=SECRET_NAME.encode(), content_type="text/csv")
        send_raw(logging.url, post(SECRET_NAME.encode(), length=10**9), timeout_s=2)
        send_raw(logging.url, f"GET /{query} BROKEN\r\n\r\n".encode(), timeout_s=2)
        log = logging.logs()

    for planted in (SECRET_NAME, json.dumps(SECRET_NAME)[1:-1], SECRET_PHONE, "planted"):
        assert planted not in log
    lines = [json.loads(line) for line in log.splitlines()]
    assert any(line.get("clients") == 2 and line.get("errors") == 1 for line in lines)
