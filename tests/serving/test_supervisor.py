"""The supervisor and nginx as real processes; only the worker is a fake."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from serving.refusals import RefusalLog, create_refusal_files
from serving.settings import ServerSettings, usable_cpus
from serving.start_fault import CANNOT_START
from serving.supervisor import Child, Supervisor, children_of
from tests.serving.http_client import free_port, send
from tests.serving.supervised_server import TIMEOUT_S, Server, supervised

LIMIT = 6 << 20


pytestmark = pytest.mark.slow
"""These tests need nginx, which `make test` does not."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that do not change it."""
    with supervised(tmp_path_factory.mktemp("server")) as started:
        started.wait_until_ready()
        yield started


class TestARunningServer:
    def test_forwards_the_path_of_a_sagemaker_client_to_invocations(self, server: Server) -> None:
        answer = server.send(
            "/endpoints/linkage/invocations?mode=linkage",
            b"{}",
            {"X-Amzn-SageMaker-Target-Model": "crm.tar.gz"},
        ).json

        assert (answer["path"], answer["query"]) == ("/invocations", "mode=linkage")
        assert answer["headers"]["x-amzn-sagemaker-target-model"] == "crm.tar.gz"

    def test_forwards_a_body_of_exactly_the_limit(self, server: Server) -> None:
        assert server.send("/invocations", bytes(LIMIT)).json["bytes"] == LIMIT

    def test_gives_all_workers_the_same_environment(self, server: Server) -> None:
        seen = server.send("/ping").json["variables"]

        assert seen["LINKAGE_RUN_DIR"] == str(server.run_folder)
        assert seen["PROMETHEUS_MULTIPROC_DIR"] == str(server.run_folder / "metrics")
        assert (server.run_folder / "metrics").is_dir()
        assert (seen["OMP_NUM_THREADS"], seen["ORT_DISABLE_TELEMETRY"]) == ("1", "1")

    def test_keeps_its_sockets_in_a_folder_that_only_its_owner_may_enter(
        self, server: Server
    ) -> None:
        assert server.run_folder.stat().st_mode & 0o777 == 0o700


class TestNginxRefuses:
    def test_a_body_over_the_limit(self, server: Server) -> None:
        answer = server.send("/invocations", bytes(LIMIT + 1))

        assert answer.status == 413
        assert f"at most {LIMIT} bytes" in answer.json["error"]

    def test_headers_that_are_too_long(self, server: Server) -> None:
        answer = server.send("/ping", headers={"X-Junk": "x" * 9_000})

        assert answer.status == 431
        assert "headers" in answer.json["error"]

    def test_a_method_that_no_path_allows(self, server: Server) -> None:
        host, port = server.url.removeprefix("http://").split(":")
        connection = HTTPConnection(host, int(port), timeout=TIMEOUT_S)
        connection.request("TRACE", "/ping", headers={"X-Request-Id": "trace-1"})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()

        line = server.line("request refused", request_id="trace-1")
        assert (line["method"], line["path"], line["status"]) == ("TRACE", "nginx", 405)
        assert body["request_id"] == answer.headers["X-Request-Id"] == "trace-1"
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD, POST, DELETE"
        assert body["error"].startswith("expected GET, HEAD, POST or DELETE, got another")

    def test_and_counts_it(self, server: Server) -> None:
        refused = server.refused().get(404, 0)

        server.send("/.refused/full")

        deadline = time.monotonic() + TIMEOUT_S
        while server.refused().get(404, 0) <= refused and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.refused()[404] > refused

    @pytest.mark.parametrize(
        ("name", "sent", "kept"),
        [
            ("X-Request-Id", "own-1", True),
            ("X-Amzn-RequestId", "amazon-1", True),
            ("X-Request-Id", "x" * 65, False),
            ("X-Request-Id", 'a"b', False),
        ],
    )
    def test_under_the_id_of_the_request_if_it_is_one(
        self, server: Server, name: str, sent: str, kept: bool
    ) -> None:
        answer = server.send("/.refused/busy", headers={name: sent})

        assert (answer.json["request_id"] == sent) is kept
        assert answer.headers["X-Request-Id"] == answer.json["request_id"]

    @pytest.mark.parametrize("path", ["/.refused/busy", "/ping", f"/{'x' * 9_000}"])
    def test_with_a_request_id_in_header_and_body(self, server: Server, path: str) -> None:
        headers = {"X-Junk": "x" * 9_000} if path == "/ping" else {}

        answer = server.send(path, headers=headers)

        assert answer.status in (404, 414, 431)
        assert answer.headers["X-Request-Id"] == answer.json["request_id"]

    def test_a_url_that_is_too_long(self, server: Server) -> None:
        assert server.send(f"/{'x' * 9_000}").status == 414

    @pytest.mark.parametrize("junk", [b"JUNK\r\n\r\n", b"GET /ping HTTP/1.1\r\n\r\n"])
    def test_what_is_not_http(self, server: Server, junk: bytes) -> None:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as connection:
            connection.sendall(junk)
            answer = connection.makefile("rb").read()

        assert b" 400 " in answer.splitlines()[0]
        assert b"malformed" in answer

    def test_its_internal_paths(self, server: Server) -> None:
        assert server.send("/.refused/busy").status == 404

    def test_and_logs_it_without_data_of_a_client(self, server: Server) -> None:
        server.send("/.refused/busy?name=yamada")

        assert server.line("request refused")["status"] in (400, 404, 413, 414, 431)
        assert "yamada" not in server.output.read_text()


def test_before_a_worker_is_ready_the_answer_is_503_with_retry_after(tmp_path: Path) -> None:
    with supervised(tmp_path, FAKE_WORKER="3") as server:
        deadline = time.monotonic() + TIMEOUT_S
        while not (server.run_folder / "nginx.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        answer = server.send("/ping")

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.json["error"] == "no worker can answer just now; try again"
    assert answer.headers["X-Request-Id"] == answer.json["request_id"]


def test_a_killed_worker_loses_no_request_and_is_restarted(tmp_path: Path) -> None:
    with supervised(tmp_path) as server, ThreadPoolExecutor() as pool:
        server.wait_until_ready()
        first = server.pid("worker-1")
        waiting = [pool.submit(server.send, "/invocations?sleep=8", b"{}") for _ in range(4)]
        time.sleep(0.5)
        os.kill(first, signal.SIGKILL)
        answers = [answer.result() for answer in waiting]
        server.wait_until_ready()

        assert [answer.status for answer in answers] == [200] * 4
        assert server.pid("worker-1") != first


def test_loading_a_model_may_take_longer_than_an_answer(tmp_path: Path) -> None:
    limits = {"LINKAGE_TIMEOUT_S": "1", "LINKAGE_LOAD_TIMEOUT_S": "5"}
    with supervised(tmp_path, **limits) as server:
        server.wait_until_ready()

        assert server.send("/models?sleep=2.5", b"{}").status == 200
        assert server.send("/invocations?sleep=2.5", b"{}").status == 503


def test_the_run_folder_may_have_any_name() -> None:
    # the folders of pytest are too deep for a socket
    with TemporaryDirectory() as short, supervised(Path(short) / 'a "b"; #{c}\\n$d 青') as server:
        server.wait_until_ready()

        assert server.send("/ping").status == 200


def test_a_killed_nginx_is_restarted(tmp_path: Path) -> None:
    with supervised(tmp_path) as server:
        server.wait_until_ready()
        first = server.pid("nginx")
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + TIMEOUT_S
        while server.pid("nginx") == first and time.monotonic() < deadline:
            time.sleep(0.02)
        server.wait_until_ready()

        assert server.pid("nginx") != first


def test_sigterm_finishes_requests_in_flight_and_stops_all_processes(tmp_path: Path) -> None:
    with supervised(tmp_path) as server, ThreadPoolExecutor() as pool:
        server.wait_until_ready()
        waiting = pool.submit(server.send, "/invocations?sleep=8", b"{}")
        time.sleep(0.4)
        code = server.stop()

        assert code == 0
        assert waiting.result().status == 200
        for name in ("nginx", "worker-1", "worker-2"):
            with pytest.raises(ProcessLookupError):
                os.kill(server.pid(name), 0)


def test_a_worker_that_never_starts_ends_the_server_with_the_reason(tmp_path: Path) -> None:
    with supervised(tmp_path, FAKE_WORKER="broken") as server:
        code = server.process.wait(TIMEOUT_S)

    assert code == 1
    last = server.lines()[-1]
    assert last["message"].startswith("worker-")
    assert "died 6 times within 60 s, last with exit code 3" in last["message"]


def test_a_fault_of_all_workers_ends_the_server_soon_with_one_sentence(tmp_path: Path) -> None:
    begin = time.monotonic()
    with supervised(tmp_path, FAKE_WORKER="fault") as server:
        code = server.process.wait(TIMEOUT_S)

    assert code == 2
    assert time.monotonic() - begin < 10
    (line,) = [line for line in server.lines() if line["level"] != "info"]
    assert line["message"] == "expected a bundle, found none"
    assert sum(line["message"] == "started" for line in server.lines()) == 3


def test_a_fault_of_one_worker_leaves_the_others_serving(tmp_path: Path) -> None:
    with supervised(tmp_path, FAKE_WORKER="worker-2") as server:
        line = server.line("expected a bundle, found none")

        assert (line["level"], line["process"]) == ("error", "worker-2")
        assert server.send("/ping").status == 200
        assert server.stop() == 0


@pytest.fixture(scope="module")
def two_ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server, and the URL of its second port."""
    port = free_port()
    with supervised(tmp_path_factory.mktemp("two"), LINKAGE_ADMIN_PORT=str(port)) as started:
        started.wait_until_ready()
        yield started, f"http://127.0.0.1:{port}"


class TestTheSecondPort:
    """`/models` and `/metrics` are there, and clients' requests are answered on both."""

    @pytest.mark.parametrize(
        "path",
        [
            "/models",
            "/models/",
            "/models/a",
            "/models/invoke",
            "/models/a/b/invoke",
            "//models",
            "/%6dodels",
            "/x/../models/a",
            "/metrics",
            "/metrics?x=1",
        ],
    )
    def test_the_first_one_does_not_have_them(
        self, two_ports: tuple[Server, str], path: str
    ) -> None:
        server, second = two_ports

        refused = server.send(path)

        assert refused.status == 404
        assert refused.json["error"].startswith("there is no such path on this port")
        assert send(f"{second}{path}").status == 200

    @pytest.mark.parametrize("path", ["/ping", "/invocations", "/models/a/invoke", "/modelsx"])
    def test_both_answer_clients(self, two_ports: tuple[Server, str], path: str) -> None:
        server, second = two_ports

        assert server.send(path).status == send(f"{second}{path}").status == 200


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"LINKAGE_MAX_CLIENTS": "many"}, "LINKAGE_MAX_CLIENTS: expected a whole number"),
        ({"LINKAGE_TOKEN": ""}, "LINKAGE_TOKEN: expected a token, got none"),
        ({"LINKAGE_ADMIN_PORT": "0"}, "LINKAGE_ADMIN_PORT: expected a whole number from 1"),
        ({"LINKAGE_RUN_DIR": "/proc/run"}, "LINKAGE_RUN_DIR: cannot write to /proc/run: No such"),
        (
            {"SAGEMAKER_BIND_TO_PORT": "eighty"},
            "SAGEMAKER_BIND_TO_PORT: expected a whole number from 1 to 65535, got 'eighty'",
        ),
        ({"LINKAGE_WORKERS": "0"}, "LINKAGE_WORKERS: expected a whole number from 1"),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "6.5"}, "SAGEMAKER_MAX_PAYLOAD_IN_MB: expected"),
        ({"LINKAGE_BIND": "300.0.0.1"}, "expected to listen on 300.0.0.1:"),
        ({"LINKAGE_BIND": "a..b"}, "expected to listen on a..b:"),
        ({"LINKAGE_RUN_DIR": "/etc"}, "LINKAGE_RUN_DIR: expected an empty folder"),
    ],
)
def test_an_invalid_setting_ends_with_one_sentence(
    tmp_path: Path, variables: dict[str, str], sentence: str
) -> None:
    with supervised(tmp_path, **variables) as server:
        code = server.process.wait(TIMEOUT_S)

    (line,) = server.lines()
    assert code == 2
    assert line["message"].startswith(sentence)


class TestWhatKeepsDying:
    """Whether the server goes on without it."""

    def test_ends_the_server_if_it_is_vital(self) -> None:
        worker = Child("worker-1", ())

        assert [worker.record_death(now) for now in range(6)] == [True] * 5 + [False]

    def test_is_tried_twice_a_minute_if_it_is_the_refresher(self) -> None:
        refresher = Child("refresher", (), vital=False)

        assert all(refresher.record_death(now) for now in range(8))
        assert refresher.start_at == 7 + 30


class TestAWorkerThatCannotStart:
    """Ends the server with 2 at once if none has served yet; later it is tried as after a death."""

    def test_before_one_has_served(self, tmp_path: Path) -> None:
        ends = Ends(tmp_path)

        assert ends.of_a_worker(CANNOT_START) == 2

    def test_after_one_has_served(self, tmp_path: Path) -> None:
        ends = Ends(tmp_path)
        ends.socket.touch()

        assert ends.of_a_worker(-signal.SIGKILL) is None
        tries = [ends.of_a_worker(CANNOT_START) for _ in range(5)]
        assert tries == [None] * 4 + [2]
        assert ends.worker.start_at > time.monotonic() + 3


class Ends:
    """A supervisor of one worker, without processes."""

    def __init__(self, folder: Path) -> None:
        (folder / "metrics").mkdir()
        create_refusal_files(folder)
        self.socket = folder / "worker-1.sock"
        self.worker = Child("worker-1", (), self.socket)
        refusals = RefusalLog(folder, lambda line: None)
        self._supervisor = Supervisor([self.worker], {}, folder, refusals)

    def of_a_worker(self, code: int) -> int | None:
        """How the server goes on after the worker has ended with this code."""
        ended = subprocess.Popen(["true"])
        ended.wait()
        self.worker.pid = ended.pid
        return self._supervisor._handle_end(self.worker, code)


@pytest.mark.parametrize("variable", ["DATABASE_URL", "DB_HOST", "DB_SECRET_ARN"])
def test_a_database_adds_the_refresher(variable: str) -> None:
    names = [child.name for child in children_of(ServerSettings.from_environ({variable: "x"}))]

    assert names[0] == "nginx"
    assert names[-1] == "refresher"


def test_without_a_database_there_is_no_refresher() -> None:
    names = [
        child.name for child in children_of(ServerSettings.from_environ({"LINKAGE_WORKERS": "3"}))
    ]

    assert names == ["nginx", "worker-1", "worker-2", "worker-3"]


def test_the_process_of_the_decision_log_ends_after_the_workers(tmp_path: Path) -> None:
    """What these still hold is handed to it."""
    with supervised(tmp_path, LINKAGE_LOG_URL="log.db") as server:
        server.wait_until_ready()
        server.line("the log runs")

        assert server.stop() == 0

    said = [line.get("message") for line in server.lines()]
    assert said[-4:] == ["a worker ends", "a worker ends", "the log ends", "stopped"]


def test_a_process_of_the_decision_log_that_is_killed_is_started_again(tmp_path: Path) -> None:
    with supervised(tmp_path, LINKAGE_LOG_URL="log.db") as server:
        server.wait_until_ready()
        server.line("the log runs")
        os.kill(server.pid("decision-log"), signal.SIGKILL)

        server.line("a process died", process="decision-log")
        deadline = time.monotonic() + TIMEOUT_S
        while sum(line.get("message") == "the log runs" for line in server.lines()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert server.send("/ping").status == 200


def test_the_number_of_usable_cpus_is_plausible() -> None:
    assert 1 <= usable_cpus() <= (os.cpu_count() or 1)
