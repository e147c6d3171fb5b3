"""What a `Linker` says of clients: their decisions, and candidates that might be their company."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.best_candidates import BestCandidates
from linkage_rl.decision.explaining import Explanations
from linkage_rl.records import RecordBatch


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

    def __len__(self) -> int:
        return len(self.client_ids)

    def between(self, begin: int, end: int) -> "LinkedBatch":
        """The decisions for the clients in range(begin, end)."""
        return LinkedBatch(
            self.client_ids[begin:end],
            self.kind[begin:end],
            self.company_ids[begin:end],
            self.confidence[begin:end],
            self.companies.take(range(begin, end)),
            self.reasons[begin:end],
            self.ran[begin:end],
            self.candidates and self.candidates.between(begin, end),
            self.explanations and self.explanations.between(begin, end),
            sites=self.sites[begin:end],
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
