"""What a peer reads and writes to find duplicates; standard library only, as for `exchange`."""

import csv
import json
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Final, TypeVar

from experiments.peers.exchange import JUDGED, Row, clock, peak_mb, read_rows

ENTITY: Final = "entity"
"""Column of the list to learn from: equal for clients that are the same company."""

ScoredPair = tuple[str, str, float]
"""Two client ids, and a score that is higher for surer pairs."""
Model = TypeVar("Model")


def run_as_peer(
    library: str,
    fit: Callable[[list[Row]], Model],
    pairs: Callable[[list[Row], Model], Iterable[ScoredPair]],
) -> None:
    """Learn, compare the clients of each list, and write `<split>.csv` and `peer.json`.

    Args:
        library: Name of the distribution whose version is reported.
        fit: Learns from the clients of a list whose `ENTITY` is given.
        pairs: Scores pairs of clients of another list; a pair is named at most once.
    """
    folder, output = Path(sys.argv[1]), Path(sys.argv[2])
    begin = clock()
    model = fit(read_rows(folder / "train.csv"))
    for split in JUDGED:
        found = pairs(read_rows(folder / f"{split}.csv"), model)
        with (output / f"{split}.csv").open("w", encoding="utf-8", newline="") as stream:
            lines = csv.writer(stream)
            lines.writerow(("one", "other", "score"))
            lines.writerows(found)
    wall_s, cpu_s = (after - before for before, after in zip(begin, clock(), strict=True))
    figures = {
        "version": version(library),
        "wall_s": round(wall_s, 1),
        "cpu_s": round(cpu_s, 1),
        "peak_mb": round(peak_mb()),
    }
    (output / "peer.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
