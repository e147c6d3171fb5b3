"""`python -m experiments.cost COMMAND`: what the library costs in time and memory.

Commands: targets (what is promised, beside what is measured now), speed (hot paths beside rivals),
growth (a larger table), serving (a server under load), logging (a server with its decision log),
reviewing (clicks on the review page), link_log (a decision log while linking), verdicts (learning
from them), scale_out (more workers), interrupted (a list whose linking is killed on the way),
live_database (what a database sees of a command). Each has `--help`.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from experiments.cost import (
    growth,
    interrupted,
    link_log,
    live_database,
    logging,
    reviewing,
    scale_out,
    serving,
    speed,
    targets,
    verdicts,
)

COMMANDS: Final[Mapping[str, Callable[[Sequence[str]], int]]] = {
    "targets": targets.main,
    "speed": speed.main,
    "growth": growth.main,
    "serving": serving.main,
    "logging": logging.main,
    "reviewing": reviewing.main,
    "scale_out": scale_out.main,
    "interrupted": interrupted.main,
    "link_log": link_log.main,
    "verdicts": verdicts.main,
    "live_database": live_database.main,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names, and return its exit code.

    Args:
        arguments: The command line; None takes that of the process.
    """
    name, *others = (sys.argv[1:] if arguments is None else arguments) or [""]
    if name in ("-h", "--help"):
        sys.stdout.write(f"{__doc__}")
        return 0
    if name not in COMMANDS:
        sys.stderr.write(f"expected a command among {list(COMMANDS)}, got {name!r}\n")
        return 2
    return COMMANDS[name](others)


if __name__ == "__main__":
    sys.exit(main())
