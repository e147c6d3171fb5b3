"""`python -m experiments.suite.thinned RUN ...`: the same clients, known by fewer fields.

Nothing is fitted here: every bundle decides with the one threshold that its run chose, on lists of
a kind that no training list has. Runs with and without `clients.augmented` stand side by side.
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from omegaconf import OmegaConf
from tqdm import tqdm

from experiments.real_lists.cases import preset
from linkage_rl.bundle import load_bundle
from linkage_rl.candidates.upkeep import open_index
from linkage_rl.config.command import say
from linkage_rl.decision.prepare import prepare_cases
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.evaluation.evaluate import evaluate_cases
from linkage_rl.evaluation.metrics import Metrics
from linkage_rl.linker import Linker
from linkage_rl.records import RecordBatch
from linkage_rl.tables.readers import ClientList, read_clients
from linkage_rl.text.addresses import canonical_addresses
from linkage_rl.text.municipalities import PREFECTURES
from linkage_rl.training.data import open_table


def main() -> None:
    """Thin the test list of moves in several ways and print a table per run."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("runs", nargs="+", type=Path, help="run folders of experiment=jp_all")
    asked = words.parse_args()
    settings = preset("jp_moves")
    store, folder = open_table(settings)
    with store:
        index = open_index(store, folder)
    linkers = {title_of(run): load_bundle(run / "bundle", index) for run in asked.runs}
    clients = read_clients(Path(settings.clients.test["moves"]))
    figures: dict[str, dict[str, Metrics]] = {}
    for fields, thin in tqdm(THINNED.items(), desc="lists"):
        thinned = thin(clients.records)
        for title, metrics in measured(linkers, thinned, clients, settings.reward).items():
            figures.setdefault(title, {})[fields] = metrics
    say(as_markdown(figures))


def title_of(run: Path) -> str:
    """The run and whether it learned augmented clients."""
    config = OmegaConf.load(run / "config.yaml")
    return f"seed {config.seed}, augmented {config.clients.augmented:g}"


def measured(
    linkers: Mapping[str, Linker],
    records: RecordBatch,
    clients: ClientList,
    weights: RewardWeights,
) -> dict[str, Metrics]:
    """Metrics of each linker on these records, whose truth is that of the whole clients."""
    some = next(iter(linkers.values()))
    cases = prepare_cases(some.index, some.blockers, records, clients.truth or (), some.limit)
    return {
        title: evaluate_cases(linker.decider, cases, weights).metrics
        for title, linker in linkers.items()
    }


def _without(*fields: str) -> Callable[[RecordBatch], RecordBatch]:
    def thin(records: RecordBatch) -> RecordBatch:
        kept = {name: texts for name, texts in records.columns.items() if name not in fields}
        return RecordBatch(records.ids, kept)

    return thin


def _city_only(records: RecordBatch) -> RecordBatch:
    read = canonical_addresses(*(records.column(name) for name in ("prefecture", "city", "street")))
    named = ("", *PREFECTURES)
    streets = [named[code] + city for code, city in zip(read.prefecture, read.city, strict=True)]
    return RecordBatch(records.ids, {"name": records.column("name"), "street": streets})


THINNED: Final[Mapping[str, Callable[[RecordBatch], RecordBatch]]] = {
    "all fields": _without(),
    "without reading": _without("name_kana"),
    "without postal code": _without("postal_code"),
    "name and city": _city_only,
    "name and reading": _without("postal_code", "street"),
    "name alone": _without("name_kana", "postal_code", "street"),
}
"""What is left of the clients to how the rest goes."""


def as_markdown(figures: Mapping[str, Mapping[str, Metrics]]) -> str:
    """F1 and precision of each run, one column per list."""
    titles = list(figures)
    lines = [f"| fields | {' | '.join(titles)} |", f"| --- | {' | '.join('---' for _ in titles)} |"]
    for fields in THINNED:
        cells = [
            f"{metrics.f1:.4f} ({metrics.linkage_rate:.1%} linked, {metrics.precision:.1%} right)"
            for metrics in (figures[title][fields] for title in titles)
        ]
        lines.append(f"| {fields} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
