"""`python -m experiments.peers`: every peer on one table and its lists, as a table of figures."""

import argparse
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from tqdm import tqdm

from experiments.peers.prepare import prepare, prepare_sample
from experiments.peers.running import PEERS, RUN_LIMIT_S, run_peer
from experiments.peers.scoring import Figures, figures_of
from linkage_rl.config import nodes
from linkage_rl.config.command import CONFIGS, say
from linkage_rl.tables.comparators import Schema
from linkage_rl.tables.readers import read_clients, read_companies
from linkage_rl.tables.sample import SampleConfig
from linkage_rl.tables.split import SPLITS
from linkage_rl.tables.two_tables import read_two_tables
from linkage_rl.train import COMPONENTS, TrainSettings

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
    """Prepare, run, judge, print; the figures are written beside the links."""
    asked = _arguments()
    folder = asked.folder
    if asked.two_tables:
        tables = read_two_tables(asked.two_tables, schema_of(asked.schema))
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
    say(as_markdown(systems))


def schema_of(name: str) -> Schema:
    """The schema of `configs/schema/<name>.yaml`."""
    nodes.register("train", TrainSettings, COMPONENTS)
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        composed = compose("train", [f"schema={name}"])
    return cast(Schema, OmegaConf.to_object(composed.schema))


def figures_of_run(run: Path, name: str) -> dict[str, Figures]:
    """The test metrics of every system of a finished training run on one of its lists."""
    systems = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["lists"][name]
    return {f"linkage_rl {system}": splits["test"] for system, splits in systems.items()}


def as_markdown(systems: Mapping[str, Figures]) -> str:
    """One line per system; a peer that failed has its error in place of figures."""
    headings = ("system", *RATES.values(), "learning, CPU s", "CPU µs per client", "peak MB")
    lines = [f"| {' | '.join(headings)} |", f"| {' | '.join('---' for _ in headings)} |"]
    for name, figures in systems.items():
        title = f"{name} {figures.get('version', '')}".strip()
        if "error" in figures:
            cells = [f"failed: {figures['error']}", *[""] * (len(headings) - 2)]
        else:
            cells = [_shown(figures, metric) for metric in RATES] + _costs(figures)
        lines.append(f"| {' | '.join([title, *cells])} |")
    return "\n".join(lines)


def _shown(figures: Figures, metric: str) -> str:
    text = _number(figures.get(metric), 4)
    if metric == "f1":
        ends = (_number(figures.get(end), 3) for end in ("f1_low", "f1_high"))
        text += f" [{', '.join(ends)}]"
    return text


def _costs(figures: Figures) -> list[str]:
    """What learning and linking took; of our own systems the time per client alone is known."""
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
    words = argparse.ArgumentParser(prog="python -m experiments.peers", description=__doc__)
    words.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS, metavar="PEER")
    words.add_argument("--folder", type=Path, default=FOLDER, help="inputs, links and figures")
    words.add_argument("--companies", type=Path, help="company file; the sample without one")
    for split in SPLITS:
        words.add_argument(f"--{split}", type=Path, help=f"client list of {split}, with truth")
    words.add_argument("--two-tables", type=Path, help="folder of DeepMatcher's layout")
    words.add_argument("--schema", default="company", help="its schema, of configs/schema")
    words.add_argument("--limit-s", type=float, default=RUN_LIMIT_S, help="seconds for each peer")
    words.add_argument("--run", type=Path, help="finished training run to show beside the peers")
    words.add_argument("--list", default="sample", help="list of that run")
    asked = words.parse_args()
    if asked.companies and not all(getattr(asked, split) for split in SPLITS):
        words.error("--companies needs --train, --valid and --test")
    return asked


if __name__ == "__main__":
    main()
