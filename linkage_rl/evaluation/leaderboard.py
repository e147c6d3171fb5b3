"""The list of finished runs, one JSON line each, and the best run among them."""

import json
import logging
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from linkage_rl.errors import ConfigError, InputFileError, OutputError
from linkage_rl.evaluation.renamed import METRICS, hint

_log = logging.getLogger(__name__)

FILE_NAME: Final = "leaderboard.jsonl"
"""Name of the list inside a folder of runs."""


@dataclass(frozen=True)
class Entry:
    """One finished run."""

    run: str
    """Run folder; kept relative to the folder of the list, so that both can move together."""
    experiment: str
    agent: str
    seed: int
    valid: Mapping[str, float]
    """Metric name to its value on the validation split; the best run is chosen by these."""
    test: Mapping[str, float]
    """The same on the test split; reported, never used to choose a run."""
    commit: str = ""
    bundle: str = ""
    """Bundle folder, kept as `run` is; '' where none was exported."""


def append(path: Path, entry: Entry) -> None:
    """Add a run to the list at `path`, made if missing; runs may finish at the same time.

    Raises:
        OutputError: If the line cannot be written.
    """
    folder = path.parent.resolve()
    line = asdict(entry)
    for name in ("run", "bundle"):
        if line[name]:
            line[name] = os.path.relpath(Path(line[name]).resolve(), folder)
    for split in ("valid", "test"):
        line[split] = {
            name: None if math.isnan(value) else value for name, value in line[split].items()
        }
    text = json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # one unbuffered write in append mode: two runs that finish at once do not mix their lines
        with path.open("ab", buffering=0) as leaderboard:
            leaderboard.write(text.encode())
    except OSError as error:
        raise OutputError(
            f"cannot add the run to {path}: {error.strerror}; free space or choose another folder"
        ) from error


def read(path: Path) -> list[Entry]:
    """All runs of a list, oldest first; `run` and `bundle` come back as paths that can be opened.

    Runs whose metrics have former names are left out, with a warning: their bundles are of a
    former format, too.

    Args:
        path: The list, or the folder that holds it as `FILE_NAME`.

    Raises:
        InputFileError: If the list is missing or a line is damaged; the message names the line.
    """
    path = path / FILE_NAME if path.is_dir() else path
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputFileError(
            f"expected a list of runs at {path}, got {error}; train a run first"
        ) from error
    entries = [_entry(line, path, number) for number, line in enumerate(lines, start=1)]
    current = [entry for entry in entries if not _former_names(entry)]
    if len(current) < len(entries):
        names = sorted({name for entry in entries for name in _former_names(entry)})
        _log.warning(
            "%s: left out %d of %d runs, made before metrics were renamed%s; train them again",
            *(path, len(entries) - len(current), len(entries)),
            "".join(hint(name, METRICS) for name in names),
        )
    return current


def best(path: Path, by: str = "expected_reward", experiment: str | None = None) -> Path:
    """The folder of the run with the highest validation metric; of equal ones the earliest.

    Args:
        path: The list, or the folder that holds it as `FILE_NAME`.
        by: Name of the metric; higher is better.
        experiment: Only runs of this preset; None for all.

    Raises:
        ConfigError: If the metric has another name now.
        InputFileError: If the list cannot be read or no run has the metric.
    """
    if by in METRICS:
        raise ConfigError(f"unknown metric {by}{hint(by, METRICS)}")
    runs = [
        entry
        for entry in read(path)
        if experiment in (None, entry.experiment) and not math.isnan(entry.valid.get(by, math.nan))
    ]
    if not runs:
        of = f" of experiment {experiment!r}" if experiment else ""
        raise InputFileError(
            f"expected a run{of} with a validation {by!r} in {path}, got none; train one first"
        )
    return Path(max(runs, key=lambda entry: entry.valid[by]).run)


def _former_names(entry: Entry) -> set[str]:
    """Metrics of a run under names that they no longer have."""
    return (entry.valid.keys() | entry.test.keys()) & METRICS.keys()


def _entry(line: str, path: Path, number: int) -> Entry:
    names = {field.name for field in fields(Entry)}
    try:
        values = {name: value for name, value in json.loads(line).items() if name in names}
        for name in ("run", "bundle"):
            if values.get(name):
                values[name] = str(Path(os.path.normpath(path.parent / values[name])))
        for split in ("valid", "test"):
            values[split] = {
                name: math.nan if value is None else float(value)
                for name, value in values[split].items()
            }
        return Entry(**values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputFileError(
            f"expected one run as JSON in {path} line {number}, got {line[:60]!r} ({error}); "
            "remove the line"
        ) from error
