"""A container logs what it decides, and another one shows it to people."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from linkage_rl.decision_log.schema import METADATA
from linkage_rl.decision_log.store import DecisionLog
from tests.image.containers import Container, run_container

pytestmark = pytest.mark.image

TOKEN = "a-token-of-sixteen"
CLIENTS = [{"client_id": f"k{n}", "name": f"株式会社青空{n}"} for n in range(40)]


@pytest.fixture
def log_url(postgres_server: str) -> Iterator[str]:
    """A database without a log, before and after."""
    yield postgres_server
    with DecisionLog.open(postgres_server) as log:
        METADATA.drop_all(log.engine)


def linked(server: Container) -> list[dict[str, Any]]:
    """The results of all clients, which are those of a list of acme."""
    headers = {
        "Content-Type": "application/json",
        "X-Amzn-SageMaker-Custom-Attributes": "customer=acme;list=1",
    }
    answer = server.send("/invocations", json.dumps({"clients": CLIENTS}).encode(), headers)
    results: list[dict[str, Any]] = answer.json["results"]
    return results


def written(server: Container) -> int:
    """Decisions that are in the log."""
    text = server.send("/metrics").body.decode()
    found = re.search(r"^linkage_log_written_total (\S+)$", text, re.MULTILINE)
    return int(float(found[1])) if found else 0


def test_what_it_decides_is_logged_and_reviewed_in_another_container(
    image: str, sample_bundle: Path, log_url: str
) -> None:
    with run_container(image, sample_bundle, LINKAGE_LOG_URL=log_url) as server:
        results = linked(server)
        deadline = time.monotonic() + 60
        while written(server) < len(CLIENTS) and time.monotonic() < deadline:
            time.sleep(0.2)
        last = linked(server)
        # what still waits is written now
        assert server.stop() == 0

    with DecisionLog.open(log_url) as log:
        decisions = {row["decision_id"]: row for page in log.decisions() for row in page.rows()}
    assert {result["decision_id"] for result in results + last} <= set(decisions)
    row = decisions[results[7]["decision_id"]]
    assert (row["client_id"], row["customer"], row["list_id"]) == ("k7", "acme", "1")

    with run_container(
        image,
        sample_bundle,
        command="review",
        LINKAGE_LOG_URL=log_url,
        LINKAGE_REVIEW_TOKEN=TOKEN,
    ) as page:
        verdict = {"decision_id": results[7]["decision_id"], "answer": "none"}
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        answer = page.send("/verdicts", json.dumps([verdict]).encode(), headers)
        login = page.send("/login").body.decode()
        files = re.findall(r'(?:href|src)="(/static/[^"]+)"', login)
        found = [page.send(file).status for file in files]
        assert page.stop() == 0

    assert answer.json == {"written": 1}
    assert len(files) >= 2
    assert set(found) == {200}
    with DecisionLog.open(log_url) as log:
        assert str(log.latest()[verdict["decision_id"]].answer) == "none"


def test_the_review_page_says_which_variable_it_lacks(image: str) -> None:
    with run_container(image, command="review", wait=False) as page:
        assert page.wait(60) == 2
        assert "LINKAGE_LOG_URL: expected the decision log to review" in page.logs()
