"""Why a process cannot start: one sentence, which the supervisor prints once for all of them.

Standard library only, as `supervisor.py`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from serving.settings import PROCESS, RUN_FOLDER
from serving.shared_memory import create_shared_file

CANNOT_START: Final = os.EX_CONFIG
"""Exit code of a process whose next start would fail in the same way."""
_FILE: Final = "start_fault"
_MAX_BYTES: Final = 4000


def create_fault_file(run_folder: Path) -> None:
    """Create the file in which processes leave their sentence."""
    create_shared_file(run_folder / _FILE, 0)


def record_fault(sentence: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Leave a sentence to the supervisor; False where there is none."""
    if not environ.get(PROCESS):
        return False
    # in one call, as workers that start at the same time have the same fault
    content = " ".join(sentence.split()).encode()[:_MAX_BYTES] + b"\n"
    try:
        descriptor = os.open(Path(environ[RUN_FOLDER]) / _FILE, os.O_WRONLY)
    except OSError:
        return False
    try:
        return os.pwrite(descriptor, content, 0) == len(content)
    finally:
        os.close(descriptor)


def read_fault(run_folder: Path) -> str:
    """The last sentence that a process left; '' if none did."""
    try:
        text = (run_folder / _FILE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.partition("\n")[0]
