"""Where work is shared out to: processes of this machine, or the actors of a Ray cluster."""

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from linkage_rl.errors import ConfigError

ENGINES: Final = ("processes", "ray")
"""Processes of this machine, or actors of a cluster of machines."""


@dataclass(frozen=True)
class LauncherSettings:
    """How work is shared out."""

    engine: str = "processes"
    """One of `ENGINES`."""
    address: str = ""
    """Of a Ray cluster, as host:6379 or auto; '' starts one on this machine for the while."""
    retries: int = 3
    """How often Ray replaces a worker that was killed, and hands on the work that it had."""

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise ConfigError(f"expected launcher.engine among {list(ENGINES)}, got {self.engine}")
        if self.retries < 0:
            raise ConfigError(f"launcher.retries must be at least 0, got {self.retries}")


def ray_module(name: str) -> ModuleType:
    """A module that takes Ray, which is an extra and seconds to import.

    Raises:
        ConfigError: Ray is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("ray", "pyarrow"):
            raise
        raise ConfigError(
            f"Ray was asked for, but {error.name} is not installed; make setup-extras, "
            "or pip install 'linkage_rl[ray]'"
        ) from None
