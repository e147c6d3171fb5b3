"""What a cell of a suite leaves behind: its answers, and the record of their origin and cost."""

import json
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.errors import LinkageError
from linkage_rl.evaluation.answers import Answers

_RECORD: Final = "cell.json"


@dataclass(frozen=True)
class Record:
    """What a cell measured, except for the answers themselves."""

    condition: str
    system: str
    title: str
    seed: int
    datasets: tuple[str, ...] = ()
    fit_s: float = 0.0
    """Wall seconds of learning, without those of the ranker that an agent starts from."""
    fit_cpu_s: float | None = 0.0
    """None where it was not measured, as in training runs that were taken over."""
    peak_mb: float | None = None
    """Largest resident memory of its process, or of the program it started; None where it had no
    process of its own."""
    wall_us: dict[str, float] = field(default_factory=dict)
    """Wall microseconds per client of each dataset, from raw record to decision."""
    cpu_us: dict[str, float] = field(default_factory=dict)
    """The same in processor time."""
    notes: dict[str, str] = field(default_factory=dict)
    commit: str = ""
    """Commit with which it was run; a trailing '+' where the checkout had other changes."""
    error: str = ""
    """Why there are no answers."""


@dataclass(frozen=True, eq=False)
class Result:
    """A finished cell."""

    record: Record
    folder: Path
    valid: Answers | None
    test: Answers | None


@dataclass(frozen=True, eq=False)
class JudgedCell:
    """A finished cell with what its answers are judged by."""

    condition: str
    weights: RewardWeights
    """Value of each outcome."""
    goal: str
    """What the threshold serves, see `linkage_rl.evaluation.calibration.choose_threshold`."""
    result: Result


def read_record(folder: Path) -> Record | None:
    """The record of a finished cell, None where it has not been run to its end."""
    try:
        content = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Record(**(content | {"datasets": tuple(content["datasets"])}))


def read_result(folder: Path) -> Result:
    """A finished cell with its answers.

    Raises:
        LinkageError: It has not been run.
    """
    record = read_record(folder)
    if record is None:
        raise LinkageError(f"expected a finished cell in {folder}, found none; run the suite")
    if record.error:
        return Result(record, folder, None, None)
    answers = [Answers.load(folder / f"{split}.npz") for split in ("valid", "test")]
    return Result(record, folder, *answers)


def discard_record(folder: Path) -> None:
    """Let a cell be run once more; what it learned stays."""
    (folder / _RECORD).unlink(missing_ok=True)


def write_record(folder: Path, record: Record) -> None:
    """Write the record last and in one step: a cell without one is not finished."""
    partial = folder / f"{_RECORD}.partial"
    text = json.dumps(asdict(record), indent=1, ensure_ascii=False)
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(folder / _RECORD)


def commit() -> str:
    """The checked-out commit, with '+' where files differ from it; '' outside a repository."""
    commands = (["git", "rev-parse", "--short", "HEAD"], ["git", "status", "--porcelain", "-uno"])
    try:
        head, changes = (
            subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
            for command in commands
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + ("+" if changes else "")
