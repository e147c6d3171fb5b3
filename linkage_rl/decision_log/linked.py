"""From what a `Linker` has decided to rows of the decision log; `link` and the server share it."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.evidence import SHOWN, Evidence
from linkage_rl.decision_log.evidence import features_version, pack
from linkage_rl.decision_log.privacy import Privacy
from linkage_rl.decision_log.rows import DecisionRows
from linkage_rl.linked_batch import LinkedBatch
from linkage_rl.linker import Linker
from linkage_rl.records import DecisionKind, RecordBatch
from linkage_rl.tables.ddl import stamp

NEVER: Final = 1.1
"""Threshold that no confidence reaches."""
_ACTIONS: Final = {int(kind): kind.name.lower() for kind in DecisionKind}
_DIGITS: Final = 16


@dataclass(frozen=True)
class Facts:
    """What all decisions of a run, or of a server, have in common."""

    source: str
    """'link', 'serve' or 'import'."""
    bundle: str
    """First digits of the fingerprint of the bundle's manifest."""
    table_state: str
    """First digits of the fingerprint of the company table."""
    features: str
    """Digest of what the numbers of the evidence mean."""
    link_threshold: float
    """Confidence from which on clients were linked."""
    review_threshold: float
    """Confidence from which on clients were handed to a person; above 1: never."""
    privacy: Privacy
    customer: str = ""
    list_id: str = ""

    @classmethod
    def of(
        cls,
        linker: Linker,
        source: str,
        bundle: str,
        table_state: str,
        privacy: Privacy,
        customer: str = "",
        list_id: str = "",
        as_list: bool = False,
    ) -> Self:
        """The facts of a linker.

        Args:
            linker: It decides.
            source: 'link', 'serve' or 'import'.
            bundle: Fingerprint of the bundle's manifest, or its first digits.
            table_state: Digest of the state of the company table.
            privacy: What of a client is written.
            customer: Whose clients they are, '' where nobody said.
            list_id: The list, '' for single clients.
            as_list: Whether the list is decided as a whole, by the list stage of the bundle.
        """
        stage = linker.list_stage if as_list else None
        thresholds = linker.decider.thresholds if stage is None else stage.thresholds
        return cls(
            source,
            bundle[:_DIGITS],
            table_state,
            features_version(
                [blocker.name for blocker in linker.blockers], linker.decider.view.max_candidates
            ),
            NEVER if thresholds is None else thresholds.link,
            NEVER if thresholds is None else thresholds.review,
            privacy,
            customer,
            list_id,
        )


@dataclass(frozen=True)
class PackedEvidence:
    """Evidence of N clients as the log holds it; columns of length N."""

    shown: Sequence[str]
    """See `DecisionRows.shown`."""
    no_match: Sequence[float]
    raw_confidence: Sequence[float]
    evidence: Sequence[bytes]
    """See `evidence.pack`; b'' where it is not kept."""

    def __len__(self) -> int:
        return len(self.evidence)

    @classmethod
    def of(cls, evidence: Evidence, kept: NDArray[np.bool_] | None = None) -> Self:
        """Pack the evidence of N clients.

        Args:
            evidence: It.
            kept: Clients whose features are kept, shape (N,); None keeps those of all.
        """
        every = np.ones(len(evidence), dtype=np.bool_) if kept is None else kept
        packed = iter(pack(evidence if kept is None else evidence.take(np.flatnonzero(kept))))
        return cls(
            _shown(evidence.counts, evidence.shares, evidence.shown),
            evidence.no_match.tolist(),
            evidence.raw_confidence.tolist(),
            [next(packed) if one else b"" for one in every.tolist()],
        )

    @classmethod
    def lacking(cls, linked: LinkedBatch) -> Self:
        """Of decisions that came without evidence: the candidates of the result, if any."""
        shown, best = ["[]"] * len(linked), linked.candidates
        if best is not None:
            ends = np.concatenate([[0], best.counts.cumsum()]).tolist()
            ids = [best.company_ids[begin:end][:SHOWN] for begin, end in pairwise(ends)]
            shown = _shown(best.counts, best.shares, ids)
        confidence = linked.confidence.tolist()
        return cls(shown, [0.0] * len(linked), confidence, [b""] * len(linked))


def rows_of(
    linked: LinkedBatch,
    records: RecordBatch,
    facts: Facts,
    decision_ids: Sequence[str] | None = None,
    packed: PackedEvidence | None = None,
    decided_at: str = "",
) -> DecisionRows:
    """The rows of N decisions.

    Args:
        linked: The decisions on N clients, with `evidence` if the linker kept it.
        records: The clients.
        facts: What they have in common.
        decision_ids: 32 hexadecimal digits each; None makes random ones.
        packed: The evidence, if it is packed already; None packs that of `linked`.
        decided_at: ISO 8601 in UTC to the millisecond; '' takes the present time.
    """
    clients = len(linked)
    if packed is None:
        seen = linked.evidence
        packed = PackedEvidence.lacking(linked) if seen is None else PackedEvidence.of(seen)
    client_id, client_hash, client = facts.privacy.columns(records)
    action = [_ACTIONS[kind] for kind in linked.kind.tolist()]
    return DecisionRows(
        decision_id=new_ids(clients) if decision_ids is None else decision_ids,
        decided_at=[decided_at or stamp()] * clients,
        source=[facts.source] * clients,
        customer=[facts.customer] * clients,
        list_id=[facts.list_id] * clients,
        client_id=client_id,
        client_hash=client_hash,
        client=client,
        bundle=[facts.bundle] * clients,
        table_state=[facts.table_state] * clients,
        features=[facts.features] * clients,
        shown=packed.shown,
        no_match=packed.no_match,
        ran=linked.ran.tolist(),
        action=action,
        company_id=linked.company_ids,
        raw_confidence=packed.raw_confidence,
        confidence=linked.confidence.tolist(),
        link_threshold=[facts.link_threshold] * clients,
        review_threshold=[facts.review_threshold] * clients,
        greedy_action=action,
        propensity=[1.0] * clients,
        exploration=[""] * clients,
        reason=linked.reasons,
        evidence=packed.evidence,
    )


def ids_of_run(run: str, begin: int, clients: int) -> list[str]:
    """Ids of the decisions of a run on N clients, the same each time.

    Args:
        run: What tells the run from every other.
        begin: Clients of the list before these.
        clients: N.
    """
    start = hashlib.sha256(run.encode())
    found = []
    for place in range(begin, begin + clients):
        each = start.copy()
        each.update(b"\0%d" % place)
        found.append(each.hexdigest()[:32])
    return found


def new_ids(clients: int) -> list[str]:
    """Random ids of N decisions, 32 hexadecimal digits each."""
    digits = os.urandom(16 * clients).hex()
    return [digits[begin : begin + 32] for begin in range(0, len(digits), 32)]


def _shown(
    counts: NDArray[np.int64], shares: NDArray[np.float32], ids: Sequence[Sequence[str]]
) -> list[str]:
    """JSON lists of [company id, share] of the best candidates of N clients.

    Args:
        counts: Candidates of each client, shape (N,).
        shares: Of each candidate, shape (P,).
        ids: Company ids of the first of them.
    """
    texts = [f"{share:.4f}" for share in shares.tolist()]
    begins = (counts.cumsum() - counts).tolist()
    quoted = [[json.dumps(one) for one in mine] for mine in ids]
    return [
        "[" + ",".join(f"[{one},{texts[begin + at]}]" for at, one in enumerate(mine)) + "]"
        for begin, mine in zip(begins, quoted, strict=True)
    ]
