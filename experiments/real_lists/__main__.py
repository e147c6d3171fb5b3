"""`python -m experiments.real_lists`: finished runs beside LightGBM, as a table and a plot."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from omegaconf import OmegaConf

from experiments.real_lists.cases import Lists, real_lists
from experiments.real_lists.rival import judge_by_lightgbm
from linkage_rl.agents.baselines import TopOne
from linkage_rl.config.command import say
from linkage_rl.decision.decide import Decider
from linkage_rl.evaluation.comparison import Judged, trial_of
from linkage_rl.evaluation.evaluate import calibrated
from linkage_rl.records import Decisions

FOLDER: Final = Path(__file__).parent
SHOWN: Final = {
    "linkage_rate": "linkage rate",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1 [95 %]",
    "coverage_at_98%": "linked at 98 % precision",
    "expected_reward": "reward",
    "blockers_per_client": "blockers/client",
    "cost_per_client": "cost/client",
    "microseconds_per_client": "µs/client",
}
"""Metric to its heading, in the order of the table."""
COSTED: Final = ("agent", "static plan")
"""Systems that another cost of the blockers changes."""

Trials = dict[str, dict[str, list[dict[str, float | None]]]]
"""List to system to the test metrics of each seed."""


def main() -> None:
    """Collect the runs, judge by LightGBM where asked, write table, figures and plot."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("runs", nargs="+", type=Path, help="run folders of experiment=jp_all")
    words.add_argument("--lightgbm", type=Path, help="python that has lightgbm")
    words.add_argument("--seeds", type=int, default=3, help="seeds of LightGBM")
    asked = words.parse_args()
    trials = collect(asked.runs)
    if asked.lightgbm:
        lists = real_lists()
        for seed in range(1, asked.seeds + 1):
            for name, figures in lightgbm_figures(lists, asked.lightgbm, seed).items():
                trials[name].setdefault("LightGBM", []).append(figures)
    (FOLDER / "results.json").write_text(json.dumps(trials, indent=1) + "\n")
    for name, systems in trials.items():
        say(f"\n{name}\n\n{as_markdown(systems)}")
    draw_frontier(trials, FOLDER / "frontier.png")


def collect(runs: Sequence[Path]) -> Trials:
    """Test metrics of every system of finished runs; what saw other costs is named by them."""
    trials: Trials = {}
    for run in runs:
        scale = OmegaConf.load(run / "config.yaml").reward.blocker_cost_scale
        metrics = json.loads((run / "metrics.json").read_text())["lists"]
        for name, systems in metrics.items():
            for system, splits in systems.items():
                costed = system in COSTED and scale != 1
                title = f"{system}, costs x {scale:g}" if costed else system
                if scale == 1 or costed:
                    trials.setdefault(name, {}).setdefault(title, []).append(splits["test"])
    return trials


def lightgbm_figures(lists: Lists, python: Path, seed: int) -> dict[str, dict[str, float | None]]:
    """Test metrics of LightGBM on each list and on all, thresholds as for the other systems."""
    said = judge_by_lightgbm(lists.train, lists.valid, lists.test, lists.view, python, seed)
    return figures_of(lists, *said)


def figures_of(
    lists: Lists, valid: Decisions, test: Decisions
) -> dict[str, dict[str, float | None]]:
    """Test metrics of raw judgements on each list and on all together.

    Args:
        lists: The cases.
        valid: What was said of the valid cases; calibration and thresholds come from it.
        test: What was said of the test cases.
    """
    # The policy is never asked: all that is decided has been judged already.
    decider = calibrated(Decider(TopOne(), lists.view), valid, lists.valid)
    both = Judged(lists.valid, valid), Judged(lists.test, test)
    parts = {
        name: (
            both[0].take(np.flatnonzero(lists.valid.dataset == place)),
            both[1].take(np.flatnonzero(lists.test.dataset == place)),
        )
        for place, name in enumerate(lists.datasets)
    }
    settings = lists.settings
    return {
        name: trial_of(
            decider, chooses, reports, settings.reward, settings.evaluation.goal
        ).figures()
        for name, (chooses, reports) in {**parts, "all": both}.items()
    }


def as_markdown(systems: Mapping[str, Sequence[Mapping[str, float | None]]]) -> str:
    """Mean over the seeds of each system, with the mean ends of the intervals of F1."""
    lines = [
        f"| system | seeds | {' | '.join(SHOWN.values())} |",
        f"| --- | --- | {' | '.join('---' for _ in SHOWN)} |",
    ]
    for system, seeds in systems.items():
        cells = []
        for metric in SHOWN:
            cell = _mean(seeds, metric)
            if metric == "f1":
                cell += f" [{_mean(seeds, 'f1_low', 3)}, {_mean(seeds, 'f1_high', 3)}]"
            cells.append(cell)
        lines.append(f"| {system} | {len(seeds)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _mean(seeds: Sequence[Mapping[str, float | None]], metric: str, digits: int = 4) -> str:
    values = [value for seed in seeds if (value := seed.get(metric)) is not None]
    if not values:
        return "-"
    return f"{np.mean(values):,.0f}" if max(values) >= 100 else f"{np.mean(values):.{digits}f}"


def draw_frontier(trials: Trials, picture: Path) -> None:
    """F1 against time and blockers per client, one row of panels per list."""
    lists = [name for name in trials if name != "all"]
    axes_of = {
        "microseconds_per_client": "µs per client",
        "blockers_per_client": "blockers per client",
    }
    figure = Figure(figsize=(11, 4.2 * len(lists)), layout="constrained")
    panels = figure.subplots(len(lists), len(axes_of), squeeze=False)
    for row, name in zip(panels, lists, strict=True):
        for axes, (cost, label) in zip(row, axes_of.items(), strict=True):
            for system, seeds in trials[name].items():
                spent = [seed[cost] for seed in seeds if seed.get(cost) is not None]
                if system == "top-1" or not spent:
                    continue
                f1 = np.array(
                    [[seed[key] for seed in seeds] for key in ("f1", "f1_low", "f1_high")]
                )
                middle, low, high = f1.astype(np.float64).mean(axis=1)
                axes.errorbar(
                    np.median(np.array(spent, dtype=np.float64)),
                    middle,
                    yerr=[[middle - low], [high - middle]],
                    fmt="o" if system.startswith("agent") else "s",
                    markersize=5,
                    capsize=2,
                    label=system,
                )
            axes.set_title(name)
            axes.set_xlabel(label)
            axes.set_ylabel("F1 on test, 95 % interval by client")
            axes.grid(alpha=0.25)
        row[-1].legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    main()
