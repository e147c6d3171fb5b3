"""The command line `linkage-rl NAME ...`; each command is also `python -m linkage_rl.NAME ...`."""

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from linkage_rl.command_line import WRONG_USE, end, print_version, run_command

COMMANDS: Final = {
    "companies": "load or refresh a company table and its index",
    "train": "train a ranker and an agent, compare them, write a bundle",
    "evaluate": "measure a bundle on a client list whose truth is known",
    "link": "link a client list with a bundle",
    "review": "serve the page on which people judge decisions",
    "learn": "learn from what people said of decisions",
    "audit": "certify how many links of a list are right",
    "export": "turn a run into a bundle of its own",
    "log": "make a decision log, import into it, say what is in it",
    "forget": "delete decisions of a log for good",
    "deploy": "release an image to a SageMaker endpoint",
}
"""Name of each command to what it does."""

_USAGE: Final = """\
Record linkage: finds the company of every client of a list.

  linkage-rl COMMAND KEY=VALUE ...
  linkage-rl COMMAND --help

Commands:
{commands}

Each is also `python -m linkage_rl.COMMAND`; --version prints the version.
Tab completion in this shell: eval "$(linkage-rl -sc install=bash)"
"""


def main() -> None:
    """Run the command that the first argument names."""
    name, *words = sys.argv[1:] or ["--help"]
    if name in ("--help", "-h", "help"):
        width = max(map(len, COMMANDS))
        lines = (f"  {command:<{width}}  {does}" for command, does in COMMANDS.items())
        sys.stdout.write(_USAGE.format(commands="\n".join(lines)))
    elif name == "--version":
        print_version()
    elif name in ("-sc", "--shell-completion"):
        _complete(words)
    elif name in COMMANDS:
        sys.argv[:] = [f"linkage-rl {name}", *words]
        run_command(name)
    else:
        near = get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}"
        end(f"unknown command {name!r}; {hint}", WRONG_USE)


def _complete(words: Sequence[str]) -> None:
    """Install tab completion, or complete the line that the shell holds in `COMP_LINE`.

    Hydra completes the arguments of a command, but knows nothing of a command's name before them.
    """
    line = os.environ.get("COMP_LINE", "")
    parts = line.split()
    if not any(word.startswith("query=") for word in words):
        # the shell function that Hydra prints is the same for every command
        sys.argv[:] = ["linkage-rl", "-sc", *words]
        run_command("export")
    elif len(parts) < 2 or (len(parts) == 2 and not line.endswith(" ")):
        begin = "".join(parts[1:])
        sys.stdout.write(" ".join(name for name in COMMANDS if name.startswith(begin)) + "\n")
    elif parts[1] in COMMANDS:
        os.environ["COMP_LINE"] = line[line.index(parts[1], len(parts[0])) :]
        sys.argv[:] = [parts[1], "-sc", *words]
        run_command(parts[1])


if __name__ == "__main__":
    main()
