"""`python -m experiments.peers.unlabelled FOLDER OVERRIDE ...`: peers that learn without labels.

The overrides are those of `linkage_rl.train` and name table and lists. Beside the links of each
peer, `FOLDER/<list>/<peer>/`, the answers are left as `valid.npz` and `test.npz`, which
`experiments.suite.no_labels --peers FOLDER` sets beside our own runs.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tqdm import tqdm

from experiments.peers.exchange import JUDGED
from experiments.peers.prepare import prepare
from experiments.peers.running import PEERS, run_peer
from experiments.peers.scoring import links_by_ties, read_links
from experiments.tools.composing import train_settings
from linkage_rl.config.command import say
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.evaluation.answers import Answers, apply_threshold, best_threshold
from linkage_rl.evaluation.tables import markdown_table
from linkage_rl.train import TrainSettings
from linkage_rl.training.data import client_lists, open_table

UNLABELLED: Final = ("splink_em", "goldenmatch_zero")
"""Peers that read no label."""
_HEADING: Final = ("list", "peer", "ties", "threshold", "F1", "precision", "recall", "linked")
_LIMIT_S: Final = 3_600.0


def main() -> None:
    """Run the peers on each list and print how they did on a split."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("overrides", nargs="+", help="of linkage_rl.train")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=UNLABELLED)
    parser.add_argument("--split", choices=JUDGED, default="valid")
    parser.add_argument("--limit-s", type=float, default=_LIMIT_S)
    asked = parser.parse_args()
    lines: list[Sequence[str]] = [_HEADING]
    for inputs in exported(train_settings(asked.overrides), asked.folder):
        for peer in tqdm(asked.peers, desc=inputs.name, leave=False):
            output = inputs / peer
            if not (output / "links.csv").exists():
                run_peer(peer, inputs, asked.limit_s)
            lines += lines_of(inputs, output, asked.split)
    say(markdown_table(lines))


def exported(settings: TrainSettings, folder: Path) -> list[Path]:
    """A folder for each list with what peers read, written where it is missing."""
    lists = client_lists(settings)
    written = []
    for dataset in lists["valid"]:
        inputs = folder / (settings.table.name if settings.table.two_tables else dataset)
        if not (inputs / "test.csv").exists():
            store, _ = open_table(settings)
            with store:
                prepare(store.chunks(), {split: lists[split][dataset] for split in lists}, inputs)
        written.append(inputs)
    return written


def lines_of(inputs: Path, output: Path, split: str) -> Iterator[Sequence[str]]:
    """The lines of a peer on a list, its answers saved; its error where it failed."""
    report = json.loads((output / "peer.json").read_text(encoding="utf-8"))
    name = f"{output.name} {report['version']}"
    if "error" in report:
        yield (inputs.name, name, f"failed: {report['error']}", *[""] * (len(_HEADING) - 3))
        return
    for part, answers in read_links(output / "links.csv", inputs).items():
        answers.save(output / f"{part}.npz")
    for ties, read in links_by_ties(output / "links.csv", inputs).items():
        for kind, threshold in thresholds(read).items():
            metrics = apply_threshold(read[split], threshold, RewardWeights()).metrics
            rates = (metrics.precision, metrics.recall, metrics.linkage_rate)
            shown = (f"{metrics.f1:.4f}", *(f"{rate:.1%}" for rate in rates))
            yield (inputs.name, name, ties, kind, *shown)


def thresholds(answers: Mapping[str, Answers]) -> dict[str, float | None]:
    """The peer's own decisions, and the threshold that is best for the labels of valid."""
    return {
        "own": None,
        "of valid labels": best_threshold(answers["valid"], "f1", RewardWeights()),
    }


if __name__ == "__main__":
    main()
