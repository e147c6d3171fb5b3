"""`python -m experiments.torture [PART ...]`: kills, full disks, fuzzed inputs, and a soak.

Every part is seeded, says how far it is, and writes a result file; the exit code is 1 if anything
failed. It needs root for the full disks (a small tmpfs is mounted), nginx, PostgreSQL and PgBouncer
for the soak.
"""

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from experiments.torture.full_disks import torture_full_disks
from experiments.torture.fuzz import torture_fuzz
from experiments.torture.kills import torture_kills
from experiments.torture.outcome import Outcome
from experiments.torture.page import write_page
from experiments.torture.soak import torture_soak

RESULTS: Final = Path(__file__).parent / "results"

PAGE: Final = "page"
"""Writes the results as Markdown, which every run does at its end."""
Part = Callable[[Outcome, Path, argparse.Namespace], None]
PARTS: Final[Mapping[str, Part]] = {
    "kills": lambda outcome, folder, asked: torture_kills(outcome, folder, asked.kills),
    "full_disks": lambda outcome, folder, asked: torture_full_disks(outcome, folder, asked.rooms),
    "fuzz": lambda outcome, folder, asked: torture_fuzz(outcome, folder, asked.inputs, asked.only),
    "soak": lambda outcome, folder, asked: torture_soak(
        outcome, folder, asked.minutes, asked.bundle, asked.companies
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that the command line names, all by default.

    Args:
        arguments: The command line; None takes that of the process.

    Returns:
        0 if nothing failed, else 1.
    """
    asked = _parser().parse_args(arguments)
    # what was found so far is written; a program in the background is started without Ctrl-C
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    if asked.work:
        Path(asked.work).mkdir(parents=True, exist_ok=True)
    failed = 0
    for name in [name for name in asked.parts or PARTS if name != PAGE]:
        outcome = Outcome(name, asked.seed)
        folder = Path(tempfile.mkdtemp(prefix=f"torture-{name}-", dir=asked.work))
        try:
            PARTS[name](outcome, folder, asked)
        finally:
            path = outcome.write(asked.results)
        if not outcome.failed:
            shutil.rmtree(folder, ignore_errors=True)
        failed += outcome.failed
        said = "nothing failed" if not outcome.failed else f"{outcome.failed} FAILED, see {folder}"
        sys.stdout.write(
            f"{name}: {outcome.total:,} trials, {outcome.seconds:,.0f} s, {said}; {path}\n"
        )
    write_page(asked.results)
    return int(failed > 0)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m experiments.torture", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, PAGE, []], help="all by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=120, help="kills over all commands")
    parser.add_argument("--rooms", type=int, default=5, help="sizes of the disk for each command")
    parser.add_argument("--inputs", type=int, default=3_000_000, help="inputs of the fuzzing")
    parser.add_argument("--only", help="target of the fuzzing, such as 'bundles'; all by default")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the soak")
    parser.add_argument("--bundle", type=Path, help="bundle for the soak; else one is made")
    parser.add_argument("--companies", type=Path, help="company file of that bundle")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result files")
    parser.add_argument("--work", help="folder for temporary files")
    return parser


if __name__ == "__main__":
    sys.exit(main())
