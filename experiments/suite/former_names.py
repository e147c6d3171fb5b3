"""`python -m experiments.suite.former_names`: what former names are worth to the lists of payees.

The daily differences tell former names, and the lists of moves were made from them. Here the table
learns the former names of the renamed clients of those lists, and the ranker is trained and judged
on payees with and without them. Moves cannot be judged so: the table would tell the truth.
"""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from experiments.real_lists.__main__ import as_markdown
from experiments.suite.conditions import ranked
from experiments.real_lists.cases import preset, real_lists
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.config.command import say
from linkage_rl.tables.readers import read_clients
from linkage_rl.train import TrainSettings

SEEDS: Final = (1, 2, 3)
FOLDER: Final = Path("outputs/history")


def main() -> None:
    """Train with and without the former names and print a table with the recall of the blockers."""
    plain = preset("jp_payees")
    told = with_history(plain, Path(plain.table.source), FOLDER)
    systems = {}
    for title, settings in (("without former names", plain), ("with former names", told)):
        lists = real_lists(settings)
        cases = lists.test
        proposed = len(set(cases.case_of_pair[cases.is_right].tolist()))
        say(f"{title}: {proposed / cases.has_row.sum():.4f} of the right companies are proposed")
        systems[title] = [ranked(lists, seed)["payees"] for seed in SEEDS]
    say(as_markdown(systems))


def with_history(settings: TrainSettings, source: Path, folder: Path) -> TrainSettings:
    """The settings with a table that tells former names, and the blocker that looks them up."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "companies.parquet"
    if not file.exists():
        table = pq.read_table(source)
        former = former_names(source.parent)
        ids, names = table["company_id"].to_pylist(), table["name"].to_pylist()
        column = [
            "|".join(sorted(former.get(company_id, set()) - {name}))
            for company_id, name in zip(ids, names, strict=True)
        ]
        pq.write_table(table.append_column("former_names", pa.array(column)), file)
    cost = CandidateSettings().costs.former_name
    return replace(
        settings,
        table=replace(
            settings.table,
            name="jp_history",
            source=str(file),
            database=f"sqlite:///{folder}/companies.db",
        ),
        candidates=replace(
            settings.candidates, costs=replace(settings.candidates.costs, former_name=cost)
        ),
    )


def former_names(data: Path) -> dict[str, set[str]]:
    """Names under which the companies of the lists of moves were known before."""
    former: dict[str, set[str]] = defaultdict(set)
    for split in ("train", "valid", "test"):
        clients = read_clients(data / f"moves_{split}.csv")
        names = clients.records.column("name")
        for name, company_id in zip(names, clients.truth or (), strict=True):
            if company_id:
                former[company_id].add(name)
    return former


if __name__ == "__main__":
    main()
