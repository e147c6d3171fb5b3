"""The library of models: shared by workers, limited in memory, and equal indexes shared."""

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from linkage_rl.candidates.files import sealed, unsealed
from serving.errors import ModelLoadedError, ModelMemoryError, RequestError, UnknownModelError
from serving.model_entry import memory_of
from serving.models import ModelLibrary
from serving.trial import content_of
from tests.commands.shop import write_shop_bundle
from tests.serving.conftest import serving
from tests.small_table import small_index


def test_a_model_loaded_by_one_worker_is_available_in_the_other(
    bundle: Path, tmp_path: Path
) -> None:
    one, other = ModelLibrary(tmp_path, 100), ModelLibrary(tmp_path, 100)

    one.load("a", str(bundle))

    assert other.get("a").version == one.get("a").version
    one.unload("a")
    assert other.in_memory("a") is None
    with pytest.raises(UnknownModelError):
        other.get("a")


def test_models_of_one_table_share_its_index(bundle: Path, tmp_path: Path) -> None:
    copy = write_shop_bundle(tmp_path / "copy")
    library = ModelLibrary(tmp_path / "models", 100)

    first, second = library.load("a", str(bundle)), library.load("b", str(copy))

    assert first.linker.index is second.linker.index
    # the second adds its policy but not the index, whichever of the two is unloaded
    sizes = {entry.name: memory_of([entry]) for entry in library.entries()}
    added = memory_of(library.entries()) - sizes["a"]
    assert 0 < added < sizes["a"]
    library.unload("a")
    assert memory_of(library.entries()) == sizes["b"] > added


def test_a_model_replaced_under_its_name_is_replaced_in_all_workers(
    bundle: Path, tmp_path: Path
) -> None:
    one, other = ModelLibrary(tmp_path, 100), ModelLibrary(tmp_path, 100)
    one.load("a", str(bundle))
    old = other.get("a")

    one.unload("a")
    one.load("a", str(bundle))

    assert other.get("a") is not old


def test_beyond_the_memory_limit_the_least_recently_used_model_is_named(
    bundle: Path, tmp_path: Path
) -> None:
    library = ModelLibrary(tmp_path / "models", 30)
    for name in ("a", "b"):
        library.load(name, str(bundle))
    library.get("a")
    large = write_shop_bundle(tmp_path)
    (large / "ballast").write_bytes(bytes(20 << 20))

    with pytest.raises(ModelMemoryError, match=r"at most 30 MB.*'b' was used least recently"):
        library.load("c", str(large))

    assert [entry.name for entry in library.entries()] == ["b", "a"]


def test_a_name_can_be_loaded_only_once(bundle: Path, tmp_path: Path) -> None:
    library = ModelLibrary(tmp_path, 100)
    library.load("a", str(bundle))

    with pytest.raises(ModelLoadedError, match="unload it with DELETE first"):
        library.load("a", str(bundle))


def test_a_damaged_bundle_is_refused_and_leaves_nothing(bundle: Path, tmp_path: Path) -> None:
    damaged = write_shop_bundle(tmp_path / "damaged")
    (damaged / "calibration.json").write_text("{}")
    library = ModelLibrary(tmp_path / "models", 100)

    with pytest.raises(RequestError, match=r"calibration.json is missing or damaged"):
        library.load("a", str(damaged))
    assert library.entries() == []


def test_a_bundle_of_an_earlier_format_is_refused_with_the_remedy(tmp_path: Path) -> None:
    earlier = write_shop_bundle(tmp_path / "earlier")
    write_format(earlier, 1)
    library = ModelLibrary(tmp_path / "models", 100)

    with pytest.raises(RequestError, match=r"model 'a' cannot be loaded: .*export again"):
        library.load("a", str(earlier))


def test_a_worker_that_cannot_load_its_bundle_ends_with_one_log_line(tmp_path: Path) -> None:
    earlier = write_shop_bundle(tmp_path / "earlier")
    write_format(earlier, 1)
    folders = {"LINKAGE_MODEL_DIR": str(earlier), "LINKAGE_RUN_DIR": str(tmp_path / "run")}

    ended = subprocess.run(
        [sys.executable, "-m", "serving.worker", "--socket", str(tmp_path / "socket")],
        env=os.environ | folders,
        capture_output=True,
        text=True,
        check=False,
    )

    line = json.loads(ended.stdout)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert line["level"] == "critical"
    assert "export again" in line["message"]


@pytest.mark.parametrize("name", [".", "..", "...", "", "a/b", "a" * 201, "\u3042"])
def test_a_name_that_no_path_can_have_is_refused(bundle: Path, tmp_path: Path, name: str) -> None:
    library = ModelLibrary(tmp_path / "models", 100)

    with pytest.raises(RequestError, match="not only dots, got"):
        library.load(name, str(bundle))


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize(
    "reads",
    ["model_entry.check_files", "models.content_of", "models.read_settings", "trial.check_files"],
)
def test_a_system_without_room_is_507(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: str, number: int
) -> None:
    def fail(folder: Path) -> None:
        raise OSError(number, os.strerror(number), str(folder))

    library = ModelLibrary(tmp_path / "models", 100, trial_timeout_s=60)
    library._trials.record(content_of(bundle))
    monkeypatch.setattr(f"serving.{reads}", fail)

    with pytest.raises(ModelMemoryError, match=f"'a' cannot be loaded: {os.strerror(number)}"):
        library.load("a", str(bundle))


def test_a_list_that_cannot_be_read_does_not_say_that_the_model_is_unknown(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = ModelLibrary(tmp_path / "models", 100)
    library.load("a", str(bundle))
    library.drop_unloaded()
    monkeypatch.setattr("serving.models.read_entry", _without_descriptors)

    for ask in (library.find, ModelLibrary(tmp_path / "models", 100).get):
        with pytest.raises(OSError, match="Too many open files"):
            ask("a")


def _without_descriptors(path: Path) -> None:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))


def test_a_bundle_that_is_changed_after_its_trial_is_refused(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(bundle, folder)
    library = ModelLibrary(tmp_path / "models", 100)
    monkeypatch.setattr(library, "_try", lambda entry: (folder / "link").symlink_to(bundle))

    with pytest.raises(RequestError, match=r"'a' cannot be loaded: .*'link', which is a link"):
        library.load("a", str(folder))


def test_an_unloaded_model_leaves_no_file(bundle: Path, tmp_path: Path) -> None:
    library = ModelLibrary(tmp_path / "models", 100)
    library.load("a", str(bundle))
    library.unload("a")

    files = [path.name for path in (tmp_path / "models").iterdir() if path.is_file()]
    assert files == [".lock"]


def write_format(bundle: Path, number: int) -> None:
    """Give the manifest of a bundle another format number."""
    manifest = unsealed((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(sealed({**manifest, "format": number}))


def test_a_bundle_without_an_index_needs_that_of_the_database(tmp_path: Path) -> None:
    folder = write_shop_bundle(tmp_path / "shop", with_index=False)
    library = ModelLibrary(tmp_path / "models", 100)

    with pytest.raises(RequestError, match="not built yet; try again in a minute"):
        library.load("a", str(folder))

    index = small_index()
    with_live_index = ModelLibrary(tmp_path / "models", 100, lambda: index)
    assert with_live_index.load("a", str(folder)).linker.index is index


def test_a_fault_does_not_end_the_search_for_unloaded_models(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches: list[ModelLibrary] = []

    def drop_unloaded(library: ModelLibrary) -> None:
        searches.append(library)
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("serving.app._TIDY_S", 0.01)
    monkeypatch.setattr(ModelLibrary, "drop_unloaded", drop_unloaded)
    with serving(bundle, tmp_path, LINKAGE_MAX_WAITING="1"):
        deadline = time.monotonic() + 5
        while len(searches) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)

    assert len(searches) >= 2
