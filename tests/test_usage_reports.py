"""Libraries beneath the package report no usage to their makers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONTROLS = (
    "MLFLOW_DISABLE_TELEMETRY",
    "ORT_DISABLE_TELEMETRY",
    "RAY_USAGE_STATS_ENABLED",
    "WANDB_ERROR_REPORTING",
)
SHOW = f"import linkage_rl, os; print(*(os.environ[name] for name in {CONTROLS}))"


def run(home: Path, program: str, **given: str) -> str:
    """What a program prints in an environment in which nothing but this was set."""
    kept = {name: value for name, value in os.environ.items() if name not in CONTROLS}
    del kept["HOME"]
    environment = {**kept, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), **given}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_reports_are_off_before_any_library_is_loaded(tmp_path: Path) -> None:
    assert run(tmp_path, SHOW).split() == ["true", "1", "0", "false"]


@pytest.mark.parametrize("name", CONTROLS)
def test_what_a_user_has_set_stays(tmp_path: Path, name: str) -> None:
    assert "chosen" in run(tmp_path, SHOW, **{name: "chosen"}).split()


def test_onnxruntime_leaves_no_device_id_and_no_queue_of_events(tmp_path: Path) -> None:
    run(tmp_path, "import linkage_rl, onnxruntime, time; time.sleep(0.5)")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
