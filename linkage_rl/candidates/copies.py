"""Private copies of the files of indexes, for processes that serve for long.

A mapped file that somebody overwrites or cuts in place changes under the process, which then finds
wrong companies or is killed (SIGBUS). A server therefore maps copies that nobody else writes to.
The processes of a server share one copy of each content, so that it is copied, checked and held in
memory once.
"""

import errno
import fcntl
import logging
import mmap
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Final

import xxhash

from linkage_rl.candidates.files import BLOCK, digest_of, write_all
from linkage_rl.candidates.mapping import EXHAUSTED, damaged, map_file, reading

_log = logging.getLogger(__name__)

_COPY: Final = re.compile(r"[0-9a-f]{32}(\.partial)?")
_CHECKED: Final = ".checked"
"""Extension of the note which file, mapped where it is, was found to have a checksum."""
_ROOM: Final = 2
"""How many times the size of a file the disk must have free for it to be copied: what else the
server writes to the same disk needs room, too."""
_RESERVE: Final = 1 << 20
"""Bytes of the disk that copies and notes leave free whatever their size, such as for sockets."""


@dataclass(frozen=True)
class PrivateCopies:
    """Maps copies of files, as an `Opener`; thread-safe, and the same for several processes.

    A file stays where it is, and is only checked, if it lies in the folder that holds the copies,
    if it belongs to the system as the code does, or if the disk has no room for a copy. Its
    checksum is compared once, and then taken for granted while its inode, size and times are the
    same.
    """

    folder: Path
    """Where the copies are; their names are the checksums of their content. A server empties the
    folder around it when it starts."""
    _said: set[Path] = field(default_factory=set, compare=False)

    def __call__(self, path: Path, digest: str, /) -> mmap.mmap:
        """The bytes of a file; errors are those of `mapping.Opener`."""
        with reading(path):
            if self._stays(path):
                return self._open_in_place(path, digest)
            try:
                return self._open_copy(path, digest)
            except OSError as error:
                if error.errno in EXHAUSTED:
                    raise
                self._say_uncopied(path, error)
            # a fault of the file itself, rather than of the disk of the copies, shows again
            return self._open_in_place(path, digest)

    def drop_unused(self) -> None:
        """Delete the copies that no process has mapped; an error of the disk deletes none."""
        lock = self.folder / ".lock"
        with suppress(OSError), lock.open("ab", buffering=0) as file, _locked(file):
            self._drop_unused()

    def _drop_unused(self) -> None:
        for copy in self.folder.iterdir():
            if not _COPY.fullmatch(copy.name):
                continue
            with suppress(OSError), copy.open("rb", buffering=0) as file:
                # whoever has mapped it shares its lock
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                copy.unlink()

    def _stays(self, path: Path) -> bool:
        """Whether nobody but this server, or the administrator of the system, can write the file.

        The latter can change the code as well, as in an image that holds both.
        """
        own, code = path.resolve(), Path(__file__)
        if own.is_relative_to(self.folder.parent.resolve()):
            return True
        found = own.stat()
        of_system = found.st_uid == code.stat().st_uid == 0 and found.st_dev == code.stat().st_dev
        return of_system and not os.access(own, os.W_OK) and not os.access(own.parent, os.W_OK)

    def _open_copy(self, path: Path, digest: str) -> mmap.mmap:
        """Map the copy of a file, which is made if there is none."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy = self.folder / digest
        with (self.folder / ".lock").open("ab", buffering=0) as lock, _locked(lock):
            if not copy.exists():
                self._drop_unused()
                self._copy(path, copy)
            with copy.open("rb", buffering=0) as file:
                # the map keeps the lock as long as it lives, which says that the copy is in use
                fcntl.flock(file, fcntl.LOCK_SH)
                return map_file(file, copy)

    def _copy(self, path: Path, copy: Path) -> None:
        self._need(_ROOM * path.stat().st_size)
        partial = copy.with_name(f"{copy.name}.partial")
        try:
            with path.open("rb", buffering=0) as source, partial.open("wb", buffering=0) as target:
                written = _transfer(source, target)
            if written != copy.name:
                raise damaged(path)
            partial.rename(copy)
        finally:
            partial.unlink(missing_ok=True)

    def _need(self, size: int) -> None:
        """Raise an error of a full disk unless so many bytes, and the reserve, are free."""
        if shutil.disk_usage(self.folder).free < size + _RESERVE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _say_uncopied(self, path: Path, error: OSError) -> None:
        if path not in self._said:
            self._said.add(path)
            _log.warning(
                "%s cannot be copied to %s (%s) and is served where it is: replace it if need be, "
                "but do not write into it",
                path,
                self.folder,
                error.strerror,
            )

    def _open_in_place(self, path: Path, digest: str) -> mmap.mmap:
        """Map the file itself, which is read only if it has not been since its last change."""
        note = self.folder / f"{digest}{_CHECKED}"
        with path.open("rb", buffering=0) as file:
            found = os.fstat(file.fileno())
            parts = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            identity = "-".join(map(str, (*parts, found.st_ctime_ns)))
            if _text(note) != identity:
                if digest_of(file) != digest:
                    raise damaged(path)
                # without the note it is read again next time
                with suppress(OSError):
                    self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                    self._need(len(identity))
                    note.write_text(identity, encoding="ascii")
            return map_file(file, path)


def _transfer(source: FileIO, target: FileIO) -> str:
    """Copy a file to its end; returns the checksum of what was written."""
    digest = xxhash.xxh3_128()
    block = bytearray(BLOCK)
    view = memoryview(block)
    while size := source.readinto(block):
        digest.update(view[:size])
        write_all(target, view[:size])
    return digest.hexdigest()


@contextmanager
def _locked(file: FileIO) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
