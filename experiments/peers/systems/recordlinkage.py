"""recordlinkage 0.16: blocking and sorted neighbourhoods, comparisons, logistic regression.

Set up after the documentation of recordlinkage: "Link two datasets" (guide), "Indexing" and
"Comparing" (reference), and "Classification algorithms" (guide), which has the supervised
`LogisticRegressionClassifier` first.
"""

from collections.abc import Iterator

import pandas
import recordlinkage
from recordlinkage.index import Block, SortedNeighbourhood

from experiments.peers.exchange import Lists, Row, Scored, run_as_peer

COLUMNS = (
    *("name", "core", "stem", "kana", "legal_form", "prefecture", "city", "town", "block"),
    *("building", "postal_code", "phone", "domain", "corporate_number"),
)
WINDOW = 9
"""Neighbours in the order of the names; the documentation shows windows of 3 to 9."""


def fit(lists: Lists) -> "recordlinkage.LogisticRegressionClassifier":
    """Logistic regression on the compared pairs of the training clients."""
    clients, companies = _frames(lists.train, lists.companies)
    pairs = _index().index(clients, companies)
    truth = pandas.MultiIndex.from_tuples(lists.labels(), names=pairs.names)
    vectors = _compare().compute(pairs, clients, companies)
    classifier = recordlinkage.LogisticRegressionClassifier()
    classifier.fit(vectors, pairs.intersection(truth))
    return classifier


def link(
    lists: Lists, classifier: "recordlinkage.LogisticRegressionClassifier"
) -> Iterator[Scored]:
    """The probability of every compared pair."""
    clients, companies = _frames(lists.judged, lists.companies)
    pairs = _index().index(clients, companies)
    probability = classifier.prob(_compare().compute(pairs, clients, companies))
    for (client_id, company_id), score in probability.items():
        yield client_id, company_id, float(score)


def _frames(clients: list[Row], companies: list[Row]) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """Clients and companies by their ids, missing texts as None, with prefixes to block on."""
    frames = []
    for rows, key in ((clients, "client_id"), (companies, "company_id")):
        frame = pandas.DataFrame(rows).set_index(key)[list(COLUMNS)]
        frame = frame.where(frame != "", None)
        for column, length in (("core", 2), ("core", 4), ("kana", 6)):
            frame[f"{column}_{length}"] = frame[column].str[:length]
        frames.append(frame)
    return frames[0], frames[1]


def _index() -> recordlinkage.Index:
    """The union of blocks, as for the other peers, and of neighbours by core and reading."""
    keys = (
        *("core", "stem", "kana", "phone", "domain", "corporate_number", "core_4", "kana_6"),
        *(["city", "town", "block"], ["postal_code", "block"]),
        *(["city", "core_2"], ["postal_code", "core_2"]),
    )
    index = recordlinkage.Index()
    index.add([Block(key) for key in keys])
    index.add([SortedNeighbourhood("core", window=WINDOW)])
    index.add([SortedNeighbourhood("kana", window=WINDOW)])
    return index


def _compare() -> recordlinkage.Compare:
    compare = recordlinkage.Compare()
    for column in ("name", "core", "stem", "kana", "town", "building"):
        compare.string(column, column, method="jarowinkler", label=column)
    compare.string("core", "core", method="qgram", label="core_grams")
    exact = ("legal_form", "prefecture", "city", "block", "postal_code", "phone", "domain")
    for column in (*exact, "corporate_number", "name", "core"):
        compare.exact(column, column, label=f"{column}_equal")
    for column in ("kana", "city", "postal_code", "phone", "domain"):
        compare.exact(
            column, column, agree_value=0, disagree_value=0, missing_value=1, label=f"no_{column}"
        )
    return compare


if __name__ == "__main__":
    run_as_peer("recordlinkage", fit, link)
