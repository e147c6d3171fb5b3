"""splink 5 on DuckDB without labels: the comparisons and blocks of `splink`, m by EM.

Set up after tutorial 4 of splink, "Estimating model parameters": the probability that two random
records match from deterministic rules, u from random pairs, m by expectation maximisation in
several passes, each blocked on columns whose comparison another pass estimates. A comparison of a
column that the clients lack is left out, since EM could not estimate it. On a list of names there
remain name, reading and legal form; the deterministic rule is then an equal name. Within EM term
frequencies are left out (`estimate_without_term_frequencies`), for speed; links are scored by them.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final

from splink import block_on

from experiments.peers.exchange import Lists, Row, run_as_peer
from experiments.peers.systems.splink import COLUMNS, link, linker_of, settings_of

LEAST_PRESENT: Final = 0.01
"""Share of the clients that have a value in a column that is compared."""
RECALL: Final = 0.7
"""Share of the right pairs that the deterministic rules are taken to find, as in the tutorial."""
DETERMINISTIC: Final = (
    *(("core", "city"), ("kana", "postal_code"), ("core", "phone"), ("core", "domain")),
    ("corporate_number",),
)
WITHOUT_PLACE: Final = (("name",),)
"""Deterministic rules where no rule of `DETERMINISTIC` has all its columns."""
PASSES: Final = (
    *(("core",), ("city", "town", "block"), ("kana",), ("postal_code",), ("phone",)),
    ("stem",),
)
"""Columns that the passes of EM are blocked on."""
LEAST_U_PAIRS, MOST_U_PAIRS = 1e6, 1e7
"""Random pairs for u, splink's default and what its tutorial takes for large tables."""
EM_PAIRS: Final = 5e6
"""Pairs of a pass, at most."""


def fit(lists: Lists) -> dict[str, Any]:
    """The settings of the model with its parameters; no truth is read."""
    clients = lists.unlabelled()
    present = present_columns(clients)
    linker, _ = linker_of(clients, lists.companies, settings_of(present=present))
    training = linker.training
    training.estimate_probability_two_random_records_match(
        [block_on(*columns) for columns in _within(DETERMINISTIC, present) or WITHOUT_PLACE],
        recall=RECALL,
    )
    u_pairs = min(MOST_U_PAIRS, max(LEAST_U_PAIRS, 10 * len(lists.companies)))
    training.estimate_u_using_random_sampling(max_pairs=u_pairs, seed=1)
    for columns in _within(PASSES, present):
        training.estimate_parameters_using_expectation_maximisation(
            block_on(*columns), estimate_without_term_frequencies=True, max_pairs=EM_PAIRS
        )
    model: dict[str, Any] = linker.misc.save_model_to_json()
    return model


def present_columns(clients: Sequence[Row]) -> list[str]:
    """The columns that enough of the clients have."""
    least = LEAST_PRESENT * len(clients)
    return [name for name in COLUMNS if sum(1 for row in clients if row[name]) >= least]


def _within(rules: Sequence[tuple[str, ...]], present: Sequence[str]) -> list[tuple[str, ...]]:
    return [columns for columns in rules if set(columns) <= set(present)]


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    run_as_peer("splink", fit, link, own_threshold=0.0)
