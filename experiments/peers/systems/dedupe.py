"""dedupe 3.0 as a gazetteer: learned blocking and regularised logistic regression.

Set up after the documentation of dedupe ("Gazetteer", "Variable definitions") and its gazetteer
example; the labels take the place of the questions that the example asks.
"""

import io
import random
from collections.abc import Iterator

import dedupe
from dedupe import serializer, variables

from experiments.peers.exchange import Lists, Row, Scored, nulled, run_as_peer
from experiments.peers.labelled_pairs import wrong_pairs

COLUMNS = ("name", "core", "kana", "city", "town", "block", "postal_code", "phone", "domain")
PAIRS = 300
"""Right pairs that are learned from, and as many wrong ones: learning grows with their square."""
SHOWN = 2_000
"""Companies from which blocking is learned, in addition to the right ones; all of 20,000 took more
than a minute of processor time."""
CANDIDATES = 3
"""Companies returned per client."""


def fit(lists: Lists) -> dedupe.Gazetteer:
    """A gazetteer trained on right pairs and on pairs of similar companies that are wrong."""
    random.seed(1)
    matcher = dedupe.Gazetteer(compared_fields(), num_cores=1)
    clients, companies = _records(lists.train, "client_id"), _records(lists.companies, "company_id")
    labels = lists.labels()
    right = random.sample(labels, min(PAIRS, len(labels)))
    known = {client_id: clients[client_id] for client_id, _ in right}
    shown = {truth for _, truth in right} | set(
        random.sample(sorted(companies), min(SHOWN, len(companies)))
    )
    pairs = {
        "match": [(clients[client_id], companies[truth]) for client_id, truth in right],
        "distinct": [
            (clients[client_id], companies[other]) for client_id, other in wrong_pairs(right, lists)
        ],
    }
    # pairs that come as a training file are indexed with the rest, marked ones are not
    training_file = io.StringIO()
    serializer.write_training(pairs, training_file)
    training_file.seek(0)
    matcher.prepare_training(
        known,
        {company_id: companies[company_id] for company_id in shown},
        training_file=training_file,
        sample_size=1_000,
    )
    matcher.train(recall=0.95, index_predicates=False)
    matcher.index(companies)
    return matcher


def compared_fields() -> list[variables.String | variables.ShortString | variables.Exact]:
    """The comparisons of `COLUMNS`."""
    return [
        variables.String("name"),
        variables.String("core", has_missing=True),
        variables.String("kana", has_missing=True),
        *(variables.ShortString(column, has_missing=True) for column in ("city", "town", "block")),
        *(variables.Exact(column, has_missing=True) for column in ("postal_code", "domain")),
        variables.ShortString("phone", has_missing=True),
    ]


def link(lists: Lists, matcher: dedupe.Gazetteer) -> Iterator[Scored]:
    """The best companies of each client with their probability."""
    found = matcher.search(
        _records(lists.judged, "client_id"), threshold=0.0, n_matches=CANDIDATES, generator=True
    )
    for client_id, matches in found:
        for company_id, score in matches:
            yield client_id, company_id, float(score)


def _records(rows: list[Row], key: str) -> dict[str, dict[str, str | None]]:
    columns = nulled(rows, COLUMNS)
    return {row[key]: columned for row, columned in zip(rows, columns, strict=True)}


if __name__ == "__main__":
    run_as_peer("dedupe", fit, link)
