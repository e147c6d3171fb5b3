"""emm 2.1 on names only: word and character indexers, sorted neighbours, trained classifier.

Set up after the example in the README of emm and its notebook "03 entity matching training
pandas version": `fit` on the ground truth, `fit_classifier` on names that have a match, a fifth
of them turned into names without one, `transform`. Its feature of legal forms is left out, since
it knows European ones only.
"""

from collections.abc import Iterator

import pandas
from emm import PandasEntityMatching

from experiments.peers.exchange import Lists, Row, Scored, run_as_peer

PARAMETERS = {
    "name_only": True,
    "name_col": "name",
    "entity_id_col": "id",
    "supervised_on": False,
    "indexers": [
        {
            "type": "cosine_similarity",
            "tokenizer": "words",
            "ngram": 1,
            "num_candidates": 10,
            "cos_sim_lower_bound": 0.2,
        },
        {
            "type": "cosine_similarity",
            "tokenizer": "characters",
            "ngram": 2,
            "num_candidates": 10,
            "cos_sim_lower_bound": 0.2,
        },
        {"type": "sni", "window_length": 3},
    ],
}
WITHOUT_MATCH = 0.2
"""Share of the training names that are shown to the classifier as names without a company."""


def fit(lists: Lists) -> PandasEntityMatching:
    """Indexers on the names of the table, classifier on the training clients that have a row."""
    model = PandasEntityMatching(PARAMETERS)
    model.fit(_names(lists.companies, [row["company_id"] for row in lists.companies]))
    name_of = {client["client_id"]: client for client in lists.train}
    labels = lists.labels()
    model.fit_classifier(
        train_positive_names_to_match=_names(
            [name_of[client_id] for client_id, _ in labels], [truth for _, truth in labels]
        ),
        create_negative_sample_fraction=WITHOUT_MATCH,
    )
    return model


def link(lists: Lists, model: PandasEntityMatching) -> Iterator[Scored]:
    """The score of every candidate."""
    named = [client for client in lists.judged if client["name"]]
    found = model.transform(_names(named, [client["client_id"] for client in named]))
    found = found[found["gt_entity_id"].notna()]
    for client_id, company_id, score in zip(
        found["entity_id"], found["gt_entity_id"], found["nm_score"], strict=True
    ):
        yield client_id, company_id, float(score)


def _names(rows: list[Row], ids: list[str]) -> pandas.DataFrame:
    return pandas.DataFrame({"name": [row["name"] for row in rows], "id": ids})


if __name__ == "__main__":
    run_as_peer("emm", fit, link)
