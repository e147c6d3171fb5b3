"""Decisions are logged in the background, whatever becomes of the log's database."""

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from linkage_rl.bundle import load_bundle
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.linked_columns import digest
from serving.log_place import place_of
from serving.log_settings import LogSettings
from serving.variables import SettingError
from tests.postgres_server import PostgresServer
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


def wait_until_written(client: TestClient, count: int) -> None:
    """Wait until so many decisions are in the log."""
    deadline = time.monotonic() + 20
    while counts(client)["written_total"] < count:
        assert time.monotonic() < deadline, counts(client)
        time.sleep(0.02)


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
    # as link and the Python API log it
    assert row["table_state"] == digest(load_bundle(bundle).index.state)
    assert rows[none["decision_id"]]["action"] == "no_match"


def test_requests_without_a_valid_client_take_nothing_from_others(
    bundle: Path, tmp_path: Path
) -> None:
    place = tmp_path / "log.db"
    with serving(bundle, tmp_path / "run", LINKAGE_LOG_URL=str(place)) as client:
        linked(client, AOZORA)
        linked(client)
        linked(client, {})
        linked(client, AOZORA)

    rows = logged(place).values()
    assert len(rows) == 2
    assert all(row["evidence"] and json.loads(row["shown"])[0][0] == "c1" for row in rows)


def test_every_client_of_a_long_list_is_logged_with_its_own_fields(
    bundle: Path, tmp_path: Path
) -> None:
    place = tmp_path / "log.db"
    clients = [{"client_id": f"c{n}", "name": f"株式会社{n}"} for n in range(1_250)]
    with serving(bundle, tmp_path / "run", LINKAGE_LOG_URL=str(place)) as client:
        results = linked(client, *clients)

    rows = logged(place)
    assert len(rows) == 1_250
    for result, sent in zip(results, clients, strict=True):
        row = rows[result["decision_id"]]
        assert (row["client_id"], row["action"]) == (sent["client_id"], result["decision"])
        assert json.loads(row["client"])["name"] == sent["name"]


def test_answers_without_a_log_have_ids_but_csv_has_no_column_of_them(client: TestClient) -> None:
    (result,) = linked(client, AOZORA)

    headers = {"content-type": "text/csv"}
    table = client.post("/invocations", content="name\n青空商事\n", headers=headers).text
    assert len(result["decision_id"]) == 32
    assert "decision_id" not in table.splitlines()[0]


def test_csv_has_a_last_column_of_ids_where_decisions_are_logged(
    bundle: Path, tmp_path: Path
) -> None:
    place = tmp_path / "log.db"
    headers = {"content-type": "text/csv"}
    with serving(bundle, tmp_path / "run", LINKAGE_LOG_URL=str(place)) as client:
        answer = client.post("/invocations", content="name\n青空商事\n\n", headers=headers).text

    header, first, blank = (line.split(",") for line in answer.splitlines())
    assert header[-1] == "decision_id"
    assert set(logged(place)) == {first[-1]}
    assert blank[-1] == ""


def test_only_hashes_are_kept_where_privacy_asks_for_them(bundle: Path, tmp_path: Path) -> None:
    place = tmp_path / "log.db"
    variables = {"LINKAGE_LOG_URL": str(place), "LINKAGE_LOG_PRIVACY": "hashes"}
    with serving(bundle, tmp_path / "run", **variables) as client:
        linked(client, AOZORA)

    (row,) = logged(place).values()
    assert row["client"] == ""
    assert row["client_id"].startswith("#")
    assert len(row["client_hash"]) == 32


def test_a_share_of_the_decisions_keeps_its_evidence(bundle: Path, tmp_path: Path) -> None:
    place = tmp_path / "log.db"
    variables = {"LINKAGE_LOG_URL": str(place), "LINKAGE_LOG_EVIDENCE": "0.5"}
    with serving(bundle, tmp_path / "run", **variables) as client:
        linked(client, *[AOZORA] * 400)

    rows = logged(place).values()
    kept = sum(bool(row["evidence"]) for row in rows)
    assert 140 < kept < 260
    assert all(json.loads(row["shown"]) for row in rows)


def test_the_counters_and_mode_info_say_what_became_of_each(bundle: Path, tmp_path: Path) -> None:
    variables = {"LINKAGE_LOG_URL": str(tmp_path / "log.db")}
    with serving(bundle, tmp_path / "run", **variables) as client:
        linked(client, AOZORA, NOWHERE, {})
        wait_until_written(client, 2)
        found = counts(client)
        info = client.post("/invocations", json={"mode": "info"}).json()["info"]

    assert found["decisions_total"] == found["written_total"] == 2
    assert not any(value for name, value in found.items() if name.startswith("dropped_total"))
    assert info["decision_log"] == {"written": 2, "dropped": 0, "waiting": 0}


def test_a_place_that_is_no_database_is_refused_before_the_server_starts(
    bundle: Path, tmp_path: Path
) -> None:
    with (
        pytest.raises(SettingError, match=r"^LINKAGE_LOG_URL: expected a database URL"),
        serving(bundle, tmp_path, LINKAGE_LOG_URL="jdbc:postgresql://a:hush@logs/log"),
    ):
        pass


def test_the_log_takes_the_login_of_the_companies_for_the_same_user() -> None:
    environ = {"DATABASE_URL": "postgresql://ann:hush@crm/companies"}

    def password(url: str) -> str | None:
        return place_of(LogSettings(url), environ).password

    assert password("postgresql://ann@logs/log") == "hush"
    assert password("postgresql://logs/log") == "hush"
    assert password("postgresql://bob@logs/log") is None
    assert password("postgresql://ann:own@logs/log") == "own"
    assert password("log.db") is None


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A running server that only this test uses."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = PostgresServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def test_answers_go_on_without_the_logs_database_and_what_waits_is_written_later(
    bundle: Path, tmp_path: Path, own_postgres: PostgresServer
) -> None:
    with serving(bundle, tmp_path, LINKAGE_LOG_URL=own_postgres.url) as client:
        before = linked(client, AOZORA)
        wait_until_written(client, 1)
        own_postgres.stop()
        during = linked(client, *[AOZORA] * 40)
        own_postgres.start()
        after = linked(client, NOWHERE)
        wait_until_written(client, 42)
        found = counts(client)

    ids = {result["decision_id"] for result in (*before, *during, *after)}
    assert set(logged(own_postgres.url)) == ids
    assert found["decisions_total"] == 42
