"""dedupe 3.0 as `Dedupe`: fields of `systems.dedupe`, labelled pairs in place of its questions."""

import io
import random
from collections.abc import Iterator

import dedupe
from dedupe import serializer

from experiments.peers.duplicates.exchange import ENTITY, ScoredPair, run_as_peer
from experiments.peers.exchange import Row, nulled
from experiments.peers.systems.dedupe import COLUMNS, PAIRS, compared_fields

SHOWN = 2_000
"""Clients from which blocking is learned, in addition to those of the pairs."""

Record = dict[str, str | None]


def fit(clients: list[Row]) -> dedupe.Dedupe:
    """A matcher trained on pairs of one company and on pairs of similar clients of two."""
    random.seed(1)
    matcher = dedupe.Dedupe(compared_fields(), num_cores=1)
    records = _records(clients)
    right, wrong = _pairs(clients)
    pairs = {
        "match": [(records[one], records[other]) for one, other in right],
        "distinct": [(records[one], records[other]) for one, other in wrong],
    }
    training_file = io.StringIO()
    serializer.write_training(pairs, training_file)
    training_file.seek(0)
    shown = {one for pair in right for one in pair}
    shown |= set(random.sample(sorted(records), min(SHOWN, len(records))))
    matcher.prepare_training(
        {client_id: records[client_id] for client_id in sorted(shown)},
        training_file=training_file,
        sample_size=1_000,
    )
    matcher.train(recall=0.95, index_predicates=False)
    return matcher


def pairs(clients: list[Row], matcher: dedupe.Dedupe) -> Iterator[ScoredPair]:
    """Pairs with their probability."""
    for (one, other), score in matcher.score(matcher.pairs(_records(clients))):
        yield str(one), str(other), float(score)


def _pairs(clients: list[Row]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Right pairs, and as many wrong ones of equal beginning or city."""
    groups: dict[str, list[str]] = {}
    similar: dict[str, list[Row]] = {}
    for row in clients:
        groups.setdefault(row[ENTITY], []).append(row["client_id"])
        for key in (row["core"][:2], row["city"]):
            similar.setdefault(key, []).append(row)
    right = [(group[0], group[1]) for group in groups.values() if len(group) > 1]
    right = random.sample(right, min(PAIRS, len(right)))
    wrong: list[tuple[str, str]] = []
    while len(wrong) < len(right):
        row = random.choice(clients)
        other = random.choice(similar[random.choice([row["core"][:2], row["city"]])])
        if other[ENTITY] != row[ENTITY]:
            wrong.append((row["client_id"], other["client_id"]))
    return right, wrong


def _records(clients: list[Row]) -> dict[str, Record]:
    columns = nulled(clients, COLUMNS)
    return {row["client_id"]: columned for row, columned in zip(clients, columns, strict=True)}


if __name__ == "__main__":
    run_as_peer("dedupe", fit, pairs)
