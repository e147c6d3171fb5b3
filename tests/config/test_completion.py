"""The shell completes names of commands, keys and choices."""

import os
import subprocess
import sys

import pytest

CASES = [
    ("linkage-rl ", {"companies", "train", "link"}),
    ("linkage-rl ex", {"export"}),
    ("linkage-rl export with_", {"with_index="}),
    ("linkage-rl link launcher=", {"launcher=ray"}),
]


@pytest.mark.parametrize(("line", "expected"), CASES)
def test_the_shell_is_offered_what_can_follow(line: str, expected: set[str]) -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "linkage_rl", "-sc", "query=bash"],
        env=os.environ | {"COMP_LINE": line, "COMP_POINT": str(len(line))},
        capture_output=True,
        text=True,
        check=True,
    )

    assert expected <= set(completed.stdout.split())


def test_the_completion_is_installed_by_one_line() -> None:
    installed = subprocess.run(
        [sys.executable, "-m", "linkage_rl", "-sc", "install=bash"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "-F hydra_bash_completion linkage-rl" in installed.stdout
