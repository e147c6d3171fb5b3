"""Files with checksums, so that damage is noticed, and writes that reach the disk in order."""

import errno
import json
import os
import shutil
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any, Final

import xxhash

BLOCK: Final = 1 << 18
"""Bytes that are read at once: as many as a cache of the processor holds."""
_NOT_SYNCED: Final = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)
"""Error numbers of file systems that keep no folder to be synced, or of folders of another user."""


def file_digest(path: Path) -> str:
    """Checksum of a file, 128 bits in hexadecimal; against damage, not against an attacker."""
    with path.open("rb", buffering=0) as file:
        return digest_of(file)


def digest_of(file: FileIO) -> str:
    """`file_digest` of an open file, from where it stands.

    The file is read, not mapped, so that one that shrinks meanwhile only has another checksum.
    """
    digest = xxhash.xxh3_128()
    block = bytearray(BLOCK)
    view = memoryview(block)
    while size := file.readinto(block):
        digest.update(view[:size])
    return digest.hexdigest()


def write_all(file: FileIO, content: memoryview) -> None:
    """Write all bytes, of which a file takes no more at once than the system likes.

    Raises:
        OSError: The disk is full, or the file may not grow.
    """
    while len(content):
        content = content[file.write(content) :]


def sync_folder(folder: Path) -> None:
    """Wait until the names of a folder, new ones and those removed, are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_SYNCED:
            raise
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder where there is none, its name on the disk."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)


def sealed(content: Mapping[str, Any]) -> str:
    """JSON text of a manifest that ends with a checksum of its other entries."""
    text = json.dumps(content, indent=1)
    seal = xxhash.xxh3_128(text.encode()).hexdigest()
    return json.dumps({**content, "seal": seal}, indent=1)


def unsealed(text: str) -> dict[str, Any]:
    """The content that `sealed` wrote.

    Raises:
        ValueError: It is not what `sealed` writes, to the last byte.

    >>> unsealed(sealed({"format": 1}))
    {'format': 1}
    """
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("it holds no object")
    content.pop("seal", None)
    if sealed(content) != text:
        raise ValueError("its checksum differs")
    return content


def replace_text(path: Path, text: str) -> None:
    """Write a temporary file, then move it into place; readers see the old or the new text."""
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def fault_of(error: OSError) -> str:
    """The fault in words; numpy's error for a full disk only counts bytes."""
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list):
        return str(error.args[0][0][2])
    return error.strerror or f"No space left: {error}"
