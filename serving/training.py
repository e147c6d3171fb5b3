"""`train` in the container: SageMaker's training contract around `python -m linkage_rl.train`.

Reads /opt/ml/input (see `channels.py`), leaves a checked bundle in /opt/ml/model and the report in
/opt/ml/output/data. What goes wrong ends with a reason in /opt/ml/output/failure. Metrics are
lines like `metric test_f1=0.9123;` on stdout; `metric_definitions.json` has the regexes. Where
/opt/ml/checkpoints exists, an interrupted run goes on there. Standard library only: the work is
done in processes of their own.
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

DEFINITIONS: Final = Path(__file__).with_name("metric_definitions.json")
"""Names and regexes of the metrics, as `CreateTrainingJob` takes them."""
LONGEST_REASON: Final = 1024
"""Characters of the failure file that the platform shows."""
_PROGRESS: Final = {
    "progress_reward": "eval/mean_reward",
    "progress_linkage_rate": "eval/linkage_rate",
}
"""Metric to its column in `progress.csv`."""
_KEPT: Final = ("metrics.json", "manifest.json", "config.yaml", "progress.csv", "train.log")
_KEPT_KINDS: Final = ("report*.html", "learning_curve.png")
_INTERRUPTED: Final = 130


class Stopped(BaseException):
    """SIGTERM came: the job was stopped, or the machine is taken away."""


def train(root: Path, work: Path) -> None:
    """Do the whole job.

    Args:
        root: /opt/ml.
        work: Empty folder for what is not to be kept.

    Raises:
        TrainingError: With the reason, for people.
        Stopped: SIGTERM came; the run has saved a checkpoint.
    """
    run, words = work / "run", arguments(root / "input")
    if (root / "checkpoints").is_dir():
        run = root / "checkpoints/run"
    if any((run / "checkpoints").glob("*")) and (run / ".hydra/overrides.yaml").is_file():
        words = [f"resume={run}"]
    else:
        shutil.rmtree(run, ignore_errors=True)
        words = [*words, f"hydra.run.dir={run}"]
    # beside the database it would lie among the inputs
    words.append(f"table.index={work}/index")
    rows = 0

    def tell_progress() -> None:
        nonlocal rows
        rows = say_progress(run / "progress.csv", rows)

    _call(["linkage_rl.train", *words], work, tell_progress)
    _call(["linkage_rl.export", f"run={run}", f"output={work}/bundle", "archive=false"], work)
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    say_results(metrics["lists"]["all"]["agent"])
    # the model folder may be a mount, which cannot be replaced as a whole
    shutil.copytree(work / "bundle", root / "model", dirs_exist_ok=True)
    # beside the bundle, where a release looks for the figures that it compares
    shutil.copyfile(run / "metrics.json", root / "model/metrics.json")
    kept = root / "output/data"
    kept.mkdir(parents=True, exist_ok=True)
    for name in (*_KEPT, *_KEPT_KINDS):
        for file in run.glob(name):
            shutil.copyfile(file, kept / file.name)


def say_progress(path: Path, seen: int) -> int:
    """Write the metrics of evaluations after the first `seen`; returns how many there are now."""
    if not path.is_file():
        return seen
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    rows = list(csv.DictReader(whole.splitlines()))
    for row in rows[seen:]:
        for name, column in _PROGRESS.items():
            if row.get(column):
                _say(name, float(row[column]))
    return max(len(rows), seen)


def say_results(agent: Mapping[str, Mapping[str, float | None]]) -> None:
    """Write the metrics of the finished agent on the valid and the test lists."""
    for definition in json.loads(DEFINITIONS.read_text(encoding="utf-8")):
        split, _, metric = definition["Name"].partition("_")
        value = agent.get(split, {}).get(metric)
        if value is not None:
            _say(definition["Name"], value)


def reason_of(lines: Iterable[str], environ: Mapping[str, str]) -> str:
    """The sentence in which a command's last lines end, without passwords.

    >>> reason_of(["loading", "error: no such agent; see --help"], {})
    'no such agent; see --help'
    """
    told = [line.strip() for line in lines if line.strip()]
    errors = [line.removeprefix("error: ") for line in told if line.startswith("error: ")]
    reason = (errors or told or ["it said nothing"])[-1]
    if secret := environ.get("DB_PASS", ""):
        reason = reason.replace(secret, "***")
    return re.sub(r"(://[^:/@\s]*:)[^@\s]+@", r"\1***@", reason)[:LONGEST_REASON]


def main() -> int:
    """Train; returns the exit code."""
    root = Path(os.environ.get("LINKAGE_ML_ROOT") or "/opt/ml")
    try:
        with tempfile.TemporaryDirectory(prefix="linkage_rl-") as work:
            train(root, Path(work))
    except TrainingError as error:
        return _fail(root, str(error), error.code)
    except Stopped:
        return _fail(root, "stopped by SIGTERM; with checkpoints the job goes on", _INTERRUPTED)
    except Exception as error:
        # the platform shows nothing but this file
        _fail(root, reason_of([f"{type(error).__name__}: {error}"], os.environ), 1)
        raise
    return 0


def _call(words: list[str], work: Path, watch: Callable[[], None] = lambda: None) -> None:
    """Run a command of the package, its error stream passed on; `watch` is called every second."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=work,
        env=os.environ | {"TQDM_DISABLE": "1"},
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    last: deque[str] = deque(maxlen=50)
    reader = threading.Thread(target=_pass_on, args=(process.stderr, last))
    reader.start()
    try:
        while process.poll() is None:
            threading.Event().wait(0.2)
            watch()
        watch()
    except Stopped:
        # what Ctrl-C is to the command: it saves a checkpoint
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
    finally:
        reader.join()
    if process.returncode:
        raise TrainingError(reason_of(last, os.environ), max(process.returncode, 1))


def _pass_on(stream: Iterable[str], last: deque[str]) -> None:
    for line in stream:
        sys.stderr.write(line)
        last.append(line)


def _fail(root: Path, reason: str, code: int) -> int:
    sys.stderr.write(f"error: {reason}\n")
    (root / "output").mkdir(parents=True, exist_ok=True)
    (root / "output/failure").write_text(reason[:LONGEST_REASON], encoding="utf-8")
    return code


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def _say(name: str, value: Any) -> None:
    sys.stdout.write(f"metric {name}={value:.6g};\n")
    sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    # the command is stopped by SIGINT, which what a shell starts in the background ignores
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
