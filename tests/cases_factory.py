"""Cases for tests: typed by hand, or drawn so that the right answer is known."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from linkage_rl.candidates.strings import StringColumn
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.first_pass import KEYS
from linkage_rl.decision.observation import View
from tests.drawn_problem import DrawnProblem

DRAWN_VIEW = View(max_candidates=8, costs=(0.005, 0.03, 0.01))
"""A view that fits `synthetic_cases` with its three blockers."""


class Candidate(NamedTuple):
    company: str
    blockers: int
    """Blockers that propose it, one bit per blocker."""
    retrieval_score: float
    right: bool = False


class Client(NamedTuple):
    candidates: Sequence[Candidate]
    has_row: bool = True
    available: int = 0b11


def typed_cases(
    clients: Sequence[Client], blockers: tuple[str, ...] = ("name", "ngram")
) -> CaseSet:
    """Cases with one feature, the retrieval score; client i is called c<i>."""
    pairs = [candidate for client in clients for candidate in client.candidates]
    sizes = [len(client.candidates) for client in clients]
    retrieval_score = np.array([pair.retrieval_score for pair in pairs], dtype=np.float32)
    names = [f"c{row}" for row in range(len(clients))]
    companies = [pair.company for pair in pairs]
    return CaseSet(
        blockers=blockers,
        feature_names=("core_ratio",),
        query_names=("quality",),
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        pair_blockers=np.array([pair.blockers for pair in pairs], dtype=np.uint16),
        retrieval_score=retrieval_score,
        features=retrieval_score[:, None].copy(),
        is_right=np.array([pair.right for pair in pairs], dtype=np.bool_),
        pair_company=np.arange(len(pairs), dtype=np.int64),
        query=np.ones((len(clients), 1), dtype=np.float32),
        available=np.array([client.available for client in clients], dtype=np.uint16),
        has_row=np.array([client.has_row for client in clients], dtype=np.bool_),
        dataset=np.zeros(len(clients), dtype=np.int16),
        keys=np.zeros((len(clients), len(KEYS)), dtype=np.uint64),
        truth=StringColumn.from_texts(
            ["|".join(one.company for one in client.candidates if one.right) for client in clients]
        ),
        clients=StringColumn.from_texts(names),
        client_texts=StringColumn.from_texts([f"client {name}" for name in names]),
        companies=StringColumn.from_texts(companies),
        company_texts=StringColumn.from_texts([f"company {name}" for name in companies]),
    )


def two_clients() -> CaseSet:
    """Client c0 has company apex, which only ngram finds; c1 has none, and name proposes zeta."""
    return typed_cases(
        [
            Client([Candidate("acme", 0b01, 0.9), Candidate("apex", 0b10, 0.8, right=True)]),
            Client([Candidate("zeta", 0b01, 0.7)], has_row=False, available=0b01),
        ]
    )


def synthetic_cases(
    n: int, rng: np.random.Generator, blockers: int = 3, noise: float = 0.12
) -> CaseSet:
    """Cases whose right candidate has higher similarities, seen through noise."""
    return DrawnProblem(blockers=blockers, noise=noise).draw(n, rng)


def second_is_right(n: int, k: int, rng: np.random.Generator) -> CaseSet:
    """The right candidate is the second by retrieval score; every blocker proposes all of them."""
    retrieval_score = -np.sort(-rng.uniform(0.1, 0.9, (n, k)), axis=1)
    return typed_cases(
        [
            Client(
                [
                    Candidate(
                        f"{row}-{slot}", 0b11, float(retrieval_score[row, slot]), right=slot == 1
                    )
                    for slot in range(k)
                ]
            )
            for row in range(n)
        ]
    )


def without_pairs(cases: CaseSet) -> CaseSet:
    """The same clients, for whom no blocker proposes anything."""
    none = np.zeros(0, dtype=np.int64)
    return replace(
        cases,
        starts=np.zeros(len(cases) + 1, dtype=np.int64),
        pair_blockers=none.astype(np.uint16),
        retrieval_score=none.astype(np.float32),
        features=np.zeros((0, cases.features.shape[1]), dtype=np.float32),
        is_right=none.astype(np.bool_),
        pair_company=none,
    )
