"""The files of a bundle: plain ones only, copied without following links, signed where asked for.

A bundle is data from outside. Whoever made it may have put a link to another file of this machine
into it, a pipe that never ends, or a file of a terabyte that takes no room on the disk.
"""

import errno
import hashlib
import hmac
import json
import os
import re
import shutil
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from linkage_rl.errors import BundleError, ConfigError

KEY_VARIABLE: Final = "LINKAGE_BUNDLE_KEY"
"""The secret that signs bundles; where it is set, no other bundle is loaded."""
SIGNATURE: Final = "signature.json"
INDEX_FOLDER: Final = "index"
REMEDY: Final = "export the run again"

_MIN_KEY: Final = 16
_MAX_FILES: Final = 2_000
_MAX_BYTES: Final = 64 << 30
"""Size of all files; a bundle over 1.6 million companies has 1 GB."""
_MAX_SIGNATURE: Final = 4 << 20
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def check_files(folder: Path) -> None:
    """Refuse a folder that holds anything but folders and plain files of a bundle's size.

    The folder itself may be a link: its name comes from the caller.

    Raises:
        BundleError: It holds a link, pipe, socket or device, too many files, or too large ones.
    """
    files = size = 0
    for entry in _entries(folder):
        found = entry.stat(follow_symlinks=False)
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            kind = "a link" if entry.is_symlink() else "no plain file"
            raise BundleError(
                f"expected plain files in the bundle {folder}, got {entry.name!r}, which is "
                f"{kind}; put the file itself there, or {REMEDY}"
            )
        files, size = files + 1, size + found.st_size
        if files > _MAX_FILES or size > _MAX_BYTES:
            raise BundleError(
                f"expected a bundle of at most {_MAX_FILES} files and {_MAX_BYTES >> 30} GB in "
                f"{folder}, got more; {REMEDY}"
            )


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Everything below a folder, links not followed; nothing where there is no folder."""
    left = [folder]
    while left:
        try:
            with os.scandir(left.pop()) as found:
                entries = list(found)
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in entries:
            yield entry
            if entry.is_dir(follow_symlinks=False):
                left.append(Path(entry.path))


def copy_files(source: Path, target: Path, *, link: bool = False, skip: str = "") -> None:
    """Copy the plain files of a folder.

    Args:
        source: The folder.
        target: The new folder.
        link: Whether to link to the files (hard) where the disk allows it.
        skip: Name of a folder or file that is left out.

    Raises:
        BundleError: The folder holds anything else.
        OSError: The disk refuses a file.
    """
    check_files(source)
    shutil.copytree(
        source,
        target,
        # a link that takes the place of a file meanwhile is copied as one, and refused below
        symlinks=True,
        ignore=shutil.ignore_patterns(skip) if skip else None,
        copy_function=_link_or_copy if link else shutil.copy2,
    )
    check_files(target)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copyfile(source, target, follow_symlinks=False)


def swap(partial: Path, folder: Path) -> None:
    """Replace a folder by the finished one; the old one is deleted last.

    Stopped at any point, it can be done again: the old folder is there, beside it as `NAME.old`, or
    replaced.

    Raises:
        FileNotFoundError: There is no finished folder; nothing is touched.
        OSError: The disk refuses; the old folder is where it was.
    """
    if not partial.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(partial))
    old = folder.with_name(f"{folder.name}.old")
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.replace(old)
    try:
        partial.replace(folder)
    except OSError:
        if old.exists():
            old.replace(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def bundle_key() -> bytes:
    """The secret of `LINKAGE_BUNDLE_KEY`; empty where bundles are not signed.

    Line breaks around it are no part of it: files of secrets often end with one.

    Raises:
        ConfigError: It is too short to be a secret, or blank.
    """
    given = os.environ.get(KEY_VARIABLE, "")
    key = given.strip("\r\n")
    if given and len(key.strip()) < _MIN_KEY:
        raise ConfigError(
            f"{KEY_VARIABLE} must have at least {_MIN_KEY} characters besides blanks, got "
            f"{len(key.strip())}; make one with `openssl rand -hex 32`"
        )
    return os.fsencode(key)


def read_text(path: Path, limit: int) -> str:
    """A text in UTF-8, of which no more is read than it may have.

    Raises:
        ValueError: It has more bytes than the limit, or is no UTF-8; the text is the end of a
            sentence.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"it has more than {limit >> 20} MB")
    return content.decode("utf-8")


def sign(folder: Path, key: bytes) -> None:
    """Write the signature of a complete bundle: HMAC-SHA256 over the SHA-256 of every file."""
    files = {name: _sha256(folder / name) for name in sorted(_names(folder)) if name != SIGNATURE}
    content = {"files": files, "hmac_sha256": _hmac(files, key)}
    (folder / SIGNATURE).write_text(json.dumps(content, indent=1), encoding="utf-8")


def check_signature(folder: Path, key: bytes, needed: Collection[str]) -> None:
    """Refuse a bundle that this key has not signed.

    Args:
        folder: The bundle.
        key: The secret.
        needed: Files that will be read, relative to the bundle; folders stand for all their files.

    Raises:
        BundleError: There is no signature, it is of another key, or a file was changed since.
    """
    files = _signed_files(folder, key)
    read = {name for name in _names(folder) if name in needed or name.partition("/")[0] in needed}
    for name in sorted(read):
        if name not in files or not hmac.compare_digest(files[name], _sha256(folder / name)):
            raise BundleError(
                f"{folder / name} was changed since the bundle was signed; {REMEDY} with the key "
                f"of {KEY_VARIABLE}"
            )


def _signed_files(folder: Path, key: bytes) -> dict[str, str]:
    """Every file that the signature names, with its SHA-256."""
    path = folder / SIGNATURE
    try:
        if path.stat().st_size > _MAX_SIGNATURE:
            raise ValueError("too large")
        content = json.loads(path.read_text(encoding="utf-8"))
        files, signature = dict(content["files"]), content["hmac_sha256"]
        texts = [*files, *files.values(), signature]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("no text")
        if not all(map(_DIGEST.fullmatch, [*files.values(), signature])):
            raise ValueError("no digest")
        valid = hmac.compare_digest(signature, _hmac(files, key))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        files, valid = {}, False
    if not valid:
        raise BundleError(
            f"expected a bundle in {folder} that the key of {KEY_VARIABLE} has signed, found no "
            f"valid {SIGNATURE}; {REMEDY} where the variable is set"
        )
    return files


def _hmac(files: dict[str, str], key: bytes) -> str:
    text = json.dumps(files, sort_keys=True)
    return hmac.new(key, text.encode("ascii"), hashlib.sha256).hexdigest()


def _names(folder: Path) -> Iterator[str]:
    for entry in _entries(folder):
        if entry.is_file(follow_symlinks=False):
            yield Path(entry.path).relative_to(folder).as_posix()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
