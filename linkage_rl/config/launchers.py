"""Where work is distributed: over processes of this machine, or actors of a Ray cluster."""

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from linkage_rl.checks import COUNT_OR_NONE, check_ranges
from linkage_rl.errors import ConfigError

ENGINES: Final = ("processes", "ray")
"""Processes of this machine, or actors of a cluster of machines."""


@dataclass(frozen=True)
class LauncherSettings:
    """How work is distributed."""

    engine: str = "processes"
    """One of `ENGINES`."""
    address: str = ""
    """Address of a Ray cluster, host:6379 or auto; '' starts one here that ends with the work."""
    retries: int = 3
    """How often Ray replaces a killed worker and repeats the work that it had."""

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise ConfigError(f"expected launcher.engine among {list(ENGINES)}, got {self.engine}")
        check_ranges("launcher", self, {"retries": COUNT_OR_NONE})


def ray_module(name: str) -> ModuleType:
    """A module that needs Ray, which is an extra and takes seconds to import.

    Raises:
        ConfigError: Ray is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("ray", "pyarrow"):
            raise
        raise ConfigError(
            f"Ray is needed, but {error.name} is not installed; make setup-extras, "
            "or pip install 'linkage_rl[ray]'"
        ) from None
