"""What a peer reads and writes; standard library only, since it runs in the peer's environment."""

import csv
import json
import resource
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

JUDGED: Final = ("valid", "test")
"""Splits whose clients are linked: thresholds come from the first, figures from the second."""

Row = dict[str, str]
Scored = tuple[str, str, float]
"""Client id, company id, and a score that is higher for surer pairs."""
Model = TypeVar("Model")


class Best(NamedTuple):
    """The best candidate of a client by a peer."""

    company_id: str
    score: float
    sharers: int
    """Companies with this score, the one that is named among them."""


@dataclass(frozen=True)
class Lists:
    """A table and its client lists, as `prepare` wrote them."""

    companies: list[Row]
    """Open companies: `company_id` and the canonical columns."""
    train: list[Row]
    """Clients to learn from: `client_id`, the truth `company_id`, and the canonical columns."""
    judged: list[Row]
    """Clients to link, those of all `JUDGED` splits, without their truth."""
    split_of: dict[str, str]
    """Split of each client to link."""

    def labels(self) -> list[tuple[str, str]]:
        """Pairs of a training client and a company that is right for it."""
        return [
            (client["client_id"], company_id)
            for client in self.train
            for company_id in client["company_id"].split("|")
            if company_id
        ]

    def unlabelled(self) -> list[Row]:
        """All clients, those to learn from among them, without their truth."""
        hidden = [{**client, "company_id": ""} for client in self.train]
        return [*hidden, *self.judged]


def read_lists(folder: Path) -> Lists:
    """Read what `prepare` wrote; the truth of valid and test stays hidden from the peer."""
    judged, split_of = [], {}
    for split in JUDGED:
        for client in read_rows(folder / f"{split}.csv"):
            del client["company_id"]
            judged.append(client)
            split_of[client["client_id"]] = split
    return Lists(
        read_rows(folder / "companies.csv"), read_rows(folder / "train.csv"), judged, split_of
    )


def read_rows(path: Path) -> list[Row]:
    """The rows of a CSV file with a header."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def run_as_peer(
    library: str,
    fit: Callable[[Lists], Model],
    link: Callable[[Lists, Model], Iterable[Scored]],
    own_threshold: float | None = None,
) -> None:
    """Learn, link, and write `links.csv` and `peer.json`; the arguments name the two folders.

    Args:
        library: Name of the distribution whose version is reported.
        fit: Learns from the table and the training clients.
        link: Scores pairs of clients to link and companies, in any order.
        own_threshold: Score from which on the peer itself links; None if it leaves that to the
            user. It is written as text, since JSON has no infinity.
    """
    folder, output = Path(sys.argv[1]), Path(sys.argv[2])
    lists = read_lists(folder)
    marks = [clock()]
    model = fit(lists)
    marks.append(clock())
    best = best_of(link(lists, model))
    marks.append(clock())
    (fit_s, fit_cpu_s), (link_s, link_cpu_s) = (
        (after[0] - before[0], after[1] - before[1]) for before, after in pairwise(marks)
    )
    write_links(output / "links.csv", lists, best)
    figures = {
        "name": output.name,
        "version": version(library),
        "fit_s": round(fit_s, 3),
        "link_s": round(link_s, 3),
        "cpu_s": round(fit_cpu_s + link_cpu_s, 3),
        "fit_cpu_s": round(fit_cpu_s, 3),
        "link_cpu_s": round(link_cpu_s, 3),
        "peak_mb": round(peak_mb()),
        "own_threshold": None if own_threshold is None else str(own_threshold),
    }
    (output / "peer.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def best_of(scored: Iterable[Scored]) -> dict[str, Best]:
    """The best company of each client; of equal scores the first in the order of the ids.

    >>> best_of([("a", "2", 0.5), ("a", "1", 0.5), ("b", "3", 0.1), ("b", "4", 0.9)])["a"]
    Best(company_id='1', score=0.5, sharers=2)
    """
    best: dict[str, Best] = {}
    for client_id, company_id, score in scored:
        held = best.get(client_id)
        if held is None or score > held.score:
            best[client_id] = Best(company_id, score, 1)
        elif score == held.score:
            first = min(company_id, held.company_id)
            best[client_id] = Best(first, score, held.sharers + 1)
    return best


def write_links(path: Path, lists: Lists, best: dict[str, Best]) -> None:
    """One line per client to link; company and score are empty where there is no candidate."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(("split", "client_id", *Best._fields))
        for client_id, split in lists.split_of.items():
            lines.writerow((split, client_id, *best.get(client_id, ("", "", 0))))


def nulled(rows: Sequence[Row], columns: Sequence[str]) -> list[dict[str, str | None]]:
    """Only these columns, None for missing texts, as most peers need it."""
    return [{column: row[column] or None for column in columns} for row in rows]


def clock() -> tuple[float, float]:
    """Wall and processor seconds, those of ended children included."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(usage.ru_utime + usage.ru_stime for usage in used)


def peak_mb() -> float:
    """Largest resident size of the process or of one of its children."""
    # ru_maxrss of the process itself starts at the size of the one that started it
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    own = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(int(own.split()[1]), children) / 1024
