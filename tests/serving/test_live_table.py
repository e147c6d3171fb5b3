"""Changes in the database show in the answers without a restart."""

import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from linkage_rl.records import CompanyRows, RecordBatch
from linkage_rl.tables.store import CompanyStore
from serving.live_index import POLL_S
from serving.refresher import refresh
from serving.settings import WorkerSettings
from tests.commands.shop import company_rows, write_shop_bundle
from tests.serving.conftest import serving


def row(company_id: str, name: str, closed_at: str = "") -> CompanyRows:
    return CompanyRows(RecordBatch([company_id], {"name": [name]}), [""], [closed_at])


def linked(client: TestClient, name: str) -> Any:
    response = client.post("/invocations", json={"clients": [{"name": name}]})
    assert response.status_code == 200, response.text
    return response.json()["results"][0]


def test_changes_of_the_table_are_seen_without_a_restart(
    bundle: Path, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, folder = tmp_path / "run", write_shop_bundle(tmp_path / "own")
    run.mkdir()
    monkeypatch.setenv("DATABASE_URL", database_url)
    environ = {
        "DATABASE_URL": database_url,
        "LINKAGE_RUN_DIR": str(run),
        "LINKAGE_MODEL_DIR": str(folder),
    }
    settings = WorkerSettings.from_environ(environ)
    with CompanyStore(database_url) as store:
        store.create()
        store.load([company_rows()])
        assert refresh(settings) == 3
        with serving(folder, run, DATABASE_URL=database_url) as client:
            store.apply(row("c1", "株式会社青空商事（新）"))
            seen_at_once = linked(client, "株式会社青空商事")
            store.apply(row("c9", "株式会社新星"))
            store.apply(row("c2", "有限会社山田製作所", closed_at="2026-01-01"))
            refresh(settings)
            time.sleep(2 * POLL_S)
            inserted, closed = linked(client, "株式会社新星"), linked(client, "有限会社山田製作所")
            info = client.post("/invocations", json={"mode": "info"}).json()["info"]
            metrics = client.get("/metrics").text

    assert seen_at_once["company"]["name"] == "株式会社青空商事（新）"
    assert inserted["company_id"] == "c9"
    assert closed["decision"] == "no_match"
    assert info["companies"] == 3
    assert info["companies_from"] == "database"
    assert 0 <= info["index_age_s"] < 60
    assert "linkage_index_companies 3.0" in metrics


def test_the_refresher_starts_from_the_bundles_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = write_shop_bundle(tmp_path / "own"), f"sqlite:///{tmp_path}/companies.db"
    run = tmp_path / "run"
    run.mkdir()
    monkeypatch.setenv("DATABASE_URL", url)
    settings = WorkerSettings.from_environ(
        {"LINKAGE_RUN_DIR": str(run), "LINKAGE_MODEL_DIR": str(folder)}
    )
    with CompanyStore(url) as store:
        store.create()
        store.load([company_rows()])

    refresh(settings)

    bases = [path for path in settings.index_folder.iterdir() if path.name.startswith("base-")]
    assert [path.is_symlink() for path in bases] == [True]


def test_a_closed_company_is_not_linked_even_while_the_index_still_has_it(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/companies.db"
    monkeypatch.setenv("DATABASE_URL", url)
    with CompanyStore(url) as store:
        store.create()
        store.load([company_rows()])
        store.apply(row("c1", "株式会社青空商事", closed_at="2026-01-01"))
        with serving(bundle, tmp_path, DATABASE_URL=url) as client:
            result = linked(client, "株式会社青空商事")

    assert result["decision"] == "no_match"
    assert result["reason"] == "company c1 is no longer in the table"


@pytest.mark.parametrize("on_down", ["stale", "fail"])
def test_without_its_database_a_server_gives_stale_answers_or_503(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_down: str
) -> None:
    file = tmp_path / "companies.db"
    url = f"sqlite:///{file}"
    monkeypatch.setenv("DATABASE_URL", url)
    content = {"clients": [{"name": "株式会社青空商事"}]}
    with serving(bundle, tmp_path, DATABASE_URL=url, LINKAGE_ON_DATABASE_DOWN=on_down) as client:
        down = client.post("/invocations", json=content)
        assert client.get("/ping").status_code == 200
        with CompanyStore(url) as store:
            store.create()
            store.load([company_rows()])
        time.sleep(1.1)
        back = client.post("/invocations", json=content)

    if on_down == "stale":
        assert down.json()["stale"] is True
        assert down.json()["results"][0]["company_id"] == "c1"
    else:
        assert down.status_code == 503
        assert down.headers["retry-after"] == "1"
    assert back.json()["stale"] is False
    assert back.json()["results"][0]["company_id"] == "c1"
