"""How long the processes of the server may still take once it is to stop.

Standard library only, as `supervisor.py`.
"""

import time
from contextlib import suppress
from pathlib import Path
from typing import Final

STOP_S: Final = 27.0
"""Seconds from SIGTERM until processes that still run are killed; SageMaker kills after 30 s."""
_MARGIN_S: Final = 1.5
_ALONE_S: Final = 8.0
"""Seconds of a worker without a supervisor; docker kills after 10 s."""
_FILE: Final = "stopping"


def record_stop(run_folder: Path) -> None:
    """Note that the server stops now; on a full disk nobody learns of it."""
    with suppress(OSError):
        (run_folder / _FILE).touch()


def seconds_to_stop(run_folder: Path) -> float:
    """Seconds that a worker may take to write what it holds, at least one."""
    try:
        begin = (run_folder / _FILE).stat().st_mtime
    except OSError:
        return _ALONE_S
    return max(begin + STOP_S - _MARGIN_S - time.time(), 1.0)
