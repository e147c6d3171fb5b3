"""The user's program against a small endpoint that fails as told; restarting loses nothing."""

import csv
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from examples import link_clients

Answering = Callable[[list[dict[str, str]]], list[dict[str, Any]]]
REJECTED = b'{"error":"expected a body of at most 6291456 bytes, got a larger one"}'
MODEL_ERROR = {"x-amzn-errortype": "ModelError"}
"""How SageMaker marks a status that comes from the container."""


def all_declined(clients: list[dict[str, str]]) -> list[dict[str, Any]]:
    return [{"client_id": client["client_id"], "decision": "no_match"} for client in clients]


@dataclass
class FakeEndpoint:
    """Answers every request, but the next ones with the failures that are told."""

    failures: deque[tuple[int, bytes, dict[str, str]]] = field(default_factory=deque)
    """Status, body and headers; status 0 breaks the connection."""
    answer: Answering = all_declined
    most: int = 1_000_000
    """Clients of a request, above which it answers with 413."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Bodies that were answered."""
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def reply(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        if self.failures:
            return self.failures.popleft()
        asked = json.loads(body)
        if len(asked["clients"]) > self.most:
            return 413, REJECTED, {}
        self.asked.append(asked)
        shared = {"model": {"name": "shop", "version": "1"}, "stale": False}
        return 200, json.dumps({**shared, "results": self.answer(asked["clients"])}).encode(), {}


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    fake = FakeEndpoint()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            fake.headers.append({name.lower(): text for name, text in self.headers.items()})
            status, body, headers = fake.reply(self.rfile.read(int(self.headers["content-length"])))
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            for name, text in {"content-length": str(len(body)), **headers}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield fake
        server.shutdown()
        thread.join()


@pytest.fixture
def run(
    endpoint: FakeEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """Runs the program on `clients.csv` without the long pauses."""
    monkeypatch.setattr(link_clients, "FIRST_PAUSE_S", 0.001)

    def program(*words: str) -> int:
        places = [str(tmp_path / "clients.csv"), str(tmp_path / "results.csv")]
        return link_clients.main([*places, "--endpoint-url", endpoint.url, *words])

    return program


def write_list(folder: Path, count: int) -> None:
    rows = "".join(f"c{number},社{number}\n" for number in range(count))
    (folder / "clients.csv").write_text(f"client_id,name\n{rows}", encoding="utf-8")


def results_in(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_list_goes_out_in_splits_and_comes_back_in_its_order(
    run: Callable[..., int], endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    write_list(tmp_path, 25)

    code = run("--split-size", "10", "--parallel", "3")

    assert code == 0
    assert sorted(len(asked["clients"]) for asked in endpoint.asked) == [5, 10, 10]
    assert [row["client_id"] for row in results_in(tmp_path)] == [f"c{n}" for n in range(25)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clients.csv", "results.csv"]


def test_a_result_stands_beside_the_columns_of_the_list(
    run: Callable[..., int], endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    (tmp_path / "clients.csv").write_bytes('会社名,担当\n"アクメ, 東京",山田\n'.encode("cp932"))
    endpoint.answer = lambda clients: [
        {
            "client_id": clients[0]["client_id"],
            "decision": "link",
            "company_id": "7",
            "confidence": 0.9,
            "reason": "equal name",
            "company": {"name": clients[0]["name"]},
        }
    ]

    code = run("--map", "name=会社名", "--encoding", "cp932", "--target-model", "a")

    (row,) = results_in(tmp_path)
    assert code == 0
    assert endpoint.headers[0]["x-amzn-sagemaker-target-model"] == "a"
    assert (row["client_id"], row["decision"], row["company_id"]) == ("0", "link", "7")
    assert (row["company_name"], row["会社名"], row["担当"]) == (
        "アクメ, 東京",
        "アクメ, 東京",
        "山田",
    )
    assert (row["model"], row["model_version"], row["stale"]) == ("shop", "1", "false")


@pytest.mark.parametrize(
    "failure",
    [
        (429, b"{}", {"x-amzn-errortype": "ThrottlingException"}),
        (400, b"{}", {"x-amzn-errortype": "ThrottlingException"}),
        (500, b"Internal Server Error", {}),
        (503, b'{"error":"busy"}', {"retry-after": "0"}),
        (504, b"", {}),
        (424, b'{"OriginalStatusCode":503,"OriginalMessage":"busy"}', MODEL_ERROR),
        (200, b'{"results": [', {}),
        (0, b"", {}),
    ],
    ids=["429", "throttled", "500", "503", "504", "503-by-sagemaker", "torn", "broken"],
)
def test_what_fails_in_passing_is_sent_again(
    run: Callable[..., int],
    endpoint: FakeEndpoint,
    tmp_path: Path,
    failure: tuple[int, bytes, dict[str, str]],
) -> None:
    write_list(tmp_path, 3)
    endpoint.failures.extend([failure, failure])

    assert run() == 0
    assert [row["client_id"] for row in results_in(tmp_path)] == ["c0", "c1", "c2"]


def test_a_pause_is_as_long_as_the_endpoint_asks_for(
    run: Callable[..., int],
    endpoint: FakeEndpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(
        threading.Event, "wait", lambda self, pause=None: pauses.append(pause or 0.0)
    )
    client = link_clients.connect(
        link_clients.parse(["in.csv", "out.csv", "--endpoint-url", endpoint.url])
    )
    endpoint.failures.append((503, b"{}", {"retry-after": "7"}))

    client.link([{"client_id": "a", "name": "アクメ"}])

    assert 7.0 <= max(pauses) <= 7.0 + link_clients.FIRST_PAUSE_S


def test_a_request_that_is_refused_ends_with_the_reason(
    run: Callable[..., int],
    endpoint: FakeEndpoint,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_list(tmp_path, 3)
    told = b'{"OriginalStatusCode":404,"OriginalMessage":"expected a loaded model, got \'b\'"}'
    endpoint.failures.append((424, told, MODEL_ERROR))

    assert run() == 1
    assert "expected a loaded model, got 'b'" in capsys.readouterr().err
    assert not (tmp_path / "results.csv").exists()


def test_an_endpoint_that_is_away_ends_with_a_sentence(
    endpoint: FakeEndpoint,
    run: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_list(tmp_path, 3)
    endpoint.url = "http://127.0.0.1:1"

    assert run("--attempts", "2") == 1
    assert "gave up after 2 attempts" in capsys.readouterr().err


def test_a_split_that_is_too_large_goes_out_in_halves(
    run: Callable[..., int], endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    write_list(tmp_path, 9)
    endpoint.most = 3

    assert run() == 0
    assert [row["client_id"] for row in results_in(tmp_path)] == [f"c{n}" for n in range(9)]
    assert max(len(asked["clients"]) for asked in endpoint.asked) <= 3


def test_one_client_that_is_too_large_is_no_endless_halving(
    run: Callable[..., int], endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    write_list(tmp_path, 2)
    endpoint.most = 0

    assert run() == 1


def test_results_of_other_clients_are_never_written(
    run: Callable[..., int],
    endpoint: FakeEndpoint,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_list(tmp_path, 3)
    endpoint.answer = lambda clients: all_declined(clients[::-1])

    assert run() == 1
    assert "in their order" in capsys.readouterr().err


def test_the_same_command_goes_on_where_it_had_to_give_up(
    run: Callable[..., int], endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    write_list(tmp_path, 30)
    fail_from = {"c20"}

    def fail_late(clients: list[dict[str, str]]) -> list[dict[str, Any]]:
        return [] if clients[0]["client_id"] in fail_from else all_declined(clients)

    endpoint.answer = fail_late
    broken = run("--split-size", "10", "--parallel", "1")
    # a power cut tears the last row
    with (tmp_path / "results.csv.partial").open("ab") as file:
        file.write(b'c20,"torn')
    endpoint.answer = all_declined
    first = len(endpoint.asked)
    whole = run("--split-size", "10", "--parallel", "1")

    assert (broken, whole) == (1, 0)
    assert [row["client_id"] for row in results_in(tmp_path)] == [f"c{n}" for n in range(30)]
    assert [asked["clients"][0]["client_id"] for asked in endpoint.asked[first:]] == ["c20"]


def test_a_list_that_has_changed_is_linked_anew(
    run: Callable[..., int], endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    write_list(tmp_path, 20)
    endpoint.answer = lambda clients: (
        [] if clients[0]["client_id"] == "c10" else all_declined(clients)
    )
    run("--split-size", "10", "--parallel", "1")
    write_list(tmp_path, 21)
    endpoint.answer = all_declined

    assert run("--split-size", "10") == 0
    assert len(results_in(tmp_path)) == 21
    assert sum(len(asked["clients"]) for asked in endpoint.asked[2:]) == 21


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "expected columns"),
        (b"naem\nx\n", "expected columns"),
        (b"name,city\nx\n", "line 2: expected 2 columns, got 1"),
        (b'name\n"open\nx\ny\n', "unexpected end of data"),
        (b"name\n\x81\n", "--encoding"),
    ],
)
def test_a_list_that_cannot_be_read_says_where(
    run: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes,
    told: str,
) -> None:
    (tmp_path / "clients.csv").write_bytes(content)

    assert run() == 1
    assert told in capsys.readouterr().err


def test_a_warning_of_the_endpoint_is_shown_once(
    endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    client = link_clients.connect(
        link_clients.parse(["in.csv", "out.csv", "--endpoint-url", endpoint.url])
    )
    told = {"results": all_declined([{"client_id": "a"}]), "warnings": ["field 'x' is not read"]}
    endpoint.failures.extend([(200, json.dumps(told).encode(), {})] * 2)

    client.link([{"client_id": "a", "x": "アクメ"}])
    client.link([{"client_id": "a", "x": "アクメ"}])

    assert capsys.readouterr().err == "warning: field 'x' is not read\n"
