"""The real supervisor and nginx, with a fake worker behind them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import serving.supervisor
from tests.serving.http_client import HttpResponse, free_port, send

SOURCE = Path(serving.supervisor.__file__).parent
TIMEOUT_S = 20
COPIED = (
    "__init__.py",
    "log_settings.py",
    "nginx.conf",
    "refusals.py",
    "run_folder.py",
    "settings.py",
    "shared_memory.py",
    "start_fault.py",
    "stopping.py",
    "supervisor.py",
    "variables.py",
)
"""The supervisor and what it imports."""
WORKER = """
import json, os, signal, socket, sys, time
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingMixIn, UnixStreamServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        time.sleep(float(parse_qs(url.query).get("sleep", ["0"])[0]))
        answer = {"pid": os.getpid(), "path": url.path, "query": url.query, "bytes": len(body),
                  "headers": {name.lower(): text for name, text in self.headers.items()},
                  "variables": dict(os.environ)}
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *words):
        pass

class Server(ThreadingMixIn, UnixStreamServer):
    request_queue_size = 128

    def get_request(self):
        return super().get_request()[0], ("", 0)

behaviour = os.environ.get("FAKE_WORKER") or "0"
if behaviour == "broken":
    sys.exit(3)
if behaviour in ("fault", os.environ["LINKAGE_PROCESS"]):
    from serving.start_fault import CANNOT_START, record_fault
    if behaviour != "fault":
        # the other worker is ready first
        while not os.path.exists(sys.argv[2].replace("-2.", "-1.")):
            time.sleep(0.02)
    record_fault("expected a bundle, found none")
    sys.exit(CANNOT_START)
if behaviour.isdecimal():
    time.sleep(float(behaviour))
if os.path.exists(sys.argv[2]):
    os.unlink(sys.argv[2])
server = Server(sys.argv[2], Handler)
signal.signal(signal.SIGTERM, lambda *_: Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
print(json.dumps({"message": "a worker ends"}), flush=True)
"""

LOG_PROCESS = """
import json, os, signal

def say(message):
    print(json.dumps({"message": message}), flush=True)

def end(*_):
    say("the log ends")
    os._exit(0)

signal.signal(signal.SIGTERM, end)
say("the log runs")
while True:
    signal.pause()
"""


@dataclass(frozen=True)
class Server:
    """A running supervisor."""

    process: "subprocess.Popen[str]"
    url: str
    run_folder: Path
    output: Path

    def send(
        self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """The answer to one request, whatever its status."""
        return send(f"{self.url}{path}", body, headers)

    def lines(self) -> list[dict[str, Any]]:
        """What it wrote, one JSON object per line."""
        return [json.loads(line) for line in self.output.read_text().splitlines()]

    def refused(self) -> dict[int, int]:
        """Requests that nginx refused, by status, as its workers read them."""
        link = self.run_folder / "metrics/refused"
        # the link is meant for the child processes
        seen = str(link.readlink()).replace("self", str(self.process.pid))
        counts = memoryview(Path(seen).read_bytes()).cast("Q")
        return {status: count for status, count in enumerate(counts) if count}

    def line(self, message: str, **fields: str) -> dict[str, Any]:
        """The last line with this message and these fields; waits until there is one."""
        wanted = {"message": message, **fields}.items()
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            if found := [line for line in self.lines() if wanted <= line.items()]:
                return found[-1]
            time.sleep(0.02)
        raise AssertionError(f"no line {message!r} in: {self.output.read_text()}")

    def pid(self, name: str) -> int:
        """The process last started under this name."""
        started = [line for line in self.lines() if line.get("message") == "started"]
        return [int(line["pid"]) for line in started if line["process"] == name][-1]

    def wait_until_ready(self, timeout_s: float = TIMEOUT_S) -> None:
        """Wait until every worker has a socket and one has answered."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"it ended: {self.output.read_text()}")
            if len(list(self.run_folder.glob("*.sock"))) >= 2:
                try:
                    if self.send("/ping").status == 200:
                        return
                except OSError:
                    pass
            time.sleep(0.02)
        raise AssertionError(f"not ready in {timeout_s} s: {self.output.read_text()}")

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT_S)


@contextmanager
def supervised(folder: Path, **variables: str) -> Iterator[Server]:
    """Start a supervisor of two fake workers in a folder of its own."""
    code = folder / "code/serving"
    code.mkdir(parents=True)
    for name in COPIED:
        shutil.copyfile(SOURCE / name, code / name)
    (code / "worker.py").write_text(WORKER)
    (code / "log_process.py").write_text(LOG_PROCESS)
    port, run_folder, output = free_port(), folder / "run", folder / "output"
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with output.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "serving.supervisor"],
            cwd=code.parent,
            env=kept
            | {
                "SAGEMAKER_BIND_TO_PORT": str(port),
                "LINKAGE_BIND": "127.0.0.1",
                "LINKAGE_RUN_DIR": str(run_folder),
                "LINKAGE_WORKERS": "2",
            }
            | variables,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        yield Server(process, f"http://127.0.0.1:{port}", run_folder, output)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
