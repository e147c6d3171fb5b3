"""`python docs/figures.py`: draws the figure of README and results from the kept tables.

The tables are made by `python -m experiments.run suite=real` and `suite=real_peers`.
"""

import re
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib import pyplot

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = ROOT / "experiments" / "suite" / "results"
FIGURE: Final = ROOT / "docs" / "_static" / "frontier.png"
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


def rows_of(file: str, name: str) -> dict[str, dict[str, str]]:
    """System to column and cell of one list of a kept table."""
    text = (RESULTS / file).read_text(encoding="utf-8")
    found = re.search(rf"^`{name}`\n\n((?:\|.*\n)+)", text, flags=re.MULTILINE)
    if found is None:
        raise SystemExit(f"expected the list {name!r} in {RESULTS / file}")
    header, _, *rows = (line.strip("| \n").split(" | ") for line in found[1].splitlines())
    return {row[0]: dict(zip(header, row, strict=False)) for row in rows}


def f1_of(row: dict[str, str]) -> float:
    """F1 of a row, without its interval."""
    return float(row["F1"].split()[0])


def draw() -> None:
    """Draw F1 against the number of blockers run, one panel per list."""
    mpl.use("agg")
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 3.4), layout="constrained", sharey=True)
    for axis, (name, title) in zip(axes, PANELS.items(), strict=True):
        rows = rows_of("real.md", name)
        for system, colour in SYSTEMS.items():
            blockers, f1 = float(rows[system]["blockers"]), f1_of(rows[system])
            axis.plot(blockers, f1, "o", color=colour, markersize=9, label=system)
        peer = f1_of(rows_of("real_peers.md", name)[PEER])
        axis.axhline(peer, color="black", linestyle=":", label=f"{PEER} (no blockers of ours)")
        axis.set(title=title, xlabel="blockers run per client (fewer is cheaper)", xlim=(0, 5.5))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("F1 on test clients")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False)
    figure.savefig(FIGURE, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    draw()
