"""The figures of a suite, each drawn once: as SVG in the page, as PNG for a README."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.ticker import MaxNLocator

from experiments.suite.summary import ALL, Group, Row
from experiments.suite.tables import ordered
from linkage_rl.evaluation import plots

COLOURS: Final = (
    *("#0b6e99", "#c2541b", "#4c7a34", "#7b4b94", "#8a6d1f"),
    *("#b03060", "#2f8f83", "#555555", "#9a9a00", "#3b4cc0", "#d08770"),
)
COSTS: Final = {
    "cpu_us": "CPU microseconds per client",
    "blockers_per_client": "blockers run per client",
    "cost_per_client": "cost of the blockers per client",
}
"""Costs that F1 is drawn against, to the label of the axis."""
_MARKERS: Final = "os^DvPX*<>d"
_COLUMNS: Final = 4
"""Largest number of panels side by side."""
_POINTS: Final = 400
"""Points of a curve; more would not be visible."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure with its heading."""

    name: str
    """Of its file."""
    heading: str
    figure: Figure

    def save(self, folder: Path) -> None:
        """Write it as PNG."""
        with plots.style():
            self.figure.savefig(folder / f"{self.name}.png", dpi=130)

    def svg(self) -> str:
        """SVG text to embed in a page."""
        with plots.style():
            return plots.svg(self.figure)


Panel = Callable[[Axes, str], bool]
"""Draws a list, or a condition, into a panel; false if there is nothing to draw."""


def pictures(
    groups: Sequence[Group], rows: Sequence[Row], folders: Sequence[Path]
) -> list[Picture]:
    """Every figure for which there is something to draw.

    Args:
        groups: Runs of each system and list.
        rows: Lines of the leaderboard.
        folders: Folders of the cells, where learning agents have left their evaluations.
    """
    titles = list(dict.fromkeys(row.title for row in rows if not row.error))
    look = {title: place for place, title in enumerate(titles)}
    names = [name for name in dict.fromkeys(g.list_name for g in groups) if ALL not in name]
    # an agent learns from all lists of a condition at once
    conditions = list(dict.fromkeys(group.condition for group in groups))
    panels = {
        f"frontier_{cost}": (f"F1 against {label}", names, _frontier(rows, cost, label, look))
        for cost, label in COSTS.items()
    }
    panels["risk_coverage"] = ("Risk and coverage", names, _risk_coverage(groups, look))
    panels["learning"] = ("Learning curves", conditions, _learning(groups, folders, look))
    with plots.style():
        drawn = [_panels(name, *panel) for name, panel in panels.items()]
    return [picture for picture in drawn if picture is not None]


def _panels(name: str, heading: str, titles: Sequence[str], panel: Panel) -> Picture | None:
    """A panel per title with something to draw, with a common legend; None if there is none."""
    figure = Figure(layout="constrained")
    kept: list[Axes] = []
    for title in titles:
        axes = figure.add_subplot()
        if not panel(axes, title):
            axes.remove()
            continue
        axes.set_title(title)
        kept.append(axes)
    if not kept:
        return None
    columns = min(len(kept), _COLUMNS)
    rows = -(-len(kept) // columns)
    figure.set_size_inches(4.6 * columns + 1.6, 3.7 * rows)
    grid = GridSpec(rows, columns, figure=figure)
    known: dict[str, Artist] = {}
    for place, axes in enumerate(kept):
        axes.set_subplotspec(grid[place])
        handles, labels = axes.get_legend_handles_labels()
        known |= {str(label): one for label, one in zip(labels, handles, strict=True)}
    figure.legend(list(known.values()), list(known), frameon=False, loc="outside right center")
    return Picture(name, heading, figure)


def _frontier(rows: Sequence[Row], cost: str, label: str, look: dict[str, int]) -> Panel:
    def draw(axes: Axes, name: str) -> bool:
        own = [row for row in ordered(rows) if row.list_name == name and not row.error]
        # systems that know the truth or decide nothing only stretch the axis
        own = [row for row in own if row.system not in ("oracle", "top1")]
        measured = [row for row in own if not np.isnan(row.figures.get(cost, np.nan))]
        for row in measured:
            low, high = row.by_client.get("f1", (row.figures["f1"],) * 2)
            middle = row.figures["f1"]
            ends = [[max(middle - low, 0.0)], [max(high - middle, 0.0)]]
            axes.errorbar(
                *(row.figures[cost], middle),
                yerr=ends,
                fmt=_MARKERS[look[row.title] % len(_MARKERS)],
                color=_colour(look[row.title]),
                capsize=2,
                ms=6,
                lw=1,
                label=row.title,
            )
        axes.set_xlabel(label)
        axes.set_ylabel("F1, 95 % interval by client")
        axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        return bool(measured)

    return draw


def _risk_coverage(groups: Sequence[Group], look: dict[str, int]) -> Panel:
    def draw(axes: Axes, name: str) -> bool:
        own = [group for group in groups if group.list_name == name and group.system != "oracle"]
        for group in own:
            curve = group.runs[0].curve
            some = np.unique(np.linspace(0, len(curve.risk) - 1, _POINTS).astype(int))
            axes.plot(
                *(curve.coverage[some], curve.risk[some]),
                color=_colour(look[group.title]),
                lw=1.3,
                label=group.title,
                marker="o" if len(some) < 12 else "",
                ms=3,
            )
        axes.set_xlabel("share of clients linked")
        axes.set_ylabel("share of wrong links, first seed")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 0.3)
        return bool(own)

    return draw


def _learning(groups: Sequence[Group], folders: Sequence[Path], look: dict[str, int]) -> Panel:
    by_key = {folder.name: folder for folder in folders}

    def draw(axes: Axes, name: str) -> bool:
        any_drawn = False
        own = {group.title: group for group in groups if group.condition == name}
        for group in own.values():
            curves = [by_key[key] / "evaluations.npz" for key in group.folders if key in by_key]
            seen = [np.load(path) for path in curves if path.exists()]
            if not seen:
                continue
            shortest = min(len(one["timesteps"]) for one in seen)
            steps = seen[0]["timesteps"][:shortest]
            reward = np.stack([one["results"].mean(axis=1)[:shortest] for one in seen])
            colour = _colour(look[group.title])
            axes.plot(steps, reward.mean(axis=0), color=colour, label=group.title, lw=1.3)
            axes.fill_between(
                steps, reward.min(axis=0), reward.max(axis=0), color=colour, alpha=0.15
            )
            any_drawn = True
        axes.set_xlabel("environment steps")
        axes.set_ylabel("reward on valid cases; band: all seeds")
        return any_drawn

    return draw


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]
