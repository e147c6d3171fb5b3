"""`python -m experiments.peers`: every peer on one table and its lists, as a table of figures."""

import argparse
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tqdm import tqdm

from experiments.peers.prepare import prepare, prepare_sample
from experiments.peers.running import PEERS, RUN_LIMIT_S, run_peer
from experiments.peers.scoring import Figures, figures_of
from experiments.tools.composing import train_settings
from linkage_rl.config.command import say
from linkage_rl.evaluation.tables import markdown_table
from linkage_rl.tables.readers import read_clients, read_companies
from linkage_rl.tables.sample import SampleConfig
from linkage_rl.tables.split import SPLITS
from linkage_rl.tables.two_tables import read_two_tables

FOLDER: Final = Path("outputs/peers")
RATES: Final = {
    "linkage_rate": "linkage rate",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1 [95 %]",
    "coverage_at_98%": "linked at 98 % precision",
}
"""Metric to its heading, in the order of the table; the costs follow."""


def main() -> None:
    """Prepare, run, judge and print; the figures are written beside the links."""
    asked = _arguments()
    folder = asked.folder
    if asked.two_tables:
        tables = read_two_tables(
            asked.two_tables, train_settings([f"schema={asked.schema}"]).schema
        )
        prepare([tables.companies], tables.lists, folder)
    elif asked.companies:
        lists = {split: read_clients(getattr(asked, split)) for split in SPLITS}
        prepare(read_companies(asked.companies), lists, folder)
    else:
        prepare_sample(SampleConfig(), folder)
    systems: dict[str, Figures] = {}
    for name in tqdm(asked.peers, desc="peers", leave=False):
        systems[name] = figures_of(folder, run_peer(name, folder, asked.limit_s))
    if asked.run:
        systems |= figures_of_run(asked.run, asked.list)
    (folder / "results.json").write_text(json.dumps(systems, indent=1) + "\n", encoding="utf-8")
    say(table_of(systems))


def figures_of_run(run: Path, name: str) -> dict[str, Figures]:
    """The test metrics of every system of a finished training run on one of its lists."""
    systems = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["lists"][name]
    return {f"linkage_rl {system}": splits["test"] for system, splits in systems.items()}


def table_of(systems: Mapping[str, Figures]) -> str:
    """One line per system; a peer that failed has its error in place of figures."""
    heading = ("system", *RATES.values(), "learning, CPU s", "CPU µs per client", "peak MB")
    rows = [[f"{name} {figures.get('version', '')}".strip()] for name, figures in systems.items()]
    for row, figures in zip(rows, systems.values(), strict=True):
        if "error" in figures:
            row += [f"failed: {figures['error']}", *[""] * (len(heading) - 2)]
        else:
            row += [_shown(figures, metric) for metric in RATES] + _costs(figures)
    return markdown_table([heading, *rows])


def _shown(figures: Figures, metric: str) -> str:
    text = _number(figures.get(metric), 4)
    if metric == "f1":
        ends = (_number(figures.get(end), 3) for end in ("f1_low", "f1_high"))
        text += f" [{', '.join(ends)}]"
    return text


def _costs(figures: Figures) -> list[str]:
    """What learning and linking took; of our own systems only the time per client is known."""
    linked = figures.get("judged")
    if isinstance(linked, int) and isinstance(spent := figures.get("link_cpu_s"), float):
        return [
            _number(figures.get("fit_cpu_s"), 1),
            _number(spent / linked * 1e6, 0),
            _number(figures.get("peak_mb"), 0),
        ]
    return ["-", _number(figures.get("microseconds_per_client"), 0), "-"]


def _number(value: float | str | None, digits: int) -> str:
    if not isinstance(value, float | int) or math.isnan(value):
        return "-"
    return f"{value:,.{digits}f}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments.peers", description=__doc__)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS, metavar="PEER")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="inputs, links and figures")
    parser.add_argument("--companies", type=Path, help="company file; the sample without one")
    for split in SPLITS:
        parser.add_argument(f"--{split}", type=Path, help=f"client list of {split}, with truth")
    parser.add_argument("--two-tables", type=Path, help="folder in the layout of DeepMatcher")
    parser.add_argument("--schema", default="company", help="its schema, of configs/schema")
    parser.add_argument("--limit-s", type=float, default=RUN_LIMIT_S, help="seconds for each peer")
    parser.add_argument("--run", type=Path, help="finished training run to show beside the peers")
    parser.add_argument("--list", default="sample", help="list of that run")
    asked = parser.parse_args()
    if asked.companies and not all(getattr(asked, split) for split in SPLITS):
        parser.error("--companies needs --train, --valid and --test")
    return asked


if __name__ == "__main__":
    main()
