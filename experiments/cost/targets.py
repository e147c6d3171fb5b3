"""`python -m experiments.cost targets`: what the design promises, beside what is measured now.

    python -m experiments.cost targets --bundle outputs/jp_all/ppo/DATE/bundle \
        --database sqlite:///jp.db --companies ../shared/data/companies.parquet \
        --map corporate_number=company_id --clients ../shared/data/moves_test.csv \
        --read-back postgresql://reader@host/jp --train sample jp_all jp_own

Each figure is the median of some rounds; a round measures every line once, so that what else the
machine does hits all of them. Quality comes from the kept tables of the suites, whose rows name
their commit. Lines that need an option which is left out are not measured, and say so.

Machines differ, and one machine differs from day to day: `--before FILE` takes what an earlier
version was measured to be on the same machine, as `--output` wrote it, in place of the figures that
are kept, and says how many times better the present one is.
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from tqdm import tqdm

from experiments.cost.figures import rounded
from experiments.cost.inputs import add_column_mapping
from experiments.cost.target_lines import TARGETS, Target
from experiments.cost.target_measures import MEASURES, Asked
from experiments.tools.measure import machine
from linkage_rl.errors import ConfigError, LinkageError, OutputError
from linkage_rl.evaluation.tables import text_table

_HEADING: Final = ("what", "unit", "before", "to reach", "now", "lowest to highest", "better", "")

Readings = Mapping[str, Sequence[float]]
"""Name of a target to what was measured of it, one entry per round."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return the exit code.

    Args:
        arguments: The command line; None takes that of the process.
    """
    options = _parser().parse_args(arguments)
    about = machine()
    try:
        with tempfile.TemporaryDirectory(prefix="linkage-rl-", dir=options.scratch) as folder:
            asked = Asked.of(options, Path(folder))
            before = _read(options.before) if options.before else {}
            readings = measure(asked, options.only or list(MEASURES), options.rounds)
        if options.output:
            _write(options.output, about | {"rounds": options.rounds}, readings)
    except LinkageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(
        f"{about['cores']} cores, {about['processor']}, load {about['load_before']} before, "
        f"{options.rounds} rounds, {len(asked.inputs.clients):,} clients\n\n"
        f"{text_table(rows_of(readings, before), left=(0, 1, 7), rule=True)}\n"
    )
    return 0


def measure(asked: Asked, names: Sequence[str], rounds: int) -> Readings:
    """All readings; a bar on the error stream names what is measured.

    Args:
        asked: What to measure with.
        names: Keys of `MEASURES`.
        rounds: How often.
    """
    readings: dict[str, list[float]] = defaultdict(list)
    steps = [name for _ in range(rounds) for name in MEASURES if name in names]
    with tqdm(steps, unit="measurement", disable=None) as bar:
        for name in bar:
            bar.set_description(name)
            for target, value in MEASURES[name](asked).items():
                readings[target].append(value)
    return readings


def rows_of(readings: Readings, before: Readings | None = None) -> list[tuple[str, ...]]:
    """The table, heading first.

    Args:
        readings: Of the present version.
        before: Of an earlier one on the same machine; None takes the figures that are kept.
    """
    rows: list[tuple[str, ...]] = [_HEADING]
    for target in TARGETS:
        known = (before or {}).get(target.name)
        rows.append(_row(target, readings.get(target.name, ()), median(known) if known else None))
    return rows


def _row(target: Target, values: Sequence[float], measured: float | None) -> tuple[str, ...]:
    before = target.before if measured is None else measured
    promised = (target.what, target.unit, _shown(before), rounded(target.aim))
    if not values:
        return (*promised, "-", "-", "-", "not measured")
    now = median(values)
    spread = f"{rounded(min(values))} to {rounded(max(values))}" if len(values) > 1 else "-"
    times = None if measured is None else target.times_better(now, measured)
    reached = "reached" if target.is_reached(now) else "missed"
    return (*promised, rounded(now), spread, "-" if times is None else f"{times:.2f}x", reached)


def _shown(value: float | None) -> str:
    return "-" if value is None else rounded(value)


def _read(path: Path) -> Readings:
    """What `--output` has written.

    Raises:
        ConfigError: It is no such file.
    """
    try:
        readings: Readings = json.loads(path.read_text(encoding="utf-8"))["readings"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"expected readings of --output in {path}, got: {error}") from error
    return readings


def _write(path: Path, about: Mapping[str, object], readings: Readings) -> None:
    content = {**about, "readings": readings}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}; choose another file") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.cost targets",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--companies", type=Path, help="company file, CSV or Parquet; default: the sample")
    add("--clients", type=Path, help="client list with truth in company_id")
    add_column_mapping(parser)
    add("--bundle", type=Path, help="decides in the lines that link")
    add("--database", default="", help="URL of the same companies, for the command link")
    add("--read-back", default="", help="URL of the same companies, for the server that reads back")
    add("--train", nargs="*", default=[], metavar="EXPERIMENT", help="sample, jp_all, jp_own")
    add("--image", default="", help="name of the serving image, as podman knows it")
    add("--rounds", type=int, default=5)
    add("--only", nargs="*", choices=list(MEASURES), help="what to measure; default: everything")
    add("--seconds", type=float, default=30.0, help="for the sixteen callers")
    add("--before", type=Path, help="JSON file of an earlier version on the same machine")
    add("--scratch", type=Path, help="folder for temporary files; default: the system's")
    add("--output", type=Path, help="JSON file for all readings")
    return parser
