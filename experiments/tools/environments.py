"""Virtual environments of other programs, built once per content of their pinned requirements."""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from linkage_rl.errors import LinkageError

BUILD_LIMIT_S: Final = 900.0
_ERROR_CHARACTERS: Final = 300


class EnvironmentFailure(LinkageError):
    """An environment could not be built."""


def environment_from(requirements: Path) -> Path:
    """The interpreter of the environment that holds these packages.

    It is `${LINKAGE_RL_CACHE:-~/.cache/linkage_rl}/environments/<stem>-<digest>`, outside the
    checkout.

    Args:
        requirements: A file that pins every package.

    Raises:
        EnvironmentFailure: pip failed.
    """
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    cache = os.environ.get("LINKAGE_RL_CACHE") or Path.home() / ".cache" / "linkage_rl"
    place = Path(cache) / "environments" / f"{requirements.stem}-{digest}"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        # built beside and moved, so that a broken or a parallel build leaves no partial environment
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            fresh = Path(folder) / "venv"
            _call([sys.executable, "-m", "venv", str(fresh)], requirements)
            # every package is pinned, so there is nothing to resolve
            pip = [str(fresh / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps"]
            _call([*pip, "-r", str(requirements)], requirements)
            try:
                fresh.rename(place)
            except OSError:
                if not place.exists():
                    raise
    return place / "bin" / "python"


def _call(command: list[str], requirements: Path) -> None:
    try:
        done = subprocess.run(
            command, timeout=BUILD_LIMIT_S, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        raise _failure(requirements, f"not finished after {BUILD_LIMIT_S:g} s") from None
    if done.returncode:
        last = (done.stderr.strip() or "no output").splitlines()[-1]
        raise _failure(requirements, last[-_ERROR_CHARACTERS:])


def _failure(requirements: Path, reason: str) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"cannot install {requirements.name}: {reason}; "
        "check that pip reaches its index, then try again"
    )
