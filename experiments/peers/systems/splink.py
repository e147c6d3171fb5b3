"""splink 5 on DuckDB: u from random pairs, m from the labels, term frequencies.

Set up after the documentation of splink: "Estimating model parameters" (tutorial 4), "Estimating
m from a sample of pairwise labels" (example), "Term-frequency adjustments" (topic guide) and
"Choosing blocking rules" (tutorial 3).
"""

import logging
from collections.abc import Collection, Iterator
from typing import Any

import pyarrow
import splink.comparison_level_library as levels
import splink.comparison_library as comparisons
from splink import Linker, SettingsCreator, block_on
from splink.internals.duckdb.database_api import DuckDBAPI

from experiments.peers.exchange import Lists, Row, Scored, nulled, run_as_peer

COLUMNS = (
    *("name", "core", "stem", "kana", "legal_form", "prefecture", "city", "town", "block"),
    *("building", "postal_code", "phone", "domain", "corporate_number"),
)
BLOCKING = (
    block_on("core"),
    block_on("stem"),
    block_on("kana"),
    block_on("cores", arrays_to_explode=["cores"]),
    block_on("phone"),
    block_on("domain"),
    block_on("corporate_number"),
    block_on("city", "town", "block"),
    block_on("postal_code", "block"),
    block_on("city", "substr(core, 1, 2)"),
    block_on("postal_code", "substr(core, 1, 2)"),
    block_on("substr(core, 1, 4)"),
    block_on("substr(kana, 1, 6)"),
)


def fit(lists: Lists) -> dict[str, Any]:
    """The settings of the model with its parameters, m from the training clients."""
    labels = lists.labels()
    pairs = len(lists.train) * len(lists.companies)
    linker, database = linker_of(lists.train, lists.companies, settings_of(len(labels) / pairs))
    linker.training.estimate_u_using_random_sampling(max_pairs=1e7, seed=1)
    truth = pyarrow.table(
        {
            "source_dataset_l": ["clients"] * len(labels),
            "unique_id_l": [client_id for client_id, _ in labels],
            "source_dataset_r": ["companies"] * len(labels),
            "unique_id_r": [company_id for _, company_id in labels],
        }
    )
    database.register(truth, table_name="labels")
    linker.training.estimate_m_from_pairwise_labels("labels")
    model: dict[str, Any] = linker.misc.save_model_to_json()
    return model


def link(lists: Lists, model: dict[str, Any]) -> Iterator[Scored]:
    """The pairs of highest match weight of each client."""
    linker, _ = linker_of(lists.judged, lists.companies, model)
    pairs = linker.inference.predict().as_duckdbpyrelation()
    best = pairs.query(
        "pairs",
        """
        select
            if(source_dataset_l = 'clients', unique_id_l, unique_id_r) as client_id,
            if(source_dataset_l = 'clients', unique_id_r, unique_id_l) as company_id,
            match_weight
        from pairs
        qualify rank() over (partition by client_id order by match_weight desc) = 1
        """,
    )
    yield from best.fetchall()


def linker_of(
    clients: list[Row], companies: list[Row], settings: SettingsCreator | dict[str, Any]
) -> tuple[Linker, DuckDBAPI]:
    """A linker of these records, and the database that holds them."""
    database = DuckDBAPI()
    tables = [
        database.register(table_of(rows, key), dataset_display_name=name)
        for rows, key, name in (
            (clients, "client_id", "clients"),
            (companies, "company_id", "companies"),
        )
    ]
    return Linker(tables, settings), database


def table_of(rows: list[Row], key: str) -> pyarrow.Table:
    """The columns of splink, with every current and former core of the record, and its site."""
    columns: list[dict[str, Any]] = [dict(row) for row in nulled(rows, COLUMNS)]
    for row, columned in zip(rows, columns, strict=True):
        columned["unique_id"] = row[key]
        cores = (row["core"], row["stem"], *row["former_cores"].split("|"))
        columned["cores"] = list(dict.fromkeys(filter(None, cores)))
        columned["site"] = _site(row)
    return pyarrow.Table.from_pylist(columns)


def _site(row: Row) -> str | None:
    """The place up to the block, so that its term frequency is the number of companies there."""
    parts = [row[column] for column in ("prefecture", "city", "town", "block")]
    return "|".join(parts) if row["city"] and row["block"] else None


def settings_of(prior: float | None = None, present: Collection[str] = COLUMNS) -> SettingsCreator:
    """The model, with the comparisons of the columns that the clients have.

    Args:
        prior: Probability that two random records match; None leaves it to be estimated.
        present: Columns in which clients have values.
    """
    chosen: dict[str, Any] = {}
    if prior is not None:
        chosen["probability_two_random_records_match"] = prior
    return SettingsCreator(
        link_type="link_only",
        blocking_rules_to_generate_predictions=list(BLOCKING),
        comparisons=[made for column, made in comparisons_by_column().items() if column in present],
        **chosen,
    )


def comparisons_by_column() -> dict[str, Any]:
    """Each comparison, by the column without which it compares nothing."""
    return {
        "core": comparisons.CustomComparison(
            [
                levels.NullLevel("core"),
                levels.ExactMatchLevel("name", term_frequency_adjustments=True),
                levels.ExactMatchLevel("core", term_frequency_adjustments=True),
                levels.ArrayIntersectLevel("cores", 1),
                levels.JaroWinklerLevel("core", 0.94),
                levels.JaroWinklerLevel("core", 0.88),
                levels.LevenshteinLevel("core", 1),
                levels.JaroWinklerLevel("core", 0.7),
                levels.ElseLevel(),
            ],
            output_column_name="name",
        ),
        "kana": comparisons.CustomComparison(
            [
                levels.NullLevel("kana"),
                levels.ExactMatchLevel("kana", term_frequency_adjustments=True),
                levels.JaroWinklerLevel("kana", 0.92),
                levels.JaroWinklerLevel("kana", 0.8),
                levels.ElseLevel(),
            ],
            output_column_name="kana",
        ),
        "legal_form": comparisons.ExactMatch("legal_form"),
        "city": comparisons.CustomComparison(
            [
                levels.Or(levels.NullLevel("city"), levels.NullLevel("prefecture")),
                _equal("site", "building"),
                levels.ExactMatchLevel("site", term_frequency_adjustments=True),
                _equal("city", "town"),
                levels.ExactMatchLevel("city", term_frequency_adjustments=True),
                levels.ExactMatchLevel("prefecture"),
                levels.ElseLevel(),
            ],
            output_column_name="address",
        ),
        "postal_code": comparisons.CustomComparison(
            [
                levels.NullLevel("postal_code"),
                levels.ExactMatchLevel("postal_code"),
                levels.CustomLevel("substr(postal_code_l, 1, 3) = substr(postal_code_r, 1, 3)"),
                levels.ElseLevel(),
            ],
            output_column_name="postal_code",
        ),
        "phone": comparisons.CustomComparison(
            [
                levels.NullLevel("phone"),
                levels.ExactMatchLevel("phone"),
                levels.LevenshteinLevel("phone", 1),
                levels.ElseLevel(),
            ],
            output_column_name="phone",
        ),
        "domain": comparisons.ExactMatch("domain").configure(term_frequency_adjustments=True),
        "corporate_number": comparisons.ExactMatch("corporate_number"),
    }


def _equal(*columns: str) -> Any:
    return levels.And(*(levels.ExactMatchLevel(column) for column in columns))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    run_as_peer("splink", fit, link)
