"""`python -m docs.figures`: draws the figures of README and docs.

The figure of the results is drawn from the kept tables, which are made by
`python -m experiments.run suite=real` and `suite=real_peers`. The figure of learning without
labels shows how clients are drawn.
"""

from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from experiments.tools.kept_tables import f1_of, rows_of

ROOT: Final = Path(__file__).resolve().parent.parent
FIGURE: Final = ROOT / "docs" / "_static" / "frontier.png"
NO_LABELS: Final = ROOT / "docs" / "_static" / "no_labels.png"
PANELS: Final = {
    "real: moves": "moves: moved or renamed",
    "real: payees": "payees: names alone",
}
PEER: Final = "splink 5.0.0"
SYSTEMS: Final = {
    "rules": "tab:gray",
    "LightGBM pipeline": "tab:green",
    "ranker": "tab:orange",
    "static plan": "tab:brown",
    "QR-DQN": "tab:olive",
    "DQN": "tab:purple",
    "PPO": "tab:red",
}


def draw() -> None:
    """Draw F1 against the number of blockers run, one panel per list."""
    mpl.use("agg")
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 3.4), layout="constrained", sharey=True)
    for axis, (name, title) in zip(axes, PANELS.items(), strict=True):
        rows = _by_system("real.md", name)
        for system, colour in SYSTEMS.items():
            blockers, f1 = float(rows[system]["blockers"]), f1_of(rows[system])
            axis.plot(blockers, f1, "o", color=colour, markersize=9, label=system)
        peer = f1_of(_by_system("real_peers.md", name)[PEER])
        axis.axhline(peer, color="black", linestyle=":", label=f"{PEER} (no blockers of ours)")
        axis.set(title=title, xlabel="blockers run per client (fewer is cheaper)", xlim=(0, 5.5))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("F1 on test clients")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False)
    figure.savefig(FIGURE, dpi=110, metadata={"Software": None})


def _by_system(file: str, name: str) -> dict[str, dict[str, str]]:
    """System to its row in one list of a kept table."""
    return {row["system"]: row for row in rows_of(file, name)}


KEPT, HIDDEN, LIST, MADE = "#cfe3f5", "#bdbdbd", "#fde2b3", "#d5ecd0"
"""Colours of what stays in the table, what is hidden, the list, and what is made."""


def box(axis: Axes, place: tuple[float, float, float, float], text: str, colour: str) -> None:
    """A box at (left, bottom, width, height) with a text in its middle."""
    left, bottom, width, height = place
    axis.add_patch(
        FancyBboxPatch(
            (left, bottom),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=colour,
            edgecolor="black",
        )
    )
    axis.text(left + width / 2, bottom + height / 2, text, ha="center", va="center", fontsize=10)


def arrow(
    axis: Axes,
    begin: tuple[float, float],
    end: tuple[float, float],
    text: str,
    at: tuple[float, float] = (0, 0.12),
) -> None:
    """An arrow with a text at a distance from its middle."""
    style = {"arrowstyle": "-|>", "linewidth": 1.4, "color": "black"}
    axis.annotate("", xy=end, xytext=begin, arrowprops=style)
    middle = ((begin[0] + end[0]) / 2 + at[0], (begin[1] + end[1]) / 2 + at[1])
    axis.text(*middle, text, ha="center", va="bottom", fontsize=9)


def draw_no_labels() -> None:
    """Draw how clients with known answers are drawn from a table, in the likeness of a list."""
    mpl.use("agg")
    figure, axis = pyplot.subplots(figsize=(11, 4.4), layout="constrained")
    axis.set(xlim=(0, 11), ylim=(0, 4.4))
    axis.set_axis_off()
    axis.text(1.05, 4.15, "your company table", ha="center", fontsize=11, weight="bold")
    box(axis, (0.1, 2.55, 1.9, 1.45), "rows that stay\nin the index", KEPT)
    box(axis, (0.1, 1.75, 1.9, 0.7), "hidden rows\n(a fifth)", HIDDEN)
    box(axis, (0.1, 0.1, 1.9, 0.9), "your client list\n(no labels)", LIST)

    axis.text(5.3, 4.15, "drawn clients, answers known", ha="center", fontsize=11, weight="bold")
    box(axis, (4.3, 3.15, 2.0, 0.85), "clients of a row\nanswer: that row", MADE)
    box(axis, (4.3, 2.2, 2.0, 0.85), "moved or renamed\nanswer: that row", MADE)
    box(axis, (4.3, 1.25, 2.0, 0.85), "not in the table\nanswer: none", MADE)
    arrow(axis, (2.05, 3.6), (4.25, 3.6), "add noise")
    arrow(axis, (2.05, 3.0), (4.25, 2.75), "the right row", (0, 0.1))
    arrow(axis, (2.05, 2.25), (4.25, 2.5), "former name, address", (0, -0.3))
    arrow(axis, (2.05, 1.95), (4.25, 1.65), "add noise", (0, -0.32))
    arrow(axis, (2.05, 0.55), (5.3, 1.2), "", (0, 0))
    axis.text(
        2.85,
        0.1,
        "fields filled, address style,\nhow often each kind of noise occurs",
        fontsize=9,
        va="bottom",
    )

    box(axis, (7.4, 2.2, 1.5, 0.85), "training,\nas with labels", MADE)
    box(axis, (9.4, 2.2, 1.5, 0.85), "bundle", KEPT)
    arrow(axis, (6.35, 2.62), (7.35, 2.62), "")
    arrow(axis, (8.95, 2.62), (9.35, 2.62), "")
    box(axis, (9.4, 0.1, 1.5, 0.9), "your list,\nlinked", LIST)
    arrow(axis, (10.15, 2.15), (10.15, 1.05), "links with\nall rows", (-0.5, -0.2))
    figure.savefig(NO_LABELS, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    draw()
    draw_no_labels()
