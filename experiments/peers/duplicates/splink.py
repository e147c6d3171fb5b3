"""splink 5 as `dedupe_only`: comparisons and blocks of `systems.splink`, m from the labels."""

import logging
from collections.abc import Iterator
from typing import Any

from splink import Linker, SettingsCreator
from splink.internals.duckdb.database_api import DuckDBAPI

from experiments.peers.duplicates.exchange import ENTITY, ScoredPair, run_as_peer
from experiments.peers.exchange import Row
from experiments.peers.systems.splink import BLOCKING, comparisons_by_column, table_of

LEAST = 0.01
"""Match probability from which on a pair is written."""


def fit(clients: list[Row]) -> dict[str, Any]:
    """The model with its parameters: u from random pairs, m from the labels."""
    sizes: dict[str, int] = {}
    for row in clients:
        sizes[row[ENTITY]] = sizes.get(row[ENTITY], 0) + 1
    right = sum(size * (size - 1) // 2 for size in sizes.values())
    prior = right / (len(clients) * (len(clients) - 1) / 2)
    linker = _linker(clients, _settings(prior))
    linker.training.estimate_u_using_random_sampling(max_pairs=1e7, seed=1)
    linker.training.estimate_m_from_label_column(ENTITY)
    model: dict[str, Any] = linker.misc.save_model_to_json()
    return model


def pairs(clients: list[Row], model: dict[str, Any]) -> Iterator[ScoredPair]:
    """Pairs with their match probability."""
    found = _linker(clients, model).inference.predict(threshold_match_probability=LEAST)
    rows = found.as_duckdbpyrelation().query(
        "pairs", "select unique_id_l, unique_id_r, match_probability from pairs"
    )
    yield from rows.fetchall()


def _linker(clients: list[Row], settings: SettingsCreator | dict[str, Any]) -> Linker:
    database = DuckDBAPI()
    table = table_of(clients, "client_id")
    if ENTITY in clients[0]:
        table = table.append_column(ENTITY, [[row[ENTITY] for row in clients]])
    return Linker(database.register(table, dataset_display_name="clients"), settings)


def _settings(prior: float) -> SettingsCreator:
    return SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=list(BLOCKING),
        comparisons=list(comparisons_by_column().values()),
        probability_two_random_records_match=prior,
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    run_as_peer("splink", fit, pairs)
