"""Many callers at once, while workers are killed and the server is stopped."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from experiments.cost.caller import Load, drive, request
from tests.image.callers import DOCUMENTED, sample_clients, send
from tests.image.containers import Container, run_container
from tests.image.processes import workers
from tests.serving.http_client import HttpResponse

pytestmark = pytest.mark.image


def under_load(server: Container, seconds: float) -> tuple[threading.Thread, Load]:
    """Sixteen callers, each checking that it gets the answer to its own client."""
    path = f"{server.url}/invocations"
    requests = []
    for number, client in enumerate(sample_clients()[:500]):
        named = client | {"client_id": f"u{number}"}
        body = json.dumps({"clients": [named]}).encode()
        requests.append(request(path, body, 1, marks=(b'"client_id":"u%d"' % number,)))
    load = Load()

    def run() -> None:
        load.__dict__.update(drive(server.url, requests, 16, seconds).__dict__)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, load


def test_sixteen_callers_get_no_error(server: Container) -> None:
    thread, load = under_load(server, seconds=5)
    thread.join()

    assert not load.failures
    assert len(load.latencies_s) > 100


def test_a_worker_that_is_killed_loses_no_request(server: Container) -> None:
    thread, load = under_load(server, seconds=8)
    killed = []
    for _ in range(3):
        time.sleep(2)
        victim = workers(server)[0]
        os.kill(victim, signal.SIGKILL)
        killed.append(victim)
    thread.join()

    assert not load.failures
    assert len(load.latencies_s) > 100
    assert len(workers(server)) == 2
    assert not set(killed) & set(workers(server))


def test_lists_in_flight_are_answered_before_the_server_ends(
    image: str, sample_bundle: Path
) -> None:
    clients = [sample_clients()[n % 1000] | {"client_id": f"t{n}"} for n in range(3_000)]
    answers: list[HttpResponse] = []
    with run_container(image, sample_bundle) as ending:
        sending = [
            threading.Thread(
                target=lambda: answers.append(send(ending.url, body={"clients": clients}))
            )
            for _ in range(3)
        ]
        thread, load = under_load(ending, seconds=2)
        for one in sending:
            one.start()
        time.sleep(0.5)
        begin = time.monotonic()
        code = ending.stop()
        took_s = time.monotonic() - begin
        for one in [*sending, thread]:
            one.join()

    assert code == 0
    assert took_s < 10
    assert [answer.status for answer in answers] == [200] * 3
    assert all(len(answer.json["results"]) == 3_000 for answer in answers)
    # connections may be refused, but no answer is truncated
    assert set(load.failures) <= {
        "ConnectionRefusedError",
        "ConnectionResetError",
        "closed before an answer",
    }


def test_too_many_long_lists_are_answered_or_refused_with_503(server: Container) -> None:
    """Twenty lists at once are more than two workers let wait."""
    body = json.dumps({"clients": [{"name": "アクメ"}] * 20_000}).encode()
    answers: list[HttpResponse] = []
    sending = [
        threading.Thread(target=lambda: answers.append(send(server.url, body=body, timeout_s=120)))
        for _ in range(20)
    ]
    for one in sending:
        one.start()
    for one in sending:
        one.join()

    statuses = {answer.status for answer in answers}
    assert len(answers) == 20
    assert 200 in statuses
    assert statuses <= {200, *DOCUMENTED}
    assert all(
        answer.headers["retry-after"].isdecimal() for answer in answers if answer.status == 503
    )
