"""Bundles hold plain files only, are never copied through links, and are signed where asked for."""

import json
import tarfile
from pathlib import Path

import pytest

from linkage_rl.bundle import load_bundle, read_settings, write_bundle
from linkage_rl.bundle_files import (
    KEY_VARIABLE,
    SIGNATURE,
    bundle_key,
    check_files,
    copy_files,
    sign,
    swap,
)
from linkage_rl.decision.calibration import Calibration
from linkage_rl.errors import BundleError, ConfigError
from linkage_rl.export import ExportSettings, run
from linkage_rl.exporting.archive import write_archive
from tests.commands.shop import write_shop_bundle

KEY = "a secret of more than sixteen characters"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_shop_bundle(tmp_path / "made")


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    return KEY


def test_a_link_is_neither_exported_nor_packed_nor_copied(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of the machine")
    (bundle / "notes.txt").symlink_to(tmp_path / "secret")

    with pytest.raises(BundleError, match=r"'notes.txt', which is a link"):
        run(ExportSettings(run=str(bundle), output=str(tmp_path / "out"), archive=True))
    with pytest.raises(BundleError, match=r"'notes.txt', which is a link"):
        write_archive(bundle, tmp_path / "out.tar.gz")
    with pytest.raises(BundleError, match=r"'notes.txt', which is a link"):
        copy_files(bundle, tmp_path / "copy")
    assert not {"out", "out.partial", "out.tar.gz", "copy"} & {
        path.name for path in tmp_path.iterdir()
    }


def test_an_index_with_a_link_is_not_written_into_a_bundle(bundle: Path, tmp_path: Path) -> None:
    parts = (bundle / "policy.onnx", Calibration.identity(), read_settings(bundle))
    (bundle / "index" / "more").symlink_to("/etc/passwd")

    with pytest.raises(BundleError, match=r"'more', which is a link"):
        write_bundle(tmp_path / "new", *parts, [], bundle / "index")
    assert not (tmp_path / "new").exists()


def test_the_folder_itself_may_be_a_link(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(bundle)

    check_files(tmp_path / "current")

    assert len(load_bundle(tmp_path / "current").index) == 3


def test_an_exported_bundle_is_signed_and_loads_where_the_key_is(
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    with pytest.raises(BundleError, match=r"found no valid signature\.json; export the run again"):
        load_bundle(bundle)

    run(ExportSettings(run=str(bundle), output=str(tmp_path / "signed")))

    signed = "signed   with the key of LINKAGE_BUNDLE_KEY; it came without a signature"
    assert signed in capsys.readouterr().out
    assert len(load_bundle(tmp_path / "signed").index) == 3
    with tarfile.open(tmp_path / "signed.tar.gz") as archive:
        assert SIGNATURE in archive.getnames()
    monkeypatch.setenv(KEY_VARIABLE, KEY.upper())
    with pytest.raises(BundleError, match="that the key of LINKAGE_BUNDLE_KEY has signed"):
        load_bundle(tmp_path / "signed")
    monkeypatch.delenv(KEY_VARIABLE)
    assert len(load_bundle(tmp_path / "signed").index) == 3


def test_any_change_after_the_signature_is_found(bundle: Path, key: str) -> None:
    sign(bundle, key.encode())
    names = {path.relative_to(bundle) for path in bundle.rglob("*") if path.is_file()}

    for name in names - {Path(SIGNATURE)}:
        content = (bundle / name).read_bytes()
        (bundle / name).unlink()
        (bundle / name).write_bytes(content + b" ")
        with pytest.raises(BundleError, match="was changed since the bundle was signed"):
            load_bundle(bundle)
        (bundle / name).write_bytes(content)

    (bundle / "metrics.json").write_text("a file that is never read")
    assert len(load_bundle(bundle).index) == 3
    (bundle / "index" / "more").write_text("a file where all are read")
    with pytest.raises(BundleError, match="more was changed since the bundle was signed"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        json.dumps({"files": {}, "hmac_sha256": "0" * 64}),
        json.dumps({"files": [], "hmac_sha256": 7}),
        json.dumps({"files": {"policy.onnx": "é"}, "hmac_sha256": "é"}),
        "[" * 100_000,
    ],
)
def test_a_signature_that_is_none_is_refused(bundle: Path, key: str, content: str) -> None:
    (bundle / SIGNATURE).write_text(content)

    with pytest.raises(BundleError, match=r"found no valid signature\.json"):
        load_bundle(bundle)


def test_a_bundle_that_another_key_signed_is_not_signed_again(
    bundle: Path, tmp_path: Path, key: str
) -> None:
    sign(bundle, b"another key of somebody else")

    with pytest.raises(BundleError, match="has signed, found no valid signature"):
        run(ExportSettings(run=str(bundle), output=str(tmp_path / "out"), archive=False))


@pytest.mark.parametrize(("given", "length"), [("short\n", 5), (" " * 20, 0)])
def test_a_short_or_blank_key_is_refused(
    given: str, length: int, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, given)

    with pytest.raises(
        ConfigError, match=rf"at least 16 characters besides blanks, got {length}; make one"
    ):
        load_bundle(bundle)


def test_a_line_break_at_the_end_is_no_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, f"{KEY}\r\n")

    assert bundle_key() == KEY.encode()


def test_a_part_can_be_left_out_and_files_linked_to(bundle: Path, tmp_path: Path) -> None:
    copy_files(bundle, tmp_path / "copy", skip="index")

    assert not (tmp_path / "copy" / "index").exists()
    copied = (tmp_path / "copy" / "policy.onnx").stat()
    assert copied.st_ino != (bundle / "policy.onnx").stat().st_ino
    copy_files(bundle, tmp_path / "linked", link=True)
    linked = tmp_path / "linked" / "policy.onnx"
    assert linked.samefile(bundle / "policy.onnx")


def folder_with(folder: Path, content: str) -> Path:
    folder.mkdir()
    (folder / "file").write_text(content)
    return folder


def test_a_swap_without_the_new_folder_touches_nothing(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "bundle", "old")

    for _ in range(3):
        with pytest.raises(FileNotFoundError, match="candidate"):
            swap(tmp_path / "candidate", folder)

    assert (folder / "file").read_text() == "old"


def test_a_swap_that_the_disk_refuses_puts_the_old_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, folder = (
        folder_with(tmp_path / "candidate", "new"),
        folder_with(tmp_path / "bundle", "old"),
    )
    rename = Path.replace

    def refusing(path: Path, target: Path) -> Path:
        if path == new:
            raise PermissionError(13, "Permission denied", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", refusing)
    with pytest.raises(PermissionError):
        swap(new, folder)

    assert (folder / "file").read_text() == "old"
    assert (new / "file").read_text() == "new"


def test_a_swap_stopped_between_its_two_steps_can_be_done_again(tmp_path: Path) -> None:
    new, old = (
        folder_with(tmp_path / "candidate", "new"),
        folder_with(tmp_path / "bundle.old", "old"),
    )

    swap(new, tmp_path / "bundle")

    assert (tmp_path / "bundle" / "file").read_text() == "new"
    assert not old.exists()
    assert not new.exists()
