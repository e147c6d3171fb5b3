"""The index on disk: written once, mapped, refreshed beside itself, and never read damaged."""

import errno
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from linkage_rl.candidates.files import sealed, unsealed
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.keys import KEYS
from linkage_rl.candidates.manifest import MANIFEST
from linkage_rl.candidates.mapping import open_verified
from linkage_rl.candidates.refresh import build_index, default_index_folder, open_index
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.candidates.storage import load_index, save_index
from linkage_rl.errors import CandidateIndexError, OutputError
from linkage_rl.records import FIELDS
from linkage_rl.tables.credentials import parse_url
from linkage_rl.tables.pages import CompanyPage
from linkage_rl.tables.schema import ColumnMapping
from linkage_rl.tables.store import CompanyStore
from tests.candidates.older_index import make_older
from tests.full_disk import disk_with_room_for
from tests.small_table import COMPANIES, clients, company_rows, small_index
from tests.stored_table import run_sql

RENAMED = company_rows({"goyo": {**COMPANIES["goyo"], "name": "株式会社ペンタ"}})


def store_of(folder: Path) -> CompanyStore:
    store = CompanyStore(f"sqlite:///{folder}/companies.db")
    store.create()
    store.load([company_rows()])
    return store


def refreshed(folder: Path) -> CompanyIndex:
    """An index of two segments."""
    with store_of(folder) as store:
        index = CompanyIndex.of_table(store)
        store.apply(RENAMED)
        return index.refresh(store)[0]


def assert_same_proposals(left: CompanyIndex, right: CompanyIndex) -> None:
    asking = clients(*COMPANIES.values(), {"name": "ペンタ"}, {"name": "札幌食糧"})
    for blocker in CandidateSettings().blockers():
        a, b = (index.propose(blocker, asking, np.arange(10), 9) for index in (left, right))
        assert np.array_equal(a.rows, b.rows)
        assert np.array_equal(a.retrieval_score, b.retrieval_score)


def assert_equal(left: CompanyIndex, right: CompanyIndex) -> None:
    asking = clients(*COMPANIES.values(), {"name": "ペンタ"}, {"name": "札幌食糧"})
    assert np.array_equal(
        left.former_name_frequencies(asking), right.former_name_frequencies(asking)
    )
    assert_same_proposals(left, right)
    rows = np.arange(8)
    assert left.state == right.state
    assert np.array_equal(left.counts(rows), right.counts(rows))
    assert np.array_equal(left.offices.shares, right.offices.shares)
    assert all(
        left.records(rows).column(field) == right.records(rows).column(field) for field in FIELDS
    )


def files_of(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def test_a_loaded_index_answers_as_the_saved_one(tmp_path: Path) -> None:
    index = small_index()

    save_index(index, tmp_path / "index")

    assert_equal(load_index(tmp_path / "index"), index)


def test_a_loaded_index_keeps_what_was_refreshed(tmp_path: Path) -> None:
    index = refreshed(tmp_path)

    save_index(index, tmp_path / "index")
    loaded = load_index(tmp_path / "index")

    assert_equal(loaded, index)
    assert len(loaded) == 8
    assert loaded.find(["goyo"]).tolist() == [8]
    assert loaded.fetch(["goyo"]).records.column("former_names") == ["五洋建設株式会社"]
    assert loaded.former_name_frequencies(clients({"name": "五洋建設"})).tolist() == [1]


def test_a_loaded_index_can_be_refreshed_and_saved_again(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    save_index(refreshed(tmp_path), folder)

    with CompanyStore(f"sqlite:///{tmp_path}/companies.db") as store:
        store.apply(company_rows({"new": {"name": "株式会社山田"}}))
        fresh, report = load_index(folder).refresh(store)
    save_index(fresh, folder)

    assert report.changed == 1
    assert_equal(load_index(folder), fresh)


def test_a_refresh_writes_the_changes_and_keeps_the_base(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    with store_of(tmp_path) as store:
        index = CompanyIndex.of_table(store)
        save_index(index, folder)
        base = {
            path: (folder / path).stat().st_ino for path in files_of(folder) if "base-" in str(path)
        }
        store.apply(RENAMED)
        save_index(index.refresh(store)[0], folder)

    assert {path: (folder / path).stat().st_ino for path in base} == base
    assert sorted(path.name.split("-")[0] for path in folder.iterdir()) == [
        "base",
        MANIFEST,
        "state",
    ]


def test_a_base_that_differs_in_one_raw_field_is_written_again(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    save_index(small_index(), folder)

    other = {**COMPANIES, "acme": {**COMPANIES["acme"], "url": "https://acme-trading.jp/new"}}
    save_index(CompanyIndex.build([company_rows(other)]), folder)

    assert load_index(folder).fetch(["acme"]).records.column("url") == [
        "https://acme-trading.jp/new"
    ]


def test_an_empty_index_is_saved_and_loaded(tmp_path: Path) -> None:
    save_index(CompanyIndex.build([]), tmp_path)

    assert len(load_index(tmp_path)) == 0


def test_a_process_that_has_the_old_state_mapped_keeps_reading_it(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    save_index(small_index(), folder)
    old = load_index(folder)

    save_index(CompanyIndex.build([company_rows({"x": {"name": "山田"}})]), folder)

    assert_equal(old, small_index())


def test_an_index_that_is_refreshed_while_it_is_loaded_is_loaded_as_it_became(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "index"
    save_index(small_index(), folder)
    index, refreshes = refreshed(tmp_path), iter(range(3))

    def open_late(path: Path, digest: str) -> mmap.mmap:
        for _ in refreshes:
            save_index(index, folder)
            break
        return open_verified(path, digest)

    assert_equal(load_index(folder, open_file=open_late), index)
    assert [*refreshes] == []


def test_an_index_that_never_stays_is_given_up(tmp_path: Path) -> None:
    save_index(small_index(), tmp_path)
    opened: list[str] = []

    def open_after_a_refresh(path: Path, digest: str) -> mmap.mmap:
        opened.append(path.name)
        save_index(small_index(), tmp_path)
        return open_verified(path, digest)

    with pytest.raises(CandidateIndexError, match="missing or damaged"):
        load_index(tmp_path, open_file=open_after_a_refresh)
    assert 1 < len(opened) < 100


def test_a_folder_that_may_not_be_read_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "index"
    folder.mkdir()

    (folder / MANIFEST).write_text("not one of an index")

    def refuse(_: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with (
        store_of(tmp_path) as store,
        pytest.raises(CandidateIndexError, match="Permission denied; check its permissions"),
    ):
        open_index(store, folder, progress=False)


def test_any_flipped_byte_in_any_file_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    save_index(refreshed(tmp_path), folder)

    for path in files_of(folder):
        whole = (folder / path).read_bytes()
        place = len(whole) // 2
        (folder / path).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(CandidateIndexError, match="again"):
            load_index(folder)
        (folder / path).write_bytes(whole)
    assert len(load_index(folder)) == 8


def test_any_missing_file_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    save_index(small_index(), folder)

    for path in files_of(folder):
        whole = (folder / path).read_bytes()
        (folder / path).unlink()
        with pytest.raises(CandidateIndexError):
            load_index(folder)
        (folder / path).write_bytes(whole)


def test_a_folder_without_an_index_says_how_to_build_one(tmp_path: Path) -> None:
    with pytest.raises(CandidateIndexError, match=r"found no manifest\.json; build one with"):
        load_index(tmp_path / "nowhere")


def test_an_index_of_another_format_is_refused(tmp_path: Path) -> None:
    save_index(small_index(), tmp_path)
    manifest = unsealed((tmp_path / MANIFEST).read_text())

    (tmp_path / MANIFEST).write_text(sealed({**manifest, "format": 99}))

    with pytest.raises(CandidateIndexError, match=r"an index of format 6 in .*, got 99"):
        load_index(tmp_path)


@pytest.mark.parametrize("version", [3, 4, 5])
def test_an_older_index_is_refused_and_built_anew_where_there_is_its_table(
    tmp_path: Path, version: int, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "index"
    index = refreshed(tmp_path)
    save_index(index, folder)
    make_older(folder, version)

    with pytest.raises(
        CandidateIndexError, match=rf"expected an index of format 6 in .*, got {version}; build it"
    ):
        load_index(folder)
    with caplog.at_level("INFO"), CompanyStore(f"sqlite:///{tmp_path}/companies.db") as store:
        fresh = open_index(store, folder, progress=False)

    assert (len(fresh), fresh.state, len(fresh.parts)) == (8, index.state, 1)
    assert [path.suffix for path in files_of(folder)] == [".arrays", ".json", ".arrays"]
    assert_same_proposals(load_index(folder), fresh)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"format": 1}', "\ufeff{}"])
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)

    with pytest.raises(CandidateIndexError, match="cannot be read"):
        load_index(tmp_path)


def test_every_byte_of_a_seal_counts() -> None:
    text = sealed({"watermark": "2025-12-31T00:00:00.000Z", "companies": 8})

    assert unsealed(text) == {"watermark": "2025-12-31T00:00:00.000Z", "companies": 8}
    for place in range(len(text)):
        with pytest.raises(ValueError, match=r"."):
            unsealed(text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :])


@pytest.mark.parametrize("room", [100, 10_000, 1_000_000])
def test_a_full_disk_leaves_the_old_index_intact(tmp_path: Path, room: int) -> None:
    folder = tmp_path / "index"
    save_index(small_index(), folder)
    before = files_of(folder)
    other = CompanyIndex.build([company_rows({"goyo": COMPANIES["goyo"]})])

    with disk_with_room_for(room), pytest.raises(OutputError, match="File too large; free space"):
        save_index(other, folder)

    assert files_of(folder) == before
    assert_equal(load_index(folder), small_index())


def test_a_disk_that_fills_up_with_the_manifest_leaves_the_old_index_intact(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    save_index(small_index(), folder)

    # the base is kept and the new state is small; of all files the manifest is the longest
    with disk_with_room_for(1000), pytest.raises(OutputError, match="File too large; free space"):
        save_index(small_index(), folder)

    assert_equal(load_index(folder), small_index())


def test_opening_builds_then_loads_then_refreshes(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    with store_of(tmp_path) as store:
        built = open_index(store, folder, progress=False)
        inodes = {path: (folder / path).stat().st_ino for path in files_of(folder)}
        loaded = open_index(store, folder, progress=False)
        unchanged = {path: (folder / path).stat().st_ino for path in files_of(folder)}
        store.apply(RENAMED)
        stale = open_index(store, folder, refresh=False)
        fresh = open_index(store, folder, progress=False)

    assert_equal(built, loaded)
    assert inodes == unchanged
    assert stale.find(["goyo"]).tolist() == [4]
    assert fresh.find(["goyo"]).tolist() == [8]
    assert load_index(folder).find(["goyo"]).tolist() == [8]


def test_a_table_that_was_touched_without_a_change_keeps_its_state(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    with store_of(tmp_path) as store:
        built = open_index(store, folder, progress=False)
        run_sql(store.url, "UPDATE companies SET updated_at = '2999-01-01'")
        refreshed_now = open_index(store, folder, progress=False)
        in_a_worker = open_index(store, folder, refresh=False)
        store.apply(RENAMED)
        changed = open_index(store, folder, progress=False)
        back = {"goyo": {**COMPANIES["goyo"], "former_names": ""}}
        run_sql(store.url, "DELETE FROM companies WHERE company_id = 'goyo'")
        store.apply(company_rows(back))
        restored = open_index(store, folder, progress=False)

    assert built.state == refreshed_now.state == in_a_worker.state
    assert changed.state != built.state
    assert restored.state == built.state


def test_opening_a_damaged_index_builds_it_again(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    with store_of(tmp_path) as store:
        build_index(store, folder, progress=False)
        (folder / MANIFEST).write_text("{")

        index = open_index(store, folder, progress=False)

    assert len(index) == len(load_index(folder)) == 8


@pytest.mark.parametrize("part", ["base", "state"])
@pytest.mark.parametrize("seeded", [False, True])
def test_building_again_replaces_what_is_damaged(tmp_path: Path, part: str, seeded: bool) -> None:
    folder, bundled = tmp_path / "index", tmp_path / "bundle" / "index"
    with store_of(tmp_path) as store:
        build_index(store, bundled if seeded else folder, progress=False)
        if seeded:
            open_index(store, folder, progress=False, seed=bundled)
        damage(next(folder.glob(f"{part}-*")))
        with pytest.raises(CandidateIndexError, match="missing or damaged"):
            load_index(folder)

        index = build_index(store, folder, progress=False)

    assert_equal(load_index(folder), index)


def damage(path: Path) -> None:
    """Flip a bit of a file, as a bad disk does."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_an_index_that_is_built_again_keeps_a_base_that_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    with store_of(tmp_path) as store:
        build_index(store, folder, progress=False)
        inode = next(folder.glob("base-*")).stat().st_ino
        build_index(store, folder, progress=False)

    # bundles have hard links to it
    assert next(folder.glob("base-*")).stat().st_ino == inode


def test_what_is_written_is_on_the_disk_before_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    real_sync, real_rename = os.fsync, Path.replace

    def sync(descriptor: int) -> None:
        done.append("sync " + Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real_sync(descriptor)

    def rename(path: Path, target: Path) -> Path:
        done.append("name " + target.name)
        return real_rename(path, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", rename)
    save_index(small_index(), tmp_path / "index")

    base, state = (next((tmp_path / "index").glob(f"{part}-*")).name for part in ("base", "state"))
    assert done == [
        f"sync {tmp_path.name}",
        *(f"sync {base}.partial", f"name {base}"),
        *(f"sync {state}.partial", f"name {state}"),
        "sync index",
        *("sync manifest.json.partial", "name manifest.json"),
        "sync index",
    ]


def test_building_a_damaged_index_again_keeps_the_other_files_of_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    with store_of(tmp_path) as store:
        build_index(store, folder, progress=False)
        (folder / MANIFEST).write_text("{")
        for name in ("notes.txt", "base-images/logo.png", "state-of-affairs/notes.txt"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text("precious")

        open_index(store, folder, progress=False)

    assert len(load_index(folder)) == 8
    assert (folder / "notes.txt").read_text() == "precious"
    assert (folder / "base-images" / "logo.png").read_text() == "precious"
    assert (folder / "state-of-affairs" / "notes.txt").read_text() == "precious"


@pytest.mark.parametrize("manifest", ['{"name": "app"}', sealed({"format": 4, "policy": "p"})])
def test_a_folder_of_another_program_is_refused_and_left_as_it_is(
    tmp_path: Path, manifest: str
) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / MANIFEST).write_text(manifest)
    (folder / "precious.txt").write_text("precious")

    with store_of(tmp_path) as store:
        for opening in (open_index, build_index):
            with pytest.raises(OutputError, match=r"got the manifest\.json of another program"):
                opening(store, folder, progress=False)

    assert (folder / MANIFEST).read_text() == manifest
    assert (folder / "precious.txt").read_text() == "precious"


def test_opening_after_many_changes_merges_them_into_a_new_base(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    with store_of(tmp_path) as store:
        build_index(store, folder, progress=False)
        store.apply(company_rows({f"new-{place}": {"name": f"山田{place}"} for place in range(3)}))

        index = open_index(store, folder, progress=False)

    assert len(index.parts) == 1
    assert len(load_index(folder)) == 11


@pytest.mark.parametrize(("of_table", "reads"), [(True, 0), (False, 1)])
def test_a_first_start_from_the_index_of_a_bundle_reads_the_table_once_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of_table: bool, reads: int
) -> None:
    bundled, folder = tmp_path / "bundle" / "index", tmp_path / "live"
    read: list[CompanyStore] = []
    read_pages = CompanyStore.pages

    def pages(store: CompanyStore) -> Iterator[CompanyPage]:
        read.append(store)
        return read_pages(store)

    with store_of(tmp_path) as store:
        save_index(CompanyIndex.of_table(store) if of_table else small_index(), bundled)
        monkeypatch.setattr(CompanyStore, "pages", pages)
        store.apply(RENAMED)
        index = open_index(store, folder, progress=False, seed=bundled)

    assert len(read) == reads
    assert index.fetch(["goyo"]).records.column("name") == ["株式会社ペンタ"]
    assert load_index(folder).state == index.state
    assert load_index(bundled).fetch(["goyo"]).records.column("name") == ["五洋建設株式会社"]


def test_a_first_start_beside_a_bundle_of_an_older_index_builds_one(
    tmp_path: Path,
) -> None:
    bundled, folder = tmp_path / "bundle" / "index", tmp_path / "live"
    with store_of(tmp_path) as store:
        save_index(CompanyIndex.of_table(store), bundled)
        make_older(bundled, 3)
        kept = files_of(bundled)

        index = open_index(store, folder, progress=False, seed=bundled)

    assert len(load_index(folder)) == len(index) == 8
    assert load_index(folder).state == index.state
    assert not any(path.is_symlink() for path in folder.iterdir())
    assert files_of(bundled) == kept


def test_the_index_is_kept_beside_an_sqlite_file_and_else_in_a_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINKAGE_RL_CACHE", str(tmp_path))

    database = parse_url("sqlite:///data/companies.db")
    beside = default_index_folder(database)
    other_table = default_index_folder(database, ColumnMapping(table="firms"))
    other_column = default_index_folder(database, ColumnMapping(table="firms", name="title"))
    cached = default_index_folder(parse_url("postgresql://me:secret@db/prod"))
    same = default_index_folder(parse_url("postgresql://me:changed@db/prod"))

    assert beside == Path("data/companies.db.index")
    assert len({beside, other_table, other_column}) == 3
    assert cached == same
    assert cached.parent == tmp_path
    assert "secret" not in cached.name


def test_equal_indexes_have_equal_manifests_in_whatever_order_keys_were_added(
    tmp_path: Path,
) -> None:
    save_index(small_index(), tmp_path / "one")
    KEYS["phone"] = KEYS.pop("phone")  # now the last one
    save_index(small_index(), tmp_path / "other")

    assert [*KEYS][-1] == "phone"
    assert (tmp_path / "one" / MANIFEST).read_text() == (tmp_path / "other" / MANIFEST).read_text()
