"""`python -m experiments.real_lists`: finished runs beside LightGBM, as a table and a plot."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from matplotlib.figure import Figure
from omegaconf import OmegaConf, open_dict, read_write

from experiments.real_lists.rival import judge_by_lightgbm
from linkage_rl.agents.baselines import TopOne
from linkage_rl.config import nodes
from linkage_rl.config.command import CONFIGS, say
from linkage_rl.decision.decide import Decider
from linkage_rl.decision.observation import View
from linkage_rl.evaluation.comparison import Judged, trial_of
from linkage_rl.evaluation.evaluate import calibrated
from linkage_rl.train import COMPONENTS, TrainSettings, with_url
from linkage_rl.training.data import balanced, prepare

FOLDER: Final = Path(__file__).parent
SHOWN: Final = {
    "linkage_rate": "linkage rate",
    "accuracy": "accuracy",
    "recall": "recall",
    "f1": "F1",
    "coverage_at_98%": "linked at 98 % accuracy",
    "routes_per_client": "routes/client",
    "cost_per_client": "price/client",
}
"""Metric to its heading, in the order of the table."""

Trials = dict[str, dict[str, list[dict[str, float]]]]
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
        for seed in range(1, asked.seeds + 1):
            for name, figures in lightgbm_figures(asked.lightgbm, seed).items():
                trials[name].setdefault("LightGBM", []).append(figures)
    (FOLDER / "results.json").write_text(json.dumps(trials, indent=1))
    for name, systems in trials.items():
        say(f"\n{name}\n\n{as_markdown(systems)}")
    draw_frontier(trials, FOLDER / "frontier.png")


def collect(runs: Sequence[Path]) -> Trials:
    """Test metrics of every system of finished runs; what saw other prices is named by them."""
    trials: Trials = {}
    for run in runs:
        scale = OmegaConf.load(run / "config.yaml").reward.route_price_scale
        metrics = json.loads((run / "metrics.json").read_text())["lists"]
        for name, systems in metrics.items():
            for system, splits in systems.items():
                priced = system in ("agent", "best fixed plan") and scale != 1
                title = f"{system}, prices x {scale:g}" if priced else system
                if scale == 1 or priced:
                    trials.setdefault(name, {}).setdefault(title, []).append(splits["test"])
    return trials


def lightgbm_figures(python: Path, seed: int) -> dict[str, dict[str, float]]:
    """Test metrics of LightGBM on each list and on all, thresholds as for the other systems."""
    nodes.register("train", TrainSettings, COMPONENTS)
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        whole = compose("train", ["experiment=jp_all"], return_hydra_config=True)
    HydraConfig.instance().set_config(whole)
    with open_dict(whole), read_write(whole):
        whole.pop("hydra")
    settings = with_url(nodes.settings(whole, TrainSettings))
    prepared = prepare(settings)
    prices = tuple(route.price for route in settings.candidates.routes())
    view = View(settings.env.max_candidates, prices)
    valid, test = prepared.cases["valid"], prepared.cases["test"]
    train = balanced(prepared.cases["train"], settings.clients.balance)
    said = judge_by_lightgbm(train, valid, test, view, python, seed)
    # The policy is never asked: all that is decided has been judged already.
    decider = calibrated(Decider(TopOne(), view), said[0], valid)
    both = Judged(valid, said[0]), Judged(test, said[1])
    parts = {
        name: (
            both[0].take(np.flatnonzero(valid.family == place)),
            both[1].take(np.flatnonzero(test.family == place)),
        )
        for place, name in enumerate(prepared.families)
    }
    return {
        name: {
            key: float(value)
            for key, value in trial_of(
                decider, chooses, reports, settings.reward, settings.evaluation.goal
            )
            .figures()
            .items()
            if value is not None
        }
        for name, (chooses, reports) in {**parts, "all": both}.items()
    }


def as_markdown(systems: dict[str, list[dict[str, float]]]) -> str:
    """Mean over the seeds of each system, with the range of F1."""
    lines = [
        f"| system | seeds | {' | '.join(SHOWN.values())} |",
        f"| --- | --- | {' | '.join('---' for _ in SHOWN)} |",
    ]
    for system, seeds in systems.items():
        cells = []
        for metric in SHOWN:
            values = [seed[metric] for seed in seeds]
            mean = f"{np.mean(values):.4f}"
            cells.append(
                f"{mean} ({min(values):.3f}-{max(values):.3f})" if metric == "f1" else mean
            )
        lines.append(f"| {system} | {len(seeds)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw_frontier(trials: Trials, picture: Path) -> None:
    """F1 against the price paid per client, one panel per list."""
    lists = [name for name in trials if name != "all"]
    figure = Figure(figsize=(5 * len(lists), 3.8), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(lists), squeeze=False)[0], lists, strict=True):
        for system, seeds in trials[name].items():
            if system == "top-1":
                continue
            price = np.mean([seed["cost_per_client"] for seed in seeds])
            f1 = np.mean([seed["f1"] for seed in seeds])
            marker = "o" if system.startswith("agent") else "s"
            axes.plot(price, f1, marker, label=system)
        axes.set_title(name)
        axes.locator_params(axis="x", nbins=5)
        axes.set_xlabel("price of the routes bought per client")
        axes.set_ylabel("F1 on test")
        axes.grid(alpha=0.25)
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(picture, dpi=120)


if __name__ == "__main__":
    main()
