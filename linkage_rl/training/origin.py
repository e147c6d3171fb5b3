"""Where a result comes from: versions, commit, seed, command."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Final

import linkage_rl
from linkage_rl.training.settings import RunSettings

_PACKAGES: Final = (
    "numpy",
    "torch",
    "stable-baselines3",
    "gymnasium",
    "onnxruntime",
    "rapidfuzz",
)


def origin(settings: RunSettings, command: str) -> dict[str, str]:
    """What a run was made with; kept in its manifest and in its bundle."""
    return {
        "experiment": settings.experiment,
        "agent": settings.agent_name,
        "seed": str(settings.seed),
        "command": command,
        "linkage_rl": linkage_rl.__version__,
        "commit": commit(),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _PACKAGES},
    }


def commit(package: Path = Path(linkage_rl.__file__).parent) -> str:
    """The commit of the checkout that a package lies in; '' for an installed package.

    A repository that merely surrounds the installation, as one with a virtual environment in it
    does, has no commit of the package: it must track the package as a folder at its top.

    Args:
        package: The folder of the package.
    """
    top = _git(package, "rev-parse", "--show-toplevel")
    if not top or Path(top).resolve() != package.resolve().parent:
        return ""
    tracked = _git(package, "ls-files", "--error-unmatch", "__init__.py")
    return _git(package, "rev-parse", "HEAD") if tracked else ""


def _git(folder: Path, *words: str) -> str:
    """What a git command prints in a folder; '' where it fails."""
    # a hook's GIT_DIR would answer for another repository
    environment = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    try:
        answer = subprocess.run(
            ["git", *words],
            capture_output=True,
            text=True,
            check=True,
            cwd=folder,
            env=environment,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return answer.stdout.strip()
