"""Finds the files that lie beside the package in a checkout and are installed inside it.

`configs/` and the templates of `serving/deploy/` are at the top of the repository, where people
look for them; the wheel holds them as `linkage_rl/configs` and `linkage_rl/serving/deploy`, since
an installed package may not write beside itself. `setup.py` lists them.
"""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """The file or folder with this path in the repository, such as `configs`."""
    installed = _PACKAGE / name
    return installed if installed.exists() else _PACKAGE.parent / name
