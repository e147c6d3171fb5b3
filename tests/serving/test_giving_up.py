"""Work whose caller has gone, or has waited for too long, stops; a table may hold anything."""

import asyncio
import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import linkage_rl.linker
import serving.refresher
from linkage_rl.linked_batch import Decided
from linkage_rl.linker import Linker
from linkage_rl.records import RecordBatch
from serving.app import create_app
from serving.linking import GivenUpError, Work
from serving.refresher import RETRY_S, refresh_once
from serving.settings import WorkerSettings

CLIENTS = [{"name": "株式会社青空商事", "street": "丸の内1-1"} for _ in range(600)]


class SlowLinker:
    """Counts the clients on whom decisions are made, a hundred at a time, slowly."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, pause: Callable[[], None]) -> None:
        self.decided = 0
        decide = Linker._decide

        def slowly(linker: Linker, records: RecordBatch) -> Decided:
            self.decided += len(records)
            pause()
            return decide(linker, records)

        monkeypatch.setattr(linkage_rl.linker, "_CHUNK", 100)
        monkeypatch.setattr(Linker, "_decide", slowly)


async def post(
    app: Any, gone: asyncio.Event, body: bytes, coding: bytes = b""
) -> tuple[int, bytes]:
    """Send a body to an application; its client disconnects when the event is set."""
    received = False
    status, parts = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal received
        if not received:
            received = True
            return {"type": "http.request", "body": body, "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)
        parts.append(message.get("body", b""))

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/invocations",
        "raw_path": b"/invocations",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"content-encoding", coding)],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await app(scope, receive, send)
    return status, b"".join(parts)


def answer(
    bundle: Path,
    tmp_path: Path,
    body: bytes,
    gone_after_s: float,
    coding: bytes = b"",
    **variables: str,
) -> tuple[int, bytes]:
    """The answer to a body whose client disconnects after some seconds."""
    environ = {"LINKAGE_MODEL_DIR": str(bundle), "LINKAGE_RUN_DIR": str(tmp_path), **variables}
    app = create_app(WorkerSettings.from_environ(environ))

    async def main() -> tuple[int, bytes]:
        gone = asyncio.Event()
        async with app.lifespan():
            asyncio.get_running_loop().call_later(gone_after_s, gone.set)
            found = await post(app, gone, body, coding)
            # what goes on in a thread would be seen
            await asyncio.sleep(0.3)
            return found

    return asyncio.run(main())


@pytest.mark.parametrize("coding", ["", "gzip"])
def test_a_list_whose_caller_has_gone_is_no_longer_linked(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, coding: str
) -> None:
    slow = SlowLinker(monkeypatch, lambda: pause(0.1))
    body = json.dumps({"clients": CLIENTS}).encode()

    sent = gzip.compress(body) if coding else body
    status, _ = answer(bundle, tmp_path, sent, 0.15, coding.encode())

    assert status == 400
    assert 100 <= slow.decided <= 300


def test_a_list_that_takes_too_long_is_answered_and_no_longer_linked(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowLinker(monkeypatch, lambda: pause(0.1))
    body = json.dumps({"clients": CLIENTS}).encode()

    status, text = answer(bundle, tmp_path, body, 60.0, LINKAGE_TIMEOUT_S="0.25")

    assert status == 503
    assert "LINKAGE_TIMEOUT_S" in json.loads(text)["error"]
    assert 100 <= slow.decided <= 400


def test_a_list_is_answered_in_full_where_its_caller_waits(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowLinker(monkeypatch, lambda: None)

    status, text = answer(bundle, tmp_path, json.dumps({"clients": CLIENTS}).encode(), 60.0)

    assert status == 200
    assert len(json.loads(text)["results"]) == 600
    # and the golden clients of the bundle
    assert slow.decided == 602


def pause(seconds: float) -> None:
    """Wait in the thread of a list."""
    time.sleep(seconds)


def test_work_stops_at_its_next_check() -> None:
    work = Work()
    work.check()
    work.give_up()

    with pytest.raises(GivenUpError):
        work.check()


@pytest.mark.parametrize("error", [ValueError("x"), MemoryError(), OSError(28, "full")])
def test_nothing_that_a_refresh_meets_ends_the_refresher(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(settings: WorkerSettings) -> int:
        raise error

    monkeypatch.setattr(serving.refresher, "refresh", fail)

    assert refresh_once(WorkerSettings(refresh_s=300.0)) == RETRY_S
