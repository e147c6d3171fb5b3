"""Runs what the pages show: the fenced blocks of a Markdown page, one after the other.

The info string of a fence says how a block is tried:

- `bash`, `python`, `pycon`: it is run; a `text` block right behind it is its expected output;
- `bash check`: it would take minutes, an account or a container, so its commands are checked
  instead: settings are composed, targets, modules and extras must exist;
- `diff`: it is applied to a copy of the checkout, in which the rest of the page then runs.
"""

import contextlib
import doctest
import importlib.util
import io
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from configparser import ConfigParser
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
COMMANDS: Final = (
    *("companies", "train", "evaluate", "link", "review", "learn", "audit"),
    *("export", "log", "forget", "deploy"),
)
SERVER: Final = "localhost:8080"
"""Address of the server on the pages; a test puts that of a running one in its place."""

_FENCE: Final = re.compile(r"^```([^\n`]*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
_SHELL: Final = re.compile(r"[|<>$;&]")
_TIMEOUT_S: Final = 300

RunCommand = Callable[[str, list[str]], str]
"""Runs a command of the library with these words and gives what it printed."""


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    language: str
    checked_only: bool
    text: str
    expected: str | None
    """Text of the `text` block right behind it, if there is one."""


def blocks_of(page: str) -> list[Block]:
    """The blocks of a page in their order, with the output that each announces."""
    found = list(_FENCE.finditer(page))
    blocks = []
    for place, fence in enumerate(found):
        after = found[place + 1] if place + 1 < len(found) else None
        language, _, option = fence[1].strip().partition(" ")
        follows = after is not None and not page[fence.end() : after.start()].strip()
        announced = after is not None and after[1].strip() == "text" and follows
        expected = after[2] if after is not None and announced else None
        blocks.append(Block(language, option == "check", fence[2], expected))
    return blocks


def statements(text: str) -> list[str]:
    """The statements of a shell block, each here-document as one."""
    found: list[str] = []
    lines = iter(text.replace("\\\n", " ").splitlines())
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        if here := re.search(r"<<'?(\w+)'?", line):
            body = [line]
            while body[-1] != here[1]:
                body.append(next(lines))
            line = "\n".join(body)
        found.append(line)
    return found


def cells_of(table: str) -> list[list[str]]:
    """Cells of a Markdown table, the header first."""
    rows = (line for line in table.strip().splitlines() if not line.startswith("| ---"))
    return [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows]


def rows_between(text: str, begin: str, end: str) -> list[list[str]]:
    """Cells of the table between two comments of a page, the header first."""
    found = re.search(rf"<!-- {begin} -->\n(.*?)<!-- {end} -->", text, re.DOTALL)
    assert found is not None
    return cells_of(found[1])


@dataclass
class Reader:
    """Follows a page in a folder, as a reader who types what it shows."""

    folder: Path
    run_command: RunCommand
    """Runs a command in this process; unused in a changed copy of the checkout."""
    server: str = SERVER
    isolated: bool = False
    """Whether commands run in processes of their own, with the code of the folder."""
    names: dict[str, Any] = field(default_factory=dict)
    """What the Python blocks of the page have defined."""

    def follow(self, block: Block) -> None:
        """Run or check one block, and compare its output where the page shows one."""
        tries: Mapping[str, Callable[[Block], str]] = {
            "bash": self._check if block.checked_only else self._bash,
            "python": self._python,
            "pycon": self._console,
            "diff": self._apply,
        }
        if block.language in tries:
            printed = tries[block.language](block)
            if block.expected is not None:
                assert printed.strip().endswith(block.expected.strip())

    def _bash(self, block: Block) -> str:
        printed = ""
        for statement in statements(block.text):
            command, redirected, file = statement.partition(" > ")
            words = _command_words(command)
            if not words or self.isolated or _SHELL.search(command + file):
                printed = self._in_shell(statement)
                continue
            printed = self.run_command(words[0], words[1:])
            if redirected:
                (self.folder / file).write_text(printed, encoding="utf-8")
        return printed

    def _in_shell(self, statement: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", statement.replace(SERVER, self.server)],
            cwd=self.folder,
            env={**os.environ, "PATH": f"{self._programs()}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"{statement}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _programs(self) -> Path:
        """A folder with `python` and `linkage-rl` of this environment, installed or not."""
        folder = self.folder / ".programs"
        if not folder.is_dir():
            folder.mkdir()
            code = self.folder if self.isolated else ROOT
            start = f"#!/bin/sh\nexport PYTHONPATH={code}:$PYTHONPATH\nexec {sys.executable}"
            for name, call in (("python", '"$@"'), ("linkage-rl", '-m linkage_rl "$@"')):
                (folder / name).write_text(f"{start} {call}\n", encoding="utf-8")
                (folder / name).chmod(0o755)
        return folder

    def _python(self, block: Block) -> str:
        if self.isolated:
            return self._in_shell(f"python - <<'END'\n{block.text}END")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block.text, "page", "exec"), self.names)
        return printed.getvalue()

    def _console(self, block: Block) -> str:
        example = doctest.DocTestParser().get_doctest(block.text, self.names, "page", None, 0)
        printed = io.StringIO()
        failed = doctest.DocTestRunner(verbose=False).run(
            example, out=printed.write, clear_globs=False
        )
        self.names.update(example.globs)
        assert not failed.failed, printed.getvalue()
        return ""

    def _apply(self, block: Block) -> str:
        assert self.isolated, "a page with a diff runs in a copy of the checkout"
        patch = self.folder / "page.diff"
        patch.write_text(block.text, encoding="utf-8")
        return self._in_shell("patch --batch --no-backup-if-mismatch -p1 < page.diff")

    def _check(self, block: Block) -> str:
        for statement in statements(block.text):
            self.check(statement)
        return ""

    def check(self, statement: str) -> None:
        """Compose the settings of a command, or look up what a statement names."""
        if words := _command_words(statement):
            self.run_command(words[0], [*_one_run(words[1:]), "--cfg=job"])
            return
        words = shlex.split(re.sub(r"\$\([^)]*\)", "x", statement), comments=True)
        program, *rest = [word for word in words if not re.match(r"[A-Z_]+=", word)]
        if program == "make":
            assert set(rest[:1]) <= targets()
        elif program == "pip":
            (extra,) = re.findall(r"\[(\w+)\]", " ".join(rest))
            assert extra in extras()
        elif program.startswith("scripts/"):
            assert os.access(ROOT / program, os.X_OK), program
        elif (program, rest[0]) == ("python", "-m"):
            _check_module(rest[1], rest[2:])
        else:
            raise AssertionError(f"nothing checks {statement!r}; run it, or say how to check it")


def free_port() -> int:
    """A port of the loopback interface that no program listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def targets() -> set[str]:
    """The targets of the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))


def extras() -> set[str]:
    """The extras of the package."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return set(setup["options.extras_require"])


def _command_words(statement: str) -> list[str]:
    """Name and words of a command of the library; [] for anything else."""
    found = re.match(r"(?:linkage-rl |python -m linkage_rl\.)(\w+)\b(.*)", statement, re.DOTALL)
    if not found or found[1] not in COMMANDS:
        return []
    return [found[1], *shlex.split(re.sub(r"\$\([^)]*\)", "x", found[2]), comments=True)]


def _one_run(words: list[str]) -> list[str]:
    """The first of the runs that `--multirun` would start."""
    if "--multirun" not in words:
        return words
    kept = [word for word in words if word != "--multirun"]
    return [word.partition(",")[0] for word in kept]


def _check_module(module: str, words: list[str]) -> None:
    assert importlib.util.find_spec(module) is not None
    for suite in (word.partition("=")[2] for word in words if word.startswith("suite=")):
        for name in suite.split(","):
            assert (ROOT / "configs" / "suite" / f"{name}.yaml").is_file()
