"""`python -m serving.trial FOLDER`: loads a bundle in a process that may die in place of a worker.

A bundle is data from outside. All that it holds is checked, but the libraries that read it are
large; what ends or stops one of them then ends or stops this process, and the caller of
`POST /models` reads why.
"""

import argparse
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from linkage_rl.bundle import load_bundle
from linkage_rl.bundle_files import check_files
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.errors import BundleError, LinkageError, ResourceLimitError
from serving.errors import NO_ROOM, ModelMemoryError, RequestError

_REFUSED, _EXHAUSTED = 3, 4
"""Exit codes for a bundle that is none, and for a system without memory or descriptors."""
_MAX_MANIFEST: Final = 16 << 20
_CONCURRENT: Final = 2
"""Bundles that a worker tries at the same time."""
_REMEMBERED_S: Final = 10.0
"""How long a bundle that was refused is not tried again."""
_GIGABYTE: Final = 1 << 30
_OWN_MEMORY: Final = 2 * _GIGABYTE
"""What the process may take besides the size of the bundle."""
_SECRETS: Final = ("AWS_", "DATABASE_", "DB_", "LINKAGE_TOKEN", "PG")
"""Beginnings of the names of variables that loading a bundle does not need."""


@dataclass(frozen=True)
class Trials:
    """Which contents of bundles a process could load, for all workers of a server.

    Bundles that were refused are remembered for some seconds by the worker that refused them, since
    every request may ask for one of them. Thread-safe.
    """

    folder: Path
    """Holds an empty file for each of them."""
    timeout_s: float | None
    """Time that a bundle may take; None tries none, so that workers load them at once."""
    _refused: dict[str, tuple[float, str]] = field(default_factory=dict, compare=False)
    _turns: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(_CONCURRENT), compare=False
    )

    def run(self, bundle: Path, size: int, with_index: bool) -> None:
        """`try_bundle`, unless this content is known to load.

        Raises:
            RequestError: As of `try_bundle`.
        """
        if self.timeout_s is None:
            return
        try:
            content = content_of(bundle)
            if self._is_known(bundle, content):
                return
            with self._turns:
                # another request may have tried it meanwhile
                if not self._is_known(bundle, content):
                    self._try(bundle, size, self.timeout_s, with_index)
                    self.record(content)
        except (BundleError, OSError) as error:
            raise refusal_of(error) from None

    def _try(self, bundle: Path, size: int, timeout_s: float, with_index: bool) -> None:
        try:
            try_bundle(bundle, size, timeout_s, with_index)
        except ModelMemoryError:
            # there may be room for it in a moment
            raise
        except RequestError as error:
            self.refuse(bundle, str(error))
            raise

    def _is_known(self, bundle: Path, content: str) -> bool:
        """Whether it loads; raises a RequestError if it was refused a few seconds ago."""
        until, sentence = self._refused.get(state_of(bundle), (0.0, ""))
        if time.monotonic() < until:
            raise RequestError(sentence)
        return (self.folder / content).exists()

    def refuse(self, bundle: Path, sentence: str) -> None:
        """Remember for some seconds why a bundle is refused, unless a file of it changes."""
        now = time.monotonic()
        for state, (until, _) in list(self._refused.items()):
            if until < now:
                self._refused.pop(state, None)
        with contextlib.suppress(BundleError, OSError):
            self._refused[state_of(bundle)] = now + _REMEMBERED_S, sentence

    def record(self, content: str) -> None:
        """Remember that a process has loaded this content and is alive."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / content).touch()


def refusal_of(error: Exception) -> RequestError:
    """What a caller reads of a bundle that cannot be loaded: 507 where the system has no room."""
    if isinstance(error, OSError):
        kind = ModelMemoryError if error.errno in NO_ROOM else RequestError
        return kind(error.strerror or str(error))
    kind = ModelMemoryError if isinstance(error, ResourceLimitError) else RequestError
    return kind(str(error))


def content_of(bundle: Path) -> str:
    """Digest of the manifests of a bundle, which hold the checksums of everything else.

    Raises:
        BundleError: The folder holds a link, or a manifest that is too large.
    """
    check_files(bundle)
    manifests = (bundle / "manifest.json", bundle / "index" / "manifest.json")
    parts = [manifest_bytes(path) if path.is_file() else b"" for path in manifests]
    return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()


def state_of(bundle: Path) -> str:
    """Digest of the names, sizes and times of the files of a bundle, which are not read.

    Raises:
        BundleError: The folder holds a link.
    """
    check_files(bundle)
    digest = sha256(str(bundle).encode("utf-8", "surrogateescape"))
    for path in sorted(bundle.rglob("*")):
        found = path.stat()
        state = (str(path), found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        digest.update(repr(state).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def manifest_bytes(path: Path) -> bytes:
    """A manifest as it is.

    Raises:
        BundleError: It is larger than any manifest.
    """
    with path.open("rb") as file:
        content = file.read(_MAX_MANIFEST + 1)
    if len(content) > _MAX_MANIFEST:
        raise BundleError(f"{path} has more than {_MAX_MANIFEST >> 20} MB; export the run again")
    return content


def try_bundle(folder: Path, size: int, timeout_s: float, with_index: bool) -> None:
    """Load a bundle in a process of its own, which ends afterwards.

    Args:
        folder: The bundle.
        size: Bytes of its files.
        timeout_s: Time that it may take.
        with_index: Whether its own index is loaded, and the golden clients must get their answers.

    Raises:
        RequestError: It cannot be loaded, took too long, or ended the process.
        ModelMemoryError: The system has no memory or descriptors left.
    """
    command = [sys.executable, "-m", "serving.trial", str(folder), f"--bytes={size}"]
    command += [f"--seconds={timeout_s}", *([] if with_index else ["--without-index"])]
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            env=_environment(os.environ),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RequestError(
            f"its bundle took more than {timeout_s:g} s to load; if it is only large, raise "
            "LINKAGE_LOAD_TIMEOUT_S"
        ) from None
    except OSError as error:
        kind = type(refusal_of(error))
        raise kind(f"no process to load it in: {error.strerror}") from None
    if ended.returncode:
        raise error_of(ended.returncode, ended.stdout)


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of the process: no secret that it could give away, and the same code."""
    kept = {name: value for name, value in variables.items() if not name.startswith(_SECRETS)}
    paths = [str(Path(__file__).parents[1]), *filter(None, [variables.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}


def error_of(code: int, output: bytes) -> RequestError:
    """The error for a process that ended otherwise than with 0, and what it printed."""
    if code in (_REFUSED, _EXHAUSTED):
        sentence = str(json.loads(output))
        return RequestError(sentence) if code == _REFUSED else ModelMemoryError(sentence)
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return RequestError(
            "its bundle took more time or memory to load than it may (LINKAGE_LOAD_TIMEOUT_S)"
        )
    how = signal.Signals(-code).name if -code in set(signal.Signals) else f"exit code {code}"
    return RequestError(f"its bundle ended the process that tried to load it ({how})")


def main() -> None:
    """Load, say why not, and exit with 0, 3 (refused) or 4 (no memory or descriptors left)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bytes", type=int, default=0, help="size of the bundle")
    parser.add_argument("--seconds", type=float, default=60.0, help="CPU time that it may take")
    parser.add_argument("--without-index", action="store_true", help="leave its index out")
    arguments = parser.parse_args()
    _limit(arguments.bytes, arguments.seconds)
    code, sentence = _outcome(arguments.folder, not arguments.without_index)
    if code:
        print(json.dumps(sentence), flush=True)  # noqa: T201 - what the parent reads
    # at once: nothing that the bundle may have upset is run any more
    os._exit(code)


def _limit(size: int, seconds: float) -> None:
    """Bound what the process can take from the machine, should the bundle make it."""
    memory = _OWN_MEMORY + size
    for limit, value in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CPU, max(int(seconds), 1)),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 1 << 16),
    ):
        _, hard = resource.getrlimit(limit)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))


def _outcome(folder: Path, with_index: bool) -> tuple[int, str]:
    try:
        load_bundle(folder, None if with_index else CompanyIndex.build([]))
    except (ResourceLimitError, MemoryError) as error:
        return _EXHAUSTED, str(error) or "there is no memory for its bundle"
    except LinkageError as error:
        return _REFUSED, str(error)
    return 0, ""


if __name__ == "__main__":
    main()
