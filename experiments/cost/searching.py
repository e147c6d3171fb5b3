"""N-gram search against brute force and a plain index, with the recall that each reaches."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from experiments.cost.figures import Figure
from experiments.cost.indexing import Indexed, slow_clients
from experiments.cost.inputs import Inputs
from experiments.cost.measurements import FIRST, Searched
from experiments.tools.measure import Clock
from linkage_rl.candidates.blockers import Clients, NgramBlocker
from linkage_rl.candidates.coverage import Coverage, coverage
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.records import RecordBatch
from linkage_rl.text.canonical import canonicalise

_BATCH = 16
"""Clients compared at once by brute force: 16 times 1.3M names take 85 MB."""


def measure_search(inputs: Inputs, indexed: Indexed) -> list[Figure]:
    """Time per client and recall@20; recalls are those of the same few clients."""
    index = indexed.index
    present = np.flatnonzero(index.find(inputs.truth) >= 0)
    many = search_ngrams(index, *inputs.some(present.tolist()))
    asked = inputs.some(slow_clients(inputs, index))
    ours, brute = search_ngrams(index, *asked), search_brute_force(index, *asked)
    plain = indexed.searched_plain
    rivals = ((brute, "rapidfuzz cdist over all names"), (plain, "plain Python n-gram index"))
    figures = []
    for rival, against in rivals:
        figures += [
            Figure(
                "n-gram search",
                "us/client",
                many.per_client_us,
                rival.per_client_us,
                against,
                f"ours with normalising, {many.clients:,} clients; rival {rival.clients:,}",
                less_is_better=True,
            ),
            Figure(
                "n-gram recall@20, company",
                "share",
                ours.company,
                rival.company,
                against,
                f"{ours.clients:,} clients; ours also sees places",
            ),
            Figure(
                "n-gram recall@20, its name",
                "share",
                ours.name,
                rival.name,
                against,
                "ours: names of 20 companies; rival: 20 names",
            ),
        ]
    return figures


def measure_coverage(inputs: Inputs, index: CompanyIndex) -> list[Coverage]:
    """Recall@k of every blocker."""
    clients = Clients.of(canonicalise(inputs.clients.records))
    return coverage(index, CandidateSettings(limit=30).blockers(), clients, inputs.truth)


def search_ngrams(index: CompanyIndex, records: RecordBatch, truth: Sequence[str]) -> Searched:
    """The n-gram blocker from raw clients to companies; all of `truth` must be in the index."""
    clock, every = Clock(), np.arange(len(records))
    # the first pass reads the mapped files
    index.propose(NgramBlocker(), Clients.of(canonicalise(records)), every, FIRST)
    with clock:
        clients = Clients.of(canonicalise(records))
        rows = index.propose(NgramBlocker(), clients, every, FIRST).rows
    right = index.find(truth)
    cores = np.array(index.texts("core", rows.reshape(-1)), dtype=object).reshape(rows.shape)
    named = (cores == np.array(index.texts("core", right), dtype=object)[:, None]) & (rows >= 0)
    company = (rows == right[:, None]).any(axis=1).mean()
    return Searched(len(truth), clock, float(company), float(named.any(axis=1).mean()))


def search_brute_force(index: CompanyIndex, records: RecordBatch, truth: Sequence[str]) -> Searched:
    """Every client's core name against every distinct core name of the table, normalised by us."""
    documents = index.base.documents.core
    cores = documents.take(np.arange(len(documents)))
    names = list(dict.fromkeys(cores))
    asked = canonicalise(records).core
    clock, best = Clock(), np.empty((len(asked), min(FIRST, len(names))), dtype=np.int64)
    with clock:
        for begin in range(0, len(asked), _BATCH):
            part = slice(begin, begin + _BATCH)
            scores = process.cdist(asked[part], names, scorer=fuzz.ratio, dtype=np.float32)
            best[part] = _top(scores)
    place = {name: number for number, name in enumerate(names)}
    name_of_document = np.array([place[core] for core in cores], dtype=np.int64)
    name_of_row = name_of_document[index.base.rows["doc"]]
    return _judged(best, name_of_row, index.find(truth), clock)


def _top(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """The columns of the highest scores of each row, best first, at most `FIRST`."""
    limit = min(FIRST, scores.shape[1])
    few = np.argpartition(-scores, limit - 1, axis=1)[:, :limit]
    order = np.argsort(-np.take_along_axis(scores, few, axis=1), axis=1, kind="stable")
    best: NDArray[np.int64] = np.take_along_axis(few, order, axis=1)
    return best


def _judged(
    best: NDArray[np.int64],
    name_of_row: NDArray[np.int64],
    right: NDArray[np.int64],
    clock: Clock,
) -> Searched:
    """Recall of name numbers, best first; companies of one name come in the order of the table."""
    order = np.argsort(name_of_row, kind="stable")
    ends = np.searchsorted(name_of_row[order], best, side="right")
    begins = np.searchsorted(name_of_row[order], best, side="left")
    company = [
        row in np.concatenate([order[b:e] for b, e in zip(*some, strict=True)])[:FIRST]
        for row, *some in zip(right, begins, ends, strict=True)
    ]
    named = (best == name_of_row[right][:, None]).any(axis=1)
    return Searched(len(right), clock, float(np.mean(company)), float(named.mean()))
