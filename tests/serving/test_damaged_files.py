"""Files that are damaged before they are loaded are not served; those spoilt later do no harm."""

import shutil
import time
from pathlib import Path

import pytest

from linkage_rl.candidates.refresh import build_index
from linkage_rl.tables.store import CompanyStore
from serving.live_index import LiveIndex
from serving.models import ModelLibrary
from serving.refresher import refresh
from serving.settings import WorkerSettings
from tests.commands.shop import company_rows, write_shop_bundle
from tests.serving.conftest import serving
from tests.serving.test_live_table import linked


def damage(path: Path) -> None:
    """Flip a bit, as a bad disk does."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def spoil(folder: Path, cut: bool) -> None:
    """Overwrite or cut every file in place."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("r+b") as file:
                file.truncate(0) if cut else file.write(b"\xff" * path.stat().st_size)


def stored(url: str) -> CompanyStore:
    store = CompanyStore(url)
    store.create()
    store.load([company_rows()])
    return store


def test_a_damaged_live_index_is_not_loaded_until_it_is_built_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, run = tmp_path / "volume", tmp_path / "run"
    with stored(f"sqlite:///{tmp_path}/companies.db") as store:
        build_index(store, folder, progress=False)
        damage(next(folder.glob("base-*")))
        live = LiveIndex(folder, run)
        at_first = [live.reload_if_changed() for _ in range(3)]

        build_index(store, folder, progress=False)
        afterwards = live.reload_if_changed()

    assert at_first == [False] * 3
    # read once, and not at every check of the folder
    assert caplog.text.count("the index of the live table is not loaded") == 1
    assert "is missing or damaged (checksum differs)" in caplog.text
    assert afterwards
    assert live.current is not None
    assert len(live.current) == 3


def test_the_refresher_repairs_a_damaged_live_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, url = tmp_path / "run", f"sqlite:///{tmp_path}/companies.db"
    run.mkdir()
    monkeypatch.setenv("DATABASE_URL", url)
    settings = WorkerSettings.from_environ(
        {"LINKAGE_RUN_DIR": str(run), "LINKAGE_INDEX_DIR": str(tmp_path / "volume")}
    )
    with stored(url):
        refresh(settings)
    damage(next(settings.index_folder.glob("state-*")))
    live = LiveIndex(settings.index_folder, run)

    before = live.reload_if_changed()
    refresh(settings)

    assert not before
    assert live.reload_if_changed()


@pytest.mark.parametrize("cut", [False, True])
def test_a_bundle_that_is_spoilt_in_place_is_served_on(
    bundle: Path, tmp_path: Path, cut: bool
) -> None:
    served = shutil.copytree(bundle, tmp_path / "served")

    with serving(served, tmp_path / "run") as client:
        before = linked(client, "有限会社山田製作所")
        spoil(served, cut)
        after = [linked(client, name) for name in ("有限会社山田製作所", "株式会社青空商事")]

    # every decision has an id of its own
    assert after[0] | {"decision_id": ""} == before | {"decision_id": ""}
    assert [answer["company_id"] for answer in after] == ["c2", "c1"]


def test_a_live_index_on_a_volume_that_is_spoilt_in_place_is_served_on_and_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, folder = tmp_path / "run", write_shop_bundle(tmp_path / "own")
    run.mkdir()
    volume, url = str(tmp_path / "volume"), f"sqlite:///{tmp_path}/companies.db"
    monkeypatch.setenv("DATABASE_URL", url)
    environ = {"DATABASE_URL": url, "LINKAGE_INDEX_DIR": volume}
    settings = WorkerSettings.from_environ(
        {"LINKAGE_RUN_DIR": str(run), "LINKAGE_MODEL_DIR": str(folder), **environ}
    )
    with stored(url), serving(folder, run, **environ) as client:
        refresh(settings)
        time.sleep(1.2)
        spoil(Path(volume), cut=True)
        after = linked(client, "有限会社山田製作所")
        companies = refresh(settings)

    assert after["company_id"] == "c2"
    assert companies == 3


def test_unloading_a_model_frees_its_copies(bundle: Path, tmp_path: Path) -> None:
    library = ModelLibrary(tmp_path / "run" / "models", 100)
    library.load("a", str(bundle))
    copies = tmp_path / "run" / "copies"
    held = [path for path in copies.iterdir() if path.stat().st_size]

    library.unload("a")

    assert len(held) == 2
    assert [path for path in copies.iterdir() if path.stat().st_size] == []
