"""dedupe 3.0 with its own active learning: it chooses the pairs about which a person is asked.

Set up as `systems.dedupe`, its questions answered by the truth. Its classifier then scores the
pairs that the folder names, since its own blocking does not finish on a table of this size.
Standard library, numpy and dedupe only: it runs in the peer's environment.
"""

import json
import random
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import dedupe
import numpy as np

from experiments.peers.exchange import Row, clock, nulled, peak_mb, read_rows
from experiments.peers.systems.dedupe import COLUMNS, compared_fields

CLIENTS: Final = 1_000
"""Clients that it chooses among; learning grows with their number."""
BEST: Final = 5
"""Candidates of each of them, the most promising ones, that are its companies."""

Record = dict[str, Any]


def main(folder: Path, output: Path) -> None:
    """Learn with every seed and share of wrong answers, and write the scores.

    Args:
        folder: What `experiments.peers.clicks` wrote.
        output: Takes `scores-SEED-WRONG-COUNT.npz` with the arrays `unlabelled` and `valid`.
    """
    asking = json.loads((folder / "asking.json").read_text(encoding="utf-8"))
    companies = _records(read_rows(folder / "companies.csv"))
    stream, valid = (Pairs(folder, part, companies) for part in ("stream", "valid"))
    begun = clock()
    matcher = dedupe.Gazetteer(compared_fields(), num_cores=1)
    judged = _kept_distances(folder / "distances-valid.npy", matcher, valid)
    for seed, split in asking["seeds"].items():
        unlabelled = matcher.data_model.distances(stream.records(split["unlabelled"]))
        for wrong in asking["wrong"]:
            for count, model in _learned(stream, split["pool"], asking["counts"], wrong, int(seed)):
                scores = {
                    name: model.predict_proba(rows)[:, 1].astype(np.float32)
                    for name, rows in (("unlabelled", unlabelled), ("valid", judged))
                }
                np.savez_compressed(output / f"scores-{seed}-{wrong}-{count}.npz", **scores)
    spent = [after - before for before, after in zip(begun, clock(), strict=True)]
    report = {"name": "dedupe", "version": version("dedupe"), "cpu_s": spent[1]}
    report |= {"wall_s": spent[0], "peak_mb": round(peak_mb())}
    (output / "peer.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _kept_distances(file: Path, matcher: dedupe.Gazetteer, pairs: "Pairs") -> Any:
    """What dedupe compares of every pair, shape (P, D): minutes for half a million pairs."""
    if not file.exists():
        np.save(file, matcher.data_model.distances(pairs.records()))
    return np.load(file)


class Pairs:
    """The clients of a part with their candidates."""

    def __init__(self, folder: Path, part: str, companies: list[Record]) -> None:
        """Read them."""
        rows = read_rows(folder / f"clients-{part}.csv")
        self.truth = [set(row["company_id"].split("|")) - {""} for row in rows]
        self.clients = _records(rows)
        self.companies = companies
        with np.load(folder / f"pairs-{part}.npz") as pairs:
            self.starts, self.company = pairs["starts"], pairs["company"]

    def records(self, clients: list[int] | None = None) -> list[tuple[Record, Record]]:
        """The pairs of these clients, all where there are none, in their order."""
        chosen = range(len(self.clients)) if clients is None else clients
        return [
            (self.clients[client], self.companies[self.company[pair]])
            for client in chosen
            for pair in range(self.starts[client], self.starts[client + 1])
        ]


def _learned(
    stream: Pairs, pool: list[int], counts: list[int], wrong: float, seed: int
) -> Iterator[tuple[int, Any]]:
    """The classifier after each number of answers about pairs.

    Args:
        stream: The clients.
        pool: Those that may be asked about, in random order.
        counts: Rising numbers of answers.
        wrong: Share of the answers that are the opposite of the truth.
        seed: Of the draws.
    """
    random.seed(seed)
    rng = np.random.default_rng(seed)
    matcher = dedupe.Gazetteer(compared_fields(), num_cores=1)
    clients = pool[:CLIENTS]
    seen = sorted(
        {
            int(company)
            for client in clients
            for company in stream.company[stream.starts[client] : stream.starts[client + 1]][:BEST]
        }
    )
    matcher.prepare_training(
        {str(client): stream.clients[client] for client in clients},
        {str(company): stream.companies[company] for company in seen},
    )
    matcher.active_learner.rng = rng
    place = {stream.clients[client]["id"]: client for client in clients}
    for answered in range(1, max(counts) + 1):
        pair = matcher.uncertain_pairs()[0]
        right = pair[1]["id"] in stream.truth[place[pair[0]["id"]]]
        is_right = right != (rng.random() < wrong)
        matcher.mark_pairs(
            {"match": [pair] if is_right else [], "distinct": [] if is_right else [pair]}
        )
        if answered in counts:
            yield answered, _classifier(matcher)


def _classifier(matcher: dedupe.Gazetteer) -> Any:
    """The classifier that `train` fits; that of the questions where the answers are all alike."""
    pairs = [*matcher.training_pairs["match"], *matcher.training_pairs["distinct"]]
    is_right = np.repeat([1, 0], [len(matcher.training_pairs[k]) for k in ("match", "distinct")])
    try:
        matcher.classifier.fit(matcher.data_model.distances(pairs), is_right)
    except ValueError:
        return matcher.active_learner.matcher._classifier
    return matcher.classifier


def _records(rows: list[Row]) -> list[Record]:
    key = "client_id" if rows and "client_id" in rows[0] else "company_id"
    return [
        columns | {"id": row[key]} for row, columns in zip(rows, nulled(rows, COLUMNS), strict=True)
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
