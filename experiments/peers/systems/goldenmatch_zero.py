"""goldenmatch 3.22 without labels and without a configuration: `match_df` chooses everything.

Set up after the README of goldenmatch ("zero-config"): `match_df(target, reference)` profiles the
columns, chooses matchkeys, blocking and threshold, and returns what it links.
"""

from collections.abc import Iterator
from typing import Any

import goldenmatch
import pyarrow

from experiments.peers.exchange import Lists, Scored, nulled, run_as_peer
from experiments.peers.systems.goldenmatch import COLUMNS


def fit(lists: Lists) -> None:
    """Nothing: the configuration is chosen while linking."""


def link(lists: Lists, _: Any) -> Iterator[Scored]:
    """The best company of each client, as `match_df` returns it."""
    clients, companies = nulled(lists.judged, COLUMNS), nulled(lists.companies, COLUMNS)
    used = [
        name for name in COLUMNS if any(row[name] for rows in (clients, companies) for row in rows)
    ]
    target, reference = (
        pyarrow.Table.from_pylist([{name: row[name] for name in used} for row in rows])
        for rows in (clients, companies)
    )
    result = goldenmatch.match_df(target, reference, allow_red_config=True)
    matched = result.matched
    for at, row, score in zip(
        matched.column("__target_row_id__").to_pylist(),
        matched.column("__ref_row_id__").to_pylist(),
        matched.column("__match_score__").to_pylist(),
        strict=True,
    ):
        company = lists.companies[row - len(clients)]
        yield lists.judged[at]["client_id"], company["company_id"], float(score)


if __name__ == "__main__":
    run_as_peer("goldenmatch", fit, link, own_threshold=float("-inf"))
