"""`model.tar.gz`: a bundle in the form that SageMaker unpacks into `/opt/ml/model`."""

import gzip
import tarfile
from pathlib import Path

from linkage_rl.bundle_files import check_files
from linkage_rl.candidates.files import fault_of
from linkage_rl.errors import OutputError

_LEVEL = 1
"""Compression level; most of a bundle is hashes, which hardly shrink at any level."""


def write_archive(folder: Path, archive: Path) -> None:
    """Pack a bundle, with its files at the root; the same bundle gives the same bytes.

    Raises:
        BundleError: The folder holds a link or anything else than plain files.
        OutputError: The disk is full; an earlier archive is then unchanged.
    """
    check_files(folder)
    partial = archive.with_name(f"{archive.name}.partial")
    try:
        with (
            partial.open("wb") as raw,
            gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for path in sorted(folder.rglob("*")):
                tar.add(path, path.relative_to(folder), recursive=False, filter=_plain)
        partial.replace(archive)
    except OSError as error:
        raise OutputError(
            f"cannot write {archive}: {fault_of(error)}; free space or choose another folder"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """The entry without owner and time; a link to a file elsewhere becomes that file."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.isdir() else 0o644
    return entry
