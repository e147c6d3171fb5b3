"""Decisions are logged in the background, whatever becomes of the log's database."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from linkage_rl.decision_log.rows import DecisionRows
from linkage_rl.decision_log.store import DecisionLog
from tests.serving.conftest import serving

AOZORA = {"client_id": "k1", "name": "㈱青空商事", "city": "千代田区"}
NOWHERE = {"client_id": "k3", "name": "株式会社どこにもない"}


def linked(client: TestClient, *clients: Any, **content: Any) -> list[dict[str, Any]]:
    """The results of these clients."""
    response = client.post("/invocations", json={"clients": clients, **content})
    assert response.status_code == 200, response.text
    results: list[dict[str, Any]] = response.json()["results"]
    return results


def logged(place: str | Path) -> dict[str, dict[str, Any]]:
    """The rows of a log by their decision ids."""
    with DecisionLog.open(str(place), create=False) as log:
        return {row["decision_id"]: row for page in log.decisions() for row in page.rows()}


def counts(client: TestClient) -> dict[str, float]:
    """The counters of the log; those of drops by reason."""
    found = {}
    for line in client.get("/metrics").text.splitlines():
        if line.startswith("linkage_log_"):
            name, _, value = line.rpartition(" ")
            found[name.removeprefix("linkage_log_")] = float(value)
    return found


def test_each_decision_of_an_answer_is_a_row_of_the_log(bundle: Path, tmp_path: Path) -> None:
    place = tmp_path / "log.db"
    with serving(bundle, tmp_path / "run", LINKAGE_LOG_URL=f"sqlite:///{place}") as client:
        results = linked(client, AOZORA, {}, NOWHERE, customer="acme", list_id="2026-11")

    rows = logged(place)
    link, error, none = results
    assert "decision_id" not in error
    assert set(rows) == {link["decision_id"], none["decision_id"]}
    row = rows[link["decision_id"]]
    assert (row["action"], row["company_id"], row["client_id"]) == ("link", "c1", "k1")
    assert (row["customer"], row["list_id"], row["source"]) == ("acme", "2026-11", "serve")
    assert json.loads(row["client"])["name"] == "㈱青空商事"
    assert json.loads(row["shown"])[0][0] == "c1"
    assert row["evidence"]
    assert rows[none["decision_id"]]["action"] == "no_match"
