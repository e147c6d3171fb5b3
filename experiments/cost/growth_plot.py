"""The picture of the growth: one panel per cost, rows of the table on the x axis."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from experiments.cost.table_cost import Growth

_PANELS = {
    "index build, seconds": ("build_s",),
    "index build, peak MB": ("build_mb",),
    "index on disk, MB": ("disk_mb",),
    "verified load, seconds": ("open_s",),
    "linking, us per client": ("link_us",),
    "one client, ms (p50 blue, p99 orange)": ("single_ms", "single_p99_ms"),
    "linking process, peak MB": ("link_mb",),
    "candidate recall@30": ("recall",),
}
_MARKS = {"real": "o-", "synthetic": "s--"}
_COLOURS = ("tab:blue", "tab:orange")
_LINEAR = "recall"


def draw_growth(grown: Sequence[Growth], path: Path) -> None:
    """Draw every panel; costs on logarithmic axes, so a straight diagonal is linear growth."""
    figure = Figure(figsize=(13, 6), layout="constrained")
    for axes, (title, names) in zip(figure.subplots(2, 4).flat, _PANELS.items(), strict=True):
        for colour, name in zip(_COLOURS, names, strict=False):
            for table, marks in _MARKS.items():
                points = [
                    (some.companies, getattr(some, name)) for some in grown if some.table == table
                ]
                if points:
                    axes.plot(*zip(*points, strict=True), marks, color=colour, label=table)
        axes.set_title(title, fontsize=10)
        axes.set_xscale("log")
        axes.grid(alpha=0.3, which="both")
        if names[0] == _LINEAR:
            axes.set_ylim(0, 1)
        else:
            axes.set_yscale("log")
        axes.set_xlabel("companies")
    figure.axes[0].legend()
    figure.savefig(path, dpi=100)
