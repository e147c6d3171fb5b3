"""The figures of a report, as SVG text for a page, and the learning curve of a run as PNG."""

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from linkage_rl.evaluation.curves import Reliability, RiskCoverage

COLOURS: Final = ("#0b6e99", "#c2541b", "#4c7a34", "#7b4b94", "#8a6d1f", "#555555")
"""Line colours in the order of the systems; they repeat after six."""

_MARKERS: Final = ("o", "s", "^", "D", "v", "P")


def risk_coverage_figure(curves: Sequence[tuple[str, RiskCoverage]]) -> str:
    """Share of wrong links against share of clients linked, one line per system."""
    with style():
        figure, axes = _axes("share of clients linked", "share of wrong links")
        highest = 0.0
        for position, (name, curve) in enumerate(curves):
            axes.plot(curve.coverage, curve.risk, color=_colour(position), label=name)
            highest = max(highest, float(curve.risk.max(initial=0.0)))
        axes.set_xlim(0, 1)
        axes.set_ylim(0, max(min(highest * 1.05, 1.0), 0.05))
        axes.legend(frameon=False, loc="upper left")
        return svg(figure)


def frontier_figure(
    systems: Sequence[tuple[str, float, float]], plans: Sequence[tuple[str, float, float]] = ()
) -> str:
    """F1 against blockers run; the line is the Pareto front.

    Args:
        systems: (name, blockers per client, F1) of each system.
        plans: The same for static plans, drawn as small dots.
    """
    with style():
        figure, axes = _axes("blockers run per client", "F1")
        for _, blockers, f1 in plans:
            axes.plot(blockers, f1, ".", color="#aaaaaa", zorder=1)
        for position, (name, blockers, f1) in enumerate(systems):
            marker = _MARKERS[position % len(_MARKERS)]
            axes.plot(blockers, f1, marker, ms=7, color=_colour(position), label=name, zorder=3)
        front = _pareto_front([(blockers, f1) for _, blockers, f1 in (*systems, *plans)])
        axes.step(*zip(*front, strict=True), where="post", color="#999999", lw=1, zorder=0)
        axes.margins(0.12)
        axes.set_xlim(left=0)
        axes.legend(frameon=False, loc="lower right")
        return svg(figure)


def reliability_figure(bins: Sequence[tuple[str, Reliability]]) -> str:
    """Observed against stated frequency; calibrated confidence lies on the diagonal."""
    with style():
        figure, axes = _axes("stated confidence", "share of right candidates")
        axes.plot([0, 1], [0, 1], "--", color="#999999", lw=1)
        for position, (name, system) in enumerate(bins):
            marker = _MARKERS[position % len(_MARKERS)]
            axes.plot(
                *(system.confidence, system.frequency),
                marker=marker,
                ms=4,
                color=_colour(position),
                label=name,
            )
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.legend(frameon=False, loc="upper left")
        return svg(figure)


def save_learning_curve(evaluations: Path, picture: Path) -> None:
    """Draw mean reward and linkage rate against training steps, as PNG.

    Args:
        evaluations: The `evaluations.npz` of a training run.
        picture: Where the picture goes.
    """
    recorded = np.load(evaluations)
    steps, reward = recorded["timesteps"], recorded["results"].mean(axis=1)
    with style():
        figure, axes = _axes("environment steps", "mean reward on the validation cases")
        axes.plot(steps, reward, color=_colour(0), marker="o", ms=3, label="reward")
        rate_axes = axes.twinx()
        rate_axes.plot(
            steps, recorded["linkage_rates"], color=_colour(1), lw=1, label="linkage rate"
        )
        rate_axes.set_ylabel("linkage rate")
        rate_axes.set_ylim(0, 1)
        figure.legend(frameon=False, loc="outside upper center", ncols=2)
        figure.savefig(picture, dpi=150)


def _pareto_front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Pareto front: points with a higher F1 than all cheaper ones, cheapest first.

    >>> _pareto_front([(2.0, 0.8), (1.0, 0.7), (3.0, 0.75)])
    [(1.0, 0.7), (2.0, 0.8)]
    """
    front: list[tuple[float, float]] = []
    for blockers, f1 in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or f1 > front[-1][1]:
            front.append((blockers, f1))
    return front


def style() -> AbstractContextManager[None]:
    """The style of all figures, as a context in which one is drawn."""
    return matplotlib.rc_context(
        {
            # text instead of paths: the browser's fonts have Japanese, and the file is small
            "svg.fonttype": "none",
            "svg.hashsalt": "linkage_rl",
            "text.parse_math": False,
            "font.family": "sans-serif",
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.25,
        }
    )


def _axes(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4.6, 3.4), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes


def _colour(position: int) -> str:
    return COLOURS[position % len(COLOURS)]


def svg(figure: Figure) -> str:
    """SVG text, the same for the same figure at every run; call it within `style`."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]
