"""Cases drawn from a known law, with the shapes of real ones: learned in seconds."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.strings import StringColumn
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.first_pass import KEYS

SIMILARITIES: Final = ("core_ratio", "core_jaro_winkler", "core_cosine")
"""Features that tell the right company from others, with noise; they come first."""
EQUALITIES: Final = (
    "name_equal",
    "core_equal",
    "stem_equal",
    "kana_equal",
    "prefecture_equal",
    "city_equal",
    "town_equal",
    "block_equal",
    "postal_equal",
    "phone_equal",
    "domain_equal",
    "corporate_equal",
)
"""Features that are 0 or 1; a right company agrees more often."""
FREQUENCIES: Final = (
    "company_name_frequency",
    "company_core_frequency",
    "client_name_frequency",
    "client_core_frequency",
)
"""Features on the logarithmic scale of name frequency; they say little here."""

BLOCKERS: Final = ("name", "ngram", "address", "kana", "phone")
_RECALL: Final = (0.45, 0.85, 0.6, 0.5, 0.3)
"""Share of right companies that each blocker proposes, for a client of middling quality."""
_AVAILABLE: Final = (1.0, 1.0, 0.8, 0.6, 0.4)


@dataclass(frozen=True)
class DrawnProblem:
    """Cases drawn at random with a known right answer, and how hard they are."""

    blockers: int = 3
    """Blockers R, at most 5."""
    rivals: int = 8
    """Highest number of wrong candidates of a case; the lowest is 2."""
    no_row_share: float = 0.25
    """Clients without a row."""
    hard_share: float = 0.4
    """Share of those that have a similar company in the table."""
    noise: float = 0.12
    """Standard deviation of the similarities around the truth."""

    def draw(self, n: int, rng: np.random.Generator) -> CaseSet:
        """N cases; the same generator state draws the same cases."""
        quality = rng.random(n).astype(np.float32)
        has_row = rng.random(n) >= self.no_row_share
        looks_alike = ~has_row & (rng.random(n) < self.hard_share)
        sizes = rng.integers(2, self.rivals + 1, size=n) + 1
        case = np.repeat(np.arange(n), sizes)
        first = np.zeros(len(case), dtype=np.bool_)
        first[np.cumsum(sizes) - sizes] = True
        right = first & has_row[case]
        alike = first & looks_alike[case]
        similarity = self._similarities(right, alike, quality[case], rng)
        proposed = self._proposals(right, alike, quality[case], rng)
        available = self._bits(
            rng.random((n, self.blockers)) < np.array(_AVAILABLE[: self.blockers])
        )
        proposed &= available[case]
        retrieval_score = np.clip(
            similarity[:, :2].mean(axis=1) + rng.normal(0, 0.05, len(case)), 0, 1
        )
        order = np.lexsort((-retrieval_score, case))
        order = order[proposed[order] != 0]
        starts = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(np.bincount(case[order], minlength=n), out=starts[1:])
        features = np.concatenate(
            [similarity, self._equalities(similarity, rng), self._frequencies(case, n, rng)], axis=1
        )
        pairs = len(order)
        return CaseSet(
            blockers=BLOCKERS[: self.blockers],
            feature_names=(*SIMILARITIES, *EQUALITIES, *FREQUENCIES),
            query_names=("quality", *(f"has_{blocker}" for blocker in BLOCKERS[: self.blockers])),
            starts=starts,
            pair_blockers=proposed[order],
            retrieval_score=retrieval_score[order].astype(np.float32),
            features=np.ascontiguousarray(features[order], dtype=np.float32),
            is_right=right[order],
            pair_company=np.arange(pairs, dtype=np.int64),
            query=np.concatenate([quality[:, None], self._unpack(available)], axis=1),
            available=available,
            has_row=has_row,
            dataset=np.zeros(n, dtype=np.int16),
            keys=np.zeros((n, len(KEYS)), dtype=np.uint64),
            truth=StringColumn.from_texts(_truths(starts, right[order])),
            clients=StringColumn.from_texts([f"client-{row}" for row in range(n)]),
            client_texts=StringColumn.from_texts([f"client {row}" for row in range(n)]),
            companies=StringColumn.from_texts([f"company-{row}" for row in range(pairs)]),
            company_texts=StringColumn.from_texts([f"company {row}" for row in range(pairs)]),
        )

    def _similarities(
        self,
        right: NDArray[np.bool_],
        alike: NDArray[np.bool_],
        quality: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:
        level = np.where(right, 0.65 + 0.25 * quality, np.where(alike, 0.6, 0.35))
        drawn = level[:, None] + rng.normal(0, self.noise, (len(level), len(SIMILARITIES)))
        return np.clip(drawn, 0, 1).astype(np.float32)

    def _proposals(
        self,
        right: NDArray[np.bool_],
        alike: NDArray[np.bool_],
        quality: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> NDArray[np.uint16]:
        recall = np.array(_RECALL[: self.blockers])
        chance = np.where(
            (right | alike)[:, None], recall * (0.5 + quality[:, None]), 0.15 + recall / 2
        )
        return self._bits(rng.random(chance.shape) < chance)

    def _equalities(
        self, similarity: NDArray[np.float32], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        chance = np.clip(2 * similarity.mean(axis=1) - 1, 0.02, 0.9)[:, None]
        equal: NDArray[np.float32] = (rng.random((len(chance), len(EQUALITIES))) < chance).astype(
            np.float32
        )
        return equal

    def _frequencies(
        self, case: NDArray[np.int64], n: int, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        counts = rng.geometric(0.7, size=(n, len(FREQUENCIES)))[case]
        frequencies: NDArray[np.float32] = (np.log1p(counts) / np.log(1001)).astype(np.float32)
        return frequencies

    def _bits(self, on: NDArray[np.bool_]) -> NDArray[np.uint16]:
        return (on @ (1 << np.arange(self.blockers))).astype(np.uint16)

    def _unpack(self, bits: NDArray[np.uint16]) -> NDArray[np.float32]:
        return ((bits[:, None] >> np.arange(self.blockers)) & 1).astype(np.float32)


def _truths(starts: NDArray[np.int64], right: NDArray[np.bool_]) -> list[str]:
    """Ids of the right companies of each client, joined by '|'."""
    return [
        "|".join(f"company-{begin + row}" for row in np.flatnonzero(right[begin:end]).tolist())
        for begin, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    ]
