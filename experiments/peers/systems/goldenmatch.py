"""goldenmatch 3.22: probabilistic matchkey, m from the labels, blocking in several passes.

Set up after the README of goldenmatch ("Fellegi-Sunter probabilistic matching", "Blocking") and
the docstring of `estimate_m_from_labels`: labels first, the model saved, `match_df` with its path.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import goldenmatch
import pyarrow
from goldenmatch.config.schemas import BlockingKeyConfig
from goldenmatch.core.probabilistic import estimate_m_from_labels

from experiments.peers.exchange import Lists, Row, Scored, nulled, run_as_peer

COLUMNS = (
    *("name", "core", "stem", "kana", "legal_form", "prefecture", "city", "town", "block"),
    *("postal_code", "phone", "domain", "corporate_number"),
)
BLOCKING = (
    *(["core"], ["stem"], ["kana"], ["phone"], ["domain"], ["corporate_number"]),
    *(["city", "town", "block"], ["postal_code", "block"]),
    *(["city", "core_2"], ["postal_code", "core_2"], ["core_4"], ["kana_6"]),
)
"""The same blocks as for the other peers."""
MODEL = Path("model.json")


def fit(lists: Lists) -> Any:
    """The configuration, with the path of the fitted model in it."""
    matchkey = _matchkey()
    clients, companies = _columns(lists.train), _columns(lists.companies)
    place = {row["client_id"]: at for at, row in enumerate(lists.train)}
    place |= {row["company_id"]: len(clients) + at for at, row in enumerate(lists.companies)}
    rows = [{"__row_id__": at, **row} for at, row in enumerate([*clients, *companies])]
    model = estimate_m_from_labels(
        pyarrow.Table.from_pylist(rows),
        matchkey,
        [(place[client_id], place[company_id]) for client_id, company_id in lists.labels()],
    )
    model.save_json(str(MODEL))
    matchkey.model_path = str(MODEL.resolve())
    passes = [BlockingKeyConfig(fields=keys) for keys in BLOCKING]
    return goldenmatch.GoldenMatchConfig(
        matchkeys=[matchkey],
        blocking=goldenmatch.BlockingConfig(strategy="multi_pass", keys=passes, passes=passes),
    )


def link(lists: Lists, config: Any) -> Iterator[Scored]:
    """The best company of each client, as `match_df` returns it."""
    clients, companies = _columns(lists.judged), _columns(lists.companies)
    result = goldenmatch.match_df(
        pyarrow.Table.from_pylist(clients), pyarrow.Table.from_pylist(companies), config=config
    )
    matched = result.matched
    for at, row, score in zip(
        matched.column("__target_row_id__").to_pylist(),
        matched.column("__ref_row_id__").to_pylist(),
        matched.column("__match_score__").to_pylist(),
        strict=True,
    ):
        company = lists.companies[row - len(clients)]
        yield lists.judged[at]["client_id"], company["company_id"], float(score)


def _matchkey() -> Any:
    field = goldenmatch.MatchkeyField
    fields = [
        field(field="name", scorer="exact", tf_adjustment=True),
        field(
            field="core",
            scorer="jaro_winkler",
            levels=4,
            level_thresholds=[1.0, 0.92, 0.8],
            tf_adjustment=True,
        ),
        field(field="kana", scorer="jaro_winkler", levels=3, level_thresholds=[1.0, 0.88]),
        field(field="legal_form", scorer="exact"),
        field(field="prefecture", scorer="exact"),
        field(field="city", scorer="exact", tf_adjustment=True),
        field(field="town", scorer="exact"),
        field(field="block", scorer="exact"),
        field(field="postal_code", scorer="levenshtein", levels=3, level_thresholds=[1.0, 0.7]),
        field(field="phone", scorer="levenshtein", levels=3, level_thresholds=[1.0, 0.9]),
        field(field="domain", scorer="exact"),
        field(field="corporate_number", scorer="exact"),
    ]
    return goldenmatch.MatchkeyConfig(
        name="client", type="probabilistic", fields=fields, link_threshold=0.0, missing="unobserved"
    )


def _columns(rows: list[Row]) -> list[dict[str, str | None]]:
    """The columns of goldenmatch, with prefixes to block on."""
    columns = nulled(rows, COLUMNS)
    for columned, row in zip(columns, rows, strict=True):
        columned["core_2"] = row["core"][:2] or None
        columned["core_4"] = row["core"][:4] or None
        columned["kana_6"] = row["kana"][:6] or None
    return columns


if __name__ == "__main__":
    run_as_peer("goldenmatch", fit, link)
