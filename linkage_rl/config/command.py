"""What every command shares: arguments in, one clear sentence out where they are wrong."""

import errno
import logging
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Final, NoReturn, TypeVar

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from linkage_rl.atomic import DISK_FULL
from linkage_rl.config import messages, nodes
from linkage_rl.config.near_miss import GROUP_REFUSED, REFUSALS, explain
from linkage_rl.errors import ConfigError, LinkageError
from linkage_rl.shipped import shipped

CONFIGS: Final = shipped("configs")
"""The YAML files: at the top of a checkout, for users to read and add to."""

WRONG_USE: Final = 2
"""Exit code for a wrong configuration."""
_FAILED, _INTERRUPTED = 1, 130
_DISK_FAULTS = (*DISK_FULL, errno.EACCES, errno.EROFS, errno.EPERM)

_VALUED_FLAGS: Final = (
    *("--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp"),
    *("--cfg", "-c", "--package", "-p", "--experimental-rerun"),
)
"""Flags of Hydra whose value is the next word, unless it follows after '='."""

_TEXTS: Final = ("query",)
"""Keys whose value is always one text: commas in SQL are no list of values to sweep over."""
_QUOTED: Final = re.compile(r"""(['"])(?:\\.|(?!\1)[^\\])*\1""", re.DOTALL)

Schema = TypeVar("Schema")


def command(
    name: str,
    schema: type[Schema],
    task: Callable[[Schema], float | None],
    components: Mapping[str, type] | None = None,
    rewrite: Callable[[Sequence[str]], list[str]] = list,
) -> Callable[[], None]:
    """The `main` of a command.

    It ends with exit code 2 for a wrong configuration, 1 for anything else that a user can
    correct, and 130 for Ctrl-C; each with one line on the error stream.

    Args:
        name: Name of the command, and of its file in `configs/`.
        schema: Frozen dataclass of its configuration.
        task: What it does; the number it returns is what a sweep maximises.
        components: Choices of groups that offer several kinds, see `nodes.register`.
        rewrite: Changes the arguments before Hydra reads them.
    """
    components = components or {}

    def leave(error: BaseException) -> NoReturn:
        _leave(error, tuple(nodes.dotted_keys(schema, components)))

    def job(composed: DictConfig) -> float | None:
        messages.format_logs()
        try:
            return task(nodes.settings(composed, schema))
        except (Exception, KeyboardInterrupt) as error:
            _remove_if_empty(Path(HydraConfig.get().runtime.output_dir))
            # in a sweep the other runs go on, and Hydra raises the error again at the end
            if HydraConfig.get().mode == RunMode.MULTIRUN and isinstance(error, LinkageError):
                raise
            leave(error)

    def main() -> None:
        nodes.register(name, schema, components)
        # otherwise Hydra prints an error in its own way and ends the program itself
        os.environ["HYDRA_FULL_ERROR"] = "1"
        # a log file on a full disk is no reason for a traceback at every line
        logging.raiseExceptions = False
        OmegaConf.register_new_resolver("choices", _choices, replace=True)
        OmegaConf.register_new_resolver("every_command", lambda: messages.HELP, replace=True)
        try:
            has_log = "log" in {one.name for one in fields(schema)}  # type: ignore[arg-type]
            sys.argv[1:] = messages.take_words(sys.argv[1:], has_log)
            sys.argv[1:] = _flags_first(hydra_words(rewrite(sys.argv[1:])))
            if not CONFIGS.is_dir():
                raise ConfigError(
                    f"expected the configuration files in {CONFIGS}, found no such folder; "
                    "install the package again"
                )
            hydra.main(config_path=str(CONFIGS), config_name=name, version_base="1.3")(job)()
        except (Exception, KeyboardInterrupt) as error:
            leave(error)

    return main


def hydra_words(words: Sequence[str]) -> list[str]:
    """Arguments as Hydra can take them: passwords kept in the environment, odd values quoted."""
    return [_readable(_without_secret(word)) for word in words]


def say(text: str, **values: object) -> None:
    """Write a result line; see `messages.say`."""
    messages.say(text, **values)


def command_line(name: str, words: Sequence[str] | None = None) -> str:
    """The command as it was typed, but for passwords."""
    return " ".join([f"python -m linkage_rl.{name}", *(sys.argv[1:] if words is None else words)])


def _choices(*groups: str) -> str:
    """The choices of these groups of `configs/`, one line each, for help texts."""
    lines = []
    for group in groups:
        names = sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))
        lines.append(f"{group:<12}{', '.join(names)}")
    return "\n".join(lines)


def _remove_if_empty(folder: Path) -> None:
    """Remove the run folder that Hydra made for a run that was refused."""
    if folder != Path.cwd():
        with suppress(OSError):
            folder.rmdir()


def _leave(error: BaseException, known: Sequence[str]) -> NoReturn:
    """End the program with one line, or raise an error that is a fault of the program again.

    Args:
        error: What ended the command.
        known: Every key of its configuration.
    """
    logging.getLogger(__name__).debug("the command failed", exc_info=error)
    if isinstance(error, BrokenPipeError):
        # the reader, such as `head`, has seen enough; nothing is left to flush into its pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(_FAILED) from None
    sentence, code = verdict(error, known, sys.argv[1:])
    if not sentence:
        raise error
    _end(sentence, code)


def verdict(error: BaseException, known: Sequence[str], words: Sequence[str]) -> tuple[str, int]:
    """The sentence and the exit code for an error; '' for a fault of the program.

    Args:
        error: What ended the command.
        known: Every key of its configuration.
        words: Its arguments.
    """
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", _INTERRUPTED
    if isinstance(error, LinkageError):
        return str(error), WRONG_USE if isinstance(error, ConfigError) else _FAILED
    if isinstance(error, ValueError) and str(error).startswith(GROUP_REFUSED):
        return _misused_group(words), WRONG_USE
    if isinstance(error, REFUSALS):
        return explain(error, known), WRONG_USE
    if isinstance(error, OSError) and error.errno in _DISK_FAULTS:
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{where}; free space or choose another folder", _FAILED
    if isinstance(error, MemoryError):
        return f"out of memory ({error}); use smaller settings or a larger machine", _FAILED
    return "", 0


def _misused_group(words: Sequence[str]) -> str:
    """For a group of configurations that was given something else than the name of a choice."""
    for word in words:
        group, _, value = word.lstrip("+").partition("=")
        names = sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))
        if names and value not in names:
            return f"{group} takes one of {', '.join(names)}, got {value}; or leave it out"
    return "a group takes the name of one of its choices; see --help"


def _end(sentence: str, code: int) -> NoReturn:
    messages.fail(" ".join(sentence.split()))
    raise SystemExit(code) from None


def _without_secret(word: str) -> str:
    """The argument with a database URL that holds a password moved into the environment.

    Hydra writes its arguments into the run folder, where no password may be.
    """
    found = re.fullmatch(r"([\w.]+)=(['\"]?)([\w+]+://[^/\s]*:[^/\s]+@.*?)\2", word)
    if not found:
        return word
    variable = f"LINKAGE_RL_{found[1].upper().replace('.', '_')}"
    os.environ[variable] = found[3]
    return f"{found[1]}=${{oc.env:{variable}}}"


def _flags_first(words: Sequence[str]) -> list[str]:
    """Flags such as `--multirun` before the keys: argparse refuses keys on both sides of a flag."""
    flags: list[str] = []
    keys: list[str] = []
    value_follows = False
    for word in words:
        (flags if value_follows or word.startswith("-") else keys).append(word)
        value_follows = word in _VALUED_FLAGS
    return [*flags, *keys]


def _readable(word: str) -> str:
    """The argument in quotes where Hydra's grammar would stumble, as over a Japanese file name."""
    key, equals, value = word.partition("=")
    if word.startswith("-") or not equals:
        return word
    if key in _TEXTS:
        return word if _QUOTED.fullmatch(value) else f"{key}={_in_quotes(value)}"
    try:
        OverridesParser.create().parse_override(word)
    except HydraException:
        if re.fullmatch(r"\[[^'\"\[\]{}]+\]", value):
            items = (_in_quotes(item.strip()) for item in value[1:-1].split(","))
            return f"{key}=[{','.join(items)}]"
        return f"{key}={_in_quotes(value)}"
    return word


def _in_quotes(value: str) -> str:
    """The value as a text of Hydra, which takes a backslash as it is unless a quote follows."""
    escaped = re.sub(
        r"(\\*)('|\Z)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), value
    )
    return f"'{escaped}'"
