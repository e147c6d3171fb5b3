"""What commands say: lines for people, or JSON objects, one per line, for programs.

Results go to the output stream; messages, warnings and errors to the error stream.
"""

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TextIO

from linkage_rl.errors import ConfigError

FORMATS: Final = ("text", "json")
"""Values of `log=` that say how lines are written; other ones name a decision log."""
QUIET_FLAGS: Final = ("-q", "--quiet")
HELP: Final = """\
log=json   every line is a JSON object with time, level and message
-q         leaves errors and warnings only
exit code  0 done, 1 a fault of input, disk or database, 2 a wrong setting, 130 interrupted"""
"""What every command takes and answers, for help texts."""


@dataclass
class _Style:
    as_json: bool = False
    quiet: bool = False


_style: Final = _Style()


def take_words(words: Sequence[str], has_log: bool = False) -> list[str]:
    """The arguments without `log=text`, `log=json` and `-q`, which hold from now on.

    Args:
        words: The arguments of a command.
        has_log: Whether the command has a key `log` of its own, which takes every other value.

    Raises:
        ConfigError: There is no such format.
    """
    _style.as_json, _style.quiet = False, False
    rest = []
    for word in words:
        if word in QUIET_FLAGS:
            _style.quiet = True
        elif word.startswith("log="):
            kind = word.removeprefix("log=")
            if has_log and kind not in FORMATS:
                rest.append(word)
                continue
            if kind not in FORMATS:
                raise ConfigError(f"log takes one of {', '.join(FORMATS)}, got {kind}")
            _style.as_json = kind == "json"
        else:
            rest.append(word)
    return rest


def say(text: str, **values: object) -> None:
    """Write a result line.

    Args:
        text: The line for people.
        values: What it says, for programs.
    """
    if not _style.quiet:
        _write(sys.stdout, "info", text, values)


def fail(sentence: str) -> None:
    """Write the sentence with which a command ends."""
    _write(sys.stderr, "error", sentence, {})


def bars_shown() -> bool:
    """Whether progress bars are drawn: in a terminal whose reader is a person."""
    return sys.stderr.isatty() and not _style.as_json and not _style.quiet


def format_logs() -> None:
    """Have the handlers that Hydra made write as was chosen; files keep their format."""
    own = logging.getLogger("linkage_rl")
    if _style.quiet:
        own.setLevel(logging.WARNING)
    if _style.as_json:
        for handler in logging.getLogger().handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.setFormatter(_JsonFormatter())


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC)
        return _line(when, record.levelname.lower(), record.getMessage(), {})


def _write(stream: TextIO, level: str, text: str, values: dict[str, object]) -> None:
    if _style.as_json:
        text = _line(datetime.now(UTC), level, text, values)
    elif level == "error":
        text = f"error: {text}"
    stream.write(f"{text}\n")
    stream.flush()


def _line(when: datetime, level: str, message: str, values: dict[str, object]) -> str:
    time = when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = {"time": time, "level": level, "message": message.strip("\n"), **values}
    return json.dumps(line, ensure_ascii=False, default=str)
