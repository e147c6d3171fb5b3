"""Result files are replaced atomically, and a full disk is reported in one sentence."""

import contextlib
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from linkage_rl.errors import OutputError

DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Error numbers of a disk, or a quota, that is full."""

_TORCH_FAULTS: Final = ("PytorchStreamWriter", "inline_container", "failed writing file")
"""Parts of the RuntimeErrors of PyTorch for a file of weights that does not fit on the disk."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system refuses while `path` is written into one sentence that names it.

    Raises:
        OutputError: The disk is full, the folder is missing, or there is no permission.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(_sentence(path, _reason(error))) from error
    except RuntimeError as error:
        if not any(words in str(error) for words in _TORCH_FAULTS):
            raise
        raise OutputError(_sentence(path, os.strerror(errno.ENOSPC))) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, moved to `path` once everything is written.

    A process that is killed, or meets a full disk, leaves the earlier file as it was.

    Raises:
        OutputError: The file cannot be written; nothing of it is left.
    """
    # the suffix stays: NumPy and Stable-Baselines3 would add theirs
    partial = path.with_name(f".partial-{path.name}")
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield partial
            partial.replace(path)
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)


def replace_bytes(path: Path, content: bytes) -> None:
    """Replace the content of a file, or leave the earlier one.

    For formats of several parts, such as zip: their writers, cut short by a full disk, would raise
    once more when they are collected.

    Raises:
        OutputError: The file cannot be written; nothing of it is left.
    """
    with replacing(path) as partial:
        partial.write_bytes(content)


@contextmanager
def naming_full_disk(folder: Path) -> Iterator[None]:
    """Turn a full disk into one sentence, whichever library met it; other faults pass.

    Args:
        folder: Named where the library does not say which file it was writing.

    Raises:
        OutputError: The disk is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        path = Path(os.fsdecode(error.filename)) if error.filename else folder
        raise OutputError(_sentence(path, _reason(error))) from error


def _reason(error: OSError) -> str:
    """The fault in words: NumPy reports a full disk as a number of bytes that were not written."""
    return error.strerror or os.strerror(errno.ENOSPC)


def _sentence(path: Path, reason: str) -> str:
    return f"cannot write {path}: {reason}; free space or choose another folder"
