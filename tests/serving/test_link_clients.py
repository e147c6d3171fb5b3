"""The example client against a fake endpoint with planned failures; restarts lose nothing."""

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
from tqdm import TMonitor

from examples import link_clients

Answering = Callable[[list[dict[str, str]]], list[dict[str, Any]]]
REJECTED = b'{"error":"expected a body of at most 6291456 bytes, got a larger one"}'
MODEL_ERROR = {"x-amzn-errortype": "ModelError"}
"""How SageMaker marks a status that comes from the container."""


def no_matches(clients: list[dict[str, str]]) -> list[dict[str, Any]]:
    return [{"client_id": client["client_id"], "decision": "no_match"} for client in clients]


@dataclass
class FakeEndpoint:
    """Answers every request, the next ones with the planned failures."""

    failures: deque[tuple[int, bytes, dict[str, str]]] = field(default_factory=deque)
    """Status, body and headers; status 0 breaks the connection."""
    answer: Answering = no_matches
    max_clients: int = 1_000_000
    """Clients above which a request is answered with 413."""
    received: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of the requests that were answered."""
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def reply(self, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        if self.failures:
            return self.failures.popleft()
        content = json.loads(body)
        if len(content["clients"]) > self.max_clients:
            return 413, REJECTED, {}
        self.received.append(content)
        shared = {"model": {"name": "shop", "version": "1"}, "stale": False}
        return 200, json.dumps({**shared, "results": self.answer(content["clients"])}).encode(), {}


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
    """Runs the program on `clients.csv` without long pauses."""
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


def test_a_server_that_asks_for_a_token_gets_it(
    endpoint: FakeEndpoint,
    run: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_list(tmp_path, 1)
    monkeypatch.setenv("LINKAGE_TOKEN", "s3cret\n")

    assert run() == 0

    assert endpoint.headers[0]["authorization"] == "Bearer s3cret"


def test_a_list_is_sent_in_batches_and_results_keep_its_order(
    run: Callable[..., int], endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    write_list(tmp_path, 25)

    code = run("--batch-size", "10", "--parallel", "3")

    assert code == 0
    assert sorted(len(body["clients"]) for body in endpoint.received) == [5, 10, 10]
    assert [row["client_id"] for row in results_in(tmp_path)] == [f"c{n}" for n in range(25)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clients.csv", "results.csv"]


def test_a_result_is_written_beside_the_columns_of_the_list(
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
    ids=["429", "throttled", "500", "503", "504", "503-by-sagemaker", "truncated", "disconnected"],
)
def test_temporary_failures_are_retried(
    run: Callable[..., int],
    endpoint: FakeEndpoint,
    tmp_path: Path,
    failure: tuple[int, bytes, dict[str, str]],
) -> None:
    write_list(tmp_path, 3)
    endpoint.failures.extend([failure, failure])

    assert run() == 0
    assert [row["client_id"] for row in results_in(tmp_path)] == ["c0", "c1", "c2"]


def test_a_pause_is_as_long_as_retry_after_requests(
    run: Callable[..., int],
    endpoint: FakeEndpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    really_wait = threading.Event.wait

    def wait(event: threading.Event, pause: float | None = None) -> bool:
        # the thread that watches progress bars, started by another test, waits as well
        if isinstance(threading.current_thread(), TMonitor):
            return really_wait(event, pause)
        pauses.append(pause or 0.0)
        return False

    monkeypatch.setattr(threading.Event, "wait", wait)
    client = link_clients.connect(
        link_clients.parse(["in.csv", "out.csv", "--endpoint-url", endpoint.url])
    )
    endpoint.failures.append((503, b"{}", {"retry-after": "7"}))

    client.link([{"client_id": "a", "name": "アクメ"}])

    assert 7.0 <= max(pauses) <= 7.0 + link_clients.FIRST_PAUSE_S


def test_a_refused_request_ends_with_the_reason(
    run: Callable[..., int],
    endpoint: FakeEndpoint,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_list(tmp_path, 3)
    refusal = b'{"OriginalStatusCode":404,"OriginalMessage":"expected a loaded model, got \'b\'"}'
    endpoint.failures.append((424, refusal, MODEL_ERROR))

    assert run() == 1
    assert "expected a loaded model, got 'b'" in capsys.readouterr().err
    assert not (tmp_path / "results.csv").exists()


def test_an_unreachable_endpoint_ends_with_a_sentence(
    endpoint: FakeEndpoint,
    run: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_list(tmp_path, 3)
    endpoint.url = "http://127.0.0.1:1"

    assert run("--attempts", "2") == 1
    assert "gave up after 2 attempts" in capsys.readouterr().err


def test_a_batch_that_is_too_large_is_sent_in_halves(
    run: Callable[..., int], endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    write_list(tmp_path, 9)
    endpoint.max_clients = 3

    assert run() == 0
    assert [row["client_id"] for row in results_in(tmp_path)] == [f"c{n}" for n in range(9)]
    assert max(len(body["clients"]) for body in endpoint.received) <= 3


def test_one_client_that_is_too_large_ends_with_an_error(
    run: Callable[..., int], endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    write_list(tmp_path, 2)
    endpoint.max_clients = 0

    assert run() == 1


def test_results_of_other_clients_are_never_written(
    run: Callable[..., int],
    endpoint: FakeEndpoint,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_list(tmp_path, 3)
    endpoint.answer = lambda clients: no_matches(clients[::-1])

    assert run() == 1
    assert "in their order" in capsys.readouterr().err


def test_the_same_command_resumes_where_it_had_to_give_up(
    run: Callable[..., int], endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    write_list(tmp_path, 30)
    fail_from = {"c20"}

    def fail_late(clients: list[dict[str, str]]) -> list[dict[str, Any]]:
        return [] if clients[0]["client_id"] in fail_from else no_matches(clients)

    endpoint.answer = fail_late
    broken = run("--batch-size", "10", "--parallel", "1")
    # after a power cut the last row may be incomplete
    with (tmp_path / "results.csv.partial").open("ab") as file:
        file.write(b'c20,"torn')
    endpoint.answer = no_matches
    first = len(endpoint.received)
    resumed = run("--batch-size", "10", "--parallel", "1")

    assert (broken, resumed) == (1, 0)
    assert [row["client_id"] for row in results_in(tmp_path)] == [f"c{n}" for n in range(30)]
    assert [body["clients"][0]["client_id"] for body in endpoint.received[first:]] == ["c20"]


def test_a_list_that_has_changed_is_linked_from_the_start(
    run: Callable[..., int], endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    write_list(tmp_path, 20)
    endpoint.answer = lambda clients: (
        [] if clients[0]["client_id"] == "c10" else no_matches(clients)
    )
    run("--batch-size", "10", "--parallel", "1")
    write_list(tmp_path, 21)
    endpoint.answer = no_matches

    assert run("--batch-size", "10") == 0
    assert len(results_in(tmp_path)) == 21
    assert sum(len(body["clients"]) for body in endpoint.received[2:]) == 21


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected columns"),
        (b"naem\nx\n", "expected columns"),
        (b"name,city\nx\n", "line 2: expected 2 columns, got 1"),
        (b'name,city\n"a\nb",c\nx\n', "line 4: expected 2 columns, got 1"),
        (b'name\nx\n"open\nx\ny\n', "line 3: unexpected end of data"),
        (b'name\n"a"b\n', "line 2: ',' expected after"),
        (b'"name\nx\n', "line 1: unexpected end of data"),
        (b"name\n" + b"x\n" * 5000 + b"\x81\n", "line 5002: 'utf-8' codec"),
        (b"name\n\x81\n", "name its --encoding"),
        (b"name,name\nx,y\n", "line 1: expected each column once, got several of ['name']"),
    ],
)
def test_an_unreadable_list_is_reported_with_its_position(
    run: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes,
    message: str,
) -> None:
    (tmp_path / "clients.csv").write_bytes(content)

    assert run() == 1
    assert message in capsys.readouterr().err


def test_a_warning_of_the_endpoint_is_shown_only_once(
    endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    client = link_clients.connect(
        link_clients.parse(["in.csv", "out.csv", "--endpoint-url", endpoint.url])
    )
    answer = {
        "results": no_matches([{"client_id": "a"}]),
        "warnings": ["unknown field 'x' is ignored"],
    }
    endpoint.failures.extend([(200, json.dumps(answer).encode(), {})] * 2)

    client.link([{"client_id": "a", "x": "アクメ"}])
    client.link([{"client_id": "a", "x": "アクメ"}])

    assert capsys.readouterr().err == "warning: unknown field 'x' is ignored\n"


@pytest.mark.parametrize(
    "link", ["same", "symlink", "hardlink", "partial", "progress", "progress.new"]
)
def test_the_list_survives_results_that_would_replace_it(
    run: Callable[..., int],
    endpoint: FakeEndpoint,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    link: str,
) -> None:
    write_list(tmp_path, 3)
    clients, results = tmp_path / "clients.csv", tmp_path / "results.csv"
    if link == "same":
        results = tmp_path / "." / "clients.csv"
    elif link == "symlink":
        results.symlink_to(clients)
    elif link == "hardlink":
        results.hardlink_to(clients)
    else:
        clients = clients.rename(tmp_path / f"results.csv.{link}")
    before = clients.read_bytes()

    code = link_clients.main([str(clients), str(results), "--endpoint-url", endpoint.url])

    assert code == 1
    assert clients.read_bytes() == before
    assert "expected another file than the list" in capsys.readouterr().err
    assert endpoint.received == []


def test_a_refused_batch_is_named_by_its_lines(
    run: Callable[..., int],
    endpoint: FakeEndpoint,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "clients.csv").write_text('name\n"a\nb"\nc\n\nd\ne\n', encoding="utf-8")
    endpoint.answer = lambda clients: [] if clients[0]["name"] == "d" else no_matches(clients)

    assert run("--batch-size", "2", "--parallel", "1") == 1
    assert "clients.csv, lines 6 to 7: expected results" in capsys.readouterr().err


def test_a_client_without_an_id_is_named_by_its_line(
    run: Callable[..., int], endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    (tmp_path / "clients.csv").write_text("client_id,name\n1,a\n,b\n,c\n", encoding="utf-8")

    assert run() == 0
    (sent,) = endpoint.received
    assert [client["client_id"] for client in sent["clients"]] == ["1", "line 3", "line 4"]


def test_line_breaks_of_any_kind_within_a_field_survive(
    run: Callable[..., int], tmp_path: Path
) -> None:
    texts = ["a\rb", "a\nb", "a\r\nb", "a\0b", "a\u2028b", '"', "\r"]
    with (tmp_path / "clients.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(
            [("client_id", "name"), *enumerate(texts)]
        )

    assert run() == 0
    assert [row["name"] for row in results_in(tmp_path)] == texts


def test_results_in_place_of_a_folder_are_refused_before_anything_is_sent(
    endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_list(tmp_path, 3)
    words = [str(tmp_path / "clients.csv"), str(tmp_path), "--endpoint-url", endpoint.url]

    assert link_clients.main(words) == 1
    assert "got the folder" in capsys.readouterr().err
    assert endpoint.received == []
