"""What a `Linker` says of clients: their decisions, and candidates that might be their company."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.best_candidates import BestCandidates
from linkage_rl.decision.evidence import Evidence as Evidence
from linkage_rl.decision.explaining import Explanations
from linkage_rl.records import RecordBatch

_NO_RECORDS: Final = RecordBatch([], {})


@dataclass(frozen=True)
class LinkedBatch:
    """Decisions for N clients, in their order, with the fields of the linked companies."""

    client_ids: Sequence[str]
    kind: NDArray[np.int8]
    """`DecisionKind` of each client, shape (N,)."""
    company_ids: list[str]
    """The linked company, '' unless the decision is a link."""
    confidence: NDArray[np.float32]
    """Probability in [0, 1] that the best candidate is the right company, shape (N,)."""
    companies: RecordBatch
    """Current fields of the linked companies, one record per client; '' where none is linked."""
    reasons: list[str]
    """The strongest agreements and conflicts with the best candidate, in words."""
    ran: NDArray[np.uint16]
    """Blockers run, one bit per blocker, shape (N,)."""
    candidates: BestCandidates | None = None
    """The best candidates of each client; None unless they were asked for."""
    explanations: Explanations | None = None
    """What each field says of the best candidate; None unless it was asked for."""
    sites: Sequence[str] = ()
    """Address and phone of the site of the linked company that fits the client best, as in the
    index; '' where the company has one row or none is linked. () where no company has several."""
    evidence: Evidence | None = None
    """What the policy saw of each client; None unless it was to be kept."""
    decision_ids: Sequence[str] = ()
    """Ids of the decisions in a decision log; () where none is written."""

    def __len__(self) -> int:
        return len(self.client_ids)

    @classmethod
    def without_fields(cls, parts: "Sequence[LinkedBatch]") -> "LinkedBatch":
        """The decisions of all parts in their order, with what a decision log holds of them.

        Fields, sites, candidates and explanations are left out, the evidence where a part with
        clients lacks it.
        """
        if len(parts) == 1:
            (one,) = parts
            return cls(
                *(one.client_ids, one.kind, one.company_ids, one.confidence, _NO_RECORDS),
                *(one.reasons, one.ran),
                evidence=one.evidence,
            )
        return cls(
            list(chain.from_iterable(part.client_ids for part in parts)),
            np.concatenate([part.kind for part in parts]),
            list(chain.from_iterable(part.company_ids for part in parts)),
            np.concatenate([part.confidence for part in parts]),
            _NO_RECORDS,
            list(chain.from_iterable(part.reasons for part in parts)),
            np.concatenate([part.ran for part in parts]),
            evidence=_evidence_of([(len(part), part.evidence) for part in parts]),
        )

    def between(self, begin: int, end: int) -> "LinkedBatch":
        """The decisions for the clients in range(begin, end)."""
        return LinkedBatch(
            self.client_ids[begin:end],
            self.kind[begin:end],
            self.company_ids[begin:end],
            self.confidence[begin:end],
            self.companies.between(begin, end),
            self.reasons[begin:end],
            self.ran[begin:end],
            self.candidates and self.candidates.between(begin, end),
            self.explanations and self.explanations.between(begin, end),
            sites=self.sites[begin:end],
            evidence=self.evidence and self.evidence.between(begin, end),
            decision_ids=self.decision_ids[begin:end],
        )


@dataclass(frozen=True)
class Candidate:
    """A company proposed for a client."""

    company_id: str
    share: float
    """Softmax weight among all visible candidates and no match, in [0, 1]."""
    reason: str
    """Its strongest agreements and conflicts with the client, in words."""
    company: Mapping[str, str]
    """Its current fields; '' where missing."""
    site: str = ""
    """Address and phone of its site that fits the client best; '' where it has one row."""


@dataclass(frozen=True)
class Decided:
    """Decisions on N clients before the current fields of their companies are fetched."""

    kind: NDArray[np.int8]
    company_ids: list[str]
    confidence: NDArray[np.float32]
    reasons: list[str]
    sites: list[str]
    """As of `LinkedBatch`."""
    ran: NDArray[np.uint16]
    candidates: BestCandidates | None
    explanations: Explanations | None
    evidence: Evidence | None = None
    """What the policy saw of each client; None unless it was to be kept."""

    @property
    def wanted(self) -> list[str]:
        """Ids of the companies whose fields are needed, each once."""
        return [company_id for company_id in dict.fromkeys(self.company_ids) if company_id]

    @classmethod
    def concatenate(cls, parts: "Sequence[Decided]") -> "Decided":
        """The decisions of all parts, in their order."""
        shown = [part.candidates for part in parts if part.candidates is not None]
        explained = [part.explanations for part in parts if part.explanations is not None]
        return cls(
            np.concatenate([part.kind for part in parts]),
            [company_id for part in parts for company_id in part.company_ids],
            np.concatenate([part.confidence for part in parts]),
            [why for part in parts for why in part.reasons],
            [site for part in parts for site in part.sites],
            np.concatenate([part.ran for part in parts]),
            BestCandidates.concatenate(shown) if len(shown) == len(parts) else None,
            Explanations.concatenate(explained) if len(explained) == len(parts) else None,
            _evidence_of([(len(part.kind), part.evidence) for part in parts]),
        )


def _evidence_of(parts: Sequence[tuple[int, Evidence | None]]) -> Evidence | None:
    """The evidence of all parts, in their order; None where one with clients lacks it.

    Args:
        parts: Number of clients of each part, and their evidence; there is none of no client.
    """
    kept = [evidence for clients, evidence in parts if clients]
    known = [evidence for evidence in kept if evidence is not None]
    return Evidence.concatenate(known) if known and len(known) == len(kept) else None


@dataclass(frozen=True)
class RankedCandidates:
    """P candidates of N clients before the current fields of their companies are fetched."""

    clients: int
    """N."""
    owners: list[int]
    """Client of each candidate, by position."""
    company_ids: list[str]
    shares: list[float]
    reasons: list[str]
    sites: list[str]

    @property
    def wanted(self) -> list[str]:
        """Ids of the companies whose fields are needed, each once."""
        return list(dict.fromkeys(self.company_ids))

    def with_companies(self, companies: RecordBatch) -> list[list[Candidate]]:
        """The candidates of each client, best first.

        Args:
            companies: Current fields of the P companies; those without an id are left out.
        """
        found: list[list[Candidate]] = [[] for _ in range(self.clients)]
        columns = (self.owners, self.company_ids, self.shares, self.reasons, self.sites)
        for place, (owner, company_id, share, why, site) in enumerate(zip(*columns, strict=True)):
            if companies.ids[place]:
                fields = {name: texts[place] for name, texts in companies.columns.items()}
                found[owner].append(Candidate(company_id, share, why, fields, site))
        return [sorted(mine, key=lambda one: -one.share) for mine in found]


def placed(texts: list[str], places: NDArray[np.int64], size: int, rest: str = "") -> list[str]:
    """Texts at their places among `size`, `rest` at all others.

    Args:
        texts: P texts.
        places: Where they go, ascending, each once, shape (P,).
        size: Length of the result.
        rest: The other texts.
    """
    if len(texts) == size:
        return texts
    filled: list[str] = [rest] * size
    if texts:
        array = np.array(filled, dtype=object)
        array[places] = texts
        filled = array.tolist()
    return filled
