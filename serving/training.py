"""`train` in the container: SageMaker's training contract around `python -m linkage_rl.train`.

Reads /opt/ml/input (see `channels.py`), writes a checked bundle to /opt/ml/model and the report to
/opt/ml/output/data; if it fails, the reason to /opt/ml/output/failure. Metrics are lines like
`metric test_f1=0.9123;` on stdout, with regular expressions in `metric_definitions.json`. If
/opt/ml/checkpoints exists, an interrupted run is resumed from there. Standard library only: the
work is done in child processes.
"""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Final

from serving.channels import TrainingError, arguments
from serving.settings import ml_root

DEFINITIONS: Final = Path(__file__).with_name("metric_definitions.json")
"""Names and regular expressions of the metrics, in the form of `CreateTrainingJob`."""
MAX_REASON_LENGTH: Final = 1024
"""Characters of the failure file that SageMaker shows."""
_PROGRESS: Final = {
    "progress_reward": "eval/mean_reward",
    "progress_linkage_rate": "eval/linkage_rate",
}
"""Metric to its column in `progress.csv`."""
_KEPT: Final = ("metrics.json", "manifest.json", "config.yaml", "progress.csv", "train.log")
_KEPT_KINDS: Final = ("report*.html", "learning_curve.png")
_INTERRUPTED: Final = 130


class Stopped(BaseException):
    """Raised by SIGTERM: the job was stopped, or its spot instance is being reclaimed."""


def train(root: Path, work: Path) -> None:
    """Run the job from its inputs to its outputs.

    Args:
        root: /opt/ml.
        work: Empty folder for temporary files.

    Raises:
        TrainingError: Training failed, for the reason in its text.
        Stopped: On SIGTERM; the run has saved a checkpoint.
    """
    run, words = work / "run", arguments(root / "input")
    if (root / "checkpoints").is_dir():
        run = root / "checkpoints/run"
    if any((run / "checkpoints").glob("*")) and (run / ".hydra/overrides.yaml").is_file():
        words = [f"resume={run}"]
    else:
        shutil.rmtree(run, ignore_errors=True)
        words = [*words, f"hydra.run.dir={run}"]
    # its default place, beside the database, is in the read-only inputs
    words.append(f"table.index={work}/index")
    rows = 0

    def report() -> None:
        nonlocal rows
        rows = report_progress(run / "progress.csv", rows)

    _call(["linkage_rl.train", *words], work, report)
    _call(["linkage_rl.export", f"run={run}", f"output={work}/bundle", "archive=false"], work)
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    report_results(metrics["figures"])
    # copied into, not replaced: the model folder may be a mount
    shutil.copytree(work / "bundle", root / "model", dirs_exist_ok=True)
    # a release compares models by this file, which it expects beside the bundle
    shutil.copyfile(run / "metrics.json", root / "model/metrics.json")
    kept = root / "output/data"
    kept.mkdir(parents=True, exist_ok=True)
    for name in (*_KEPT, *_KEPT_KINDS):
        for file in run.glob(name):
            shutil.copyfile(file, kept / file.name)


def report_progress(path: Path, seen: int) -> int:
    """Print the metrics of new evaluations during training.

    Args:
        path: The run's `progress.csv`, one row per evaluation.
        seen: Rows that are printed already.

    Returns:
        Rows printed so far.
    """
    if not path.is_file():
        return seen
    # the last line may be incomplete
    complete, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    rows = list(csv.DictReader(complete.splitlines()))
    for row in rows[seen:]:
        for name, column in _PROGRESS.items():
            if row.get(column):
                _print_metric(name, float(row[column]))
    return max(len(rows), seen)


def report_results(figures: Mapping[str, Any]) -> None:
    """Print the metrics of the shipped system on the valid and the test lists."""
    for definition in json.loads(DEFINITIONS.read_text(encoding="utf-8")):
        split, _, metric = definition["Name"].partition("_")
        value = figures.get(split, {}).get(metric)
        if value is not None:
            _print_metric(definition["Name"], value)


def reason_of(output: Iterable[str], environ: Mapping[str, str]) -> str:
    """The error sentence in the last lines of a command, without passwords.

    >>> reason_of(["loading", "error: no such agent; see --help"], {})
    'no such agent; see --help'
    """
    lines = [line.strip() for line in output if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    reason = (errors or lines or ["training ended without a message"])[-1]
    if secret := environ.get("DB_PASS", ""):
        reason = reason.replace(secret, "***")
    return re.sub(r"(://[^:/@\s]*:)[^@\s]+@", r"\1***@", reason)[:MAX_REASON_LENGTH]


def main() -> int:
    """Train; returns the exit code."""
    root = ml_root()
    try:
        with tempfile.TemporaryDirectory(prefix="linkage_rl-") as work:
            train(root, Path(work))
    except TrainingError as error:
        return _fail(root, str(error), error.code)
    except Stopped:
        return _fail(
            root, "stopped by SIGTERM; a job with checkpoints can be resumed", _INTERRUPTED
        )
    except Exception as error:
        # SageMaker shows nothing but this file
        _fail(root, reason_of([f"{type(error).__name__}: {error}"], os.environ), 1)
        raise
    return 0


def _call(words: list[str], work: Path, poll: Callable[[], None] = lambda: None) -> None:
    """Run a command of the package; `poll` is called several times a second until it ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=work,
        env=os.environ | {"TQDM_DISABLE": "1"},
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    last: deque[str] = deque(maxlen=50)
    reader = threading.Thread(target=_forward, args=(process.stderr, last))
    reader.start()
    try:
        while process.poll() is None:
            threading.Event().wait(0.2)
            poll()
        poll()
    except Stopped:
        # like Ctrl-C, on which the command saves a checkpoint
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
    finally:
        reader.join()
    if process.returncode:
        raise TrainingError(reason_of(last, os.environ), max(process.returncode, 1))


def _forward(stream: Iterable[str], last: deque[str]) -> None:
    for line in stream:
        sys.stderr.write(line)
        last.append(line)


def _fail(root: Path, reason: str, code: int) -> int:
    sys.stderr.write(f"error: {reason}\n")
    (root / "output").mkdir(parents=True, exist_ok=True)
    (root / "output/failure").write_text(reason[:MAX_REASON_LENGTH], encoding="utf-8")
    return code


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def _print_metric(name: str, value: Any) -> None:
    sys.stdout.write(f"metric {name}={value:.6g};\n")
    sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    # the command is stopped by SIGINT, which background jobs of a shell inherit as ignored
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
