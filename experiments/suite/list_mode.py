"""`python -m experiments.suite.list_mode RUN ...`: runs side by side, single clients and lists.

Every training run judges its ranker and its agent both ways; this puts the runs side by side.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from linkage_rl.config.command import say
from linkage_rl.evaluation.tables import markdown_table

FIGURES: Final = ("f1", "precision", "recall", "expected_reward", "coverage_at_98%", "ece")
"""Metrics that are shown, each the mean over the runs."""


def main() -> None:
    """Print one table per client list and split."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished training runs")
    parser.add_argument("--split", choices=["valid", "test"], default="test")
    asked = parser.parse_args()
    metrics = [json.loads((run / "metrics.json").read_text())["lists"] for run in asked.runs]
    for name in metrics[0]:
        say(f"`{name}`, {asked.split}\n\n{table([one[name] for one in metrics], asked.split)}\n")


def table(runs: Sequence[dict[str, Any]], split: str) -> str:
    """A Markdown table with a line per system, F1 with its lowest and highest run."""
    lines = [["system", "runs", "F1, lowest to highest", *FIGURES]]
    for system in runs[0]:
        found = [run[system][split] for run in runs if system in run]
        scores = [one["f1"] for one in found]
        means = (np.mean([one.get(figure) or 0.0 for one in found]) for figure in FIGURES)
        between = f"{min(scores):.4f} to {max(scores):.4f}"
        lines.append([system, f"{len(found)}", between, *(f"{mean:.4f}" for mean in means)])
    return markdown_table(lines)


if __name__ == "__main__":
    main()
