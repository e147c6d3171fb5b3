"""What a policy decided about prepared cases, as the decision log would keep it.

No database is needed: learning reads rows and verdicts, wherever they come from.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, PreparedPool, Thresholds
from linkage_rl.decision.evidence import Evidence, EvidenceRecorder
from linkage_rl.decision_log.evidence import features_version, pack
from linkage_rl.decision_log.rows import SHOWN, DecisionRows
from linkage_rl.records import DecisionKind, Decisions

TIME = "2026-01-01T00:00:00.000Z"
"""At which every decision was taken."""


@dataclass(frozen=True, eq=False)
class Logged:
    """A policy's decisions about N clients, with what it saw of them."""

    cases: CaseSet
    decisions: Decisions
    evidence: Evidence
    first: NDArray[np.int64]
    """Where the candidates of each client begin in `evidence`, shape (N + 1,)."""
    slots: int
    """Of the view under which it decided."""

    def shown_right(self, clients: NDArray[np.int64]) -> list[list[bool]]:
        """Whether each of the shown candidates of these clients is right, best first."""
        truth = self.cases.truth.take(clients)
        return [
            [company_id in names.split("|") for company_id in self.evidence.shown[client]]
            for client, names in zip(clients.tolist(), truth, strict=True)
        ]


def decide_and_log(decider: Decider, cases: CaseSet) -> Logged:
    """Decide every case, and keep what the policy saw of it."""
    recorder = EvidenceRecorder()
    pool = PreparedPool(cases, decider.view)
    decisions = decider.decide_raw(pool, len(cases), recorder=recorder)
    evidence = recorder.evidence(cases)
    assert evidence is not None
    first = np.concatenate([[0], evidence.counts.cumsum()])
    return Logged(cases, decisions, evidence, first, decider.view.max_candidates)


def rows_of(
    logged: Logged, clients: NDArray[np.int64], thresholds: Thresholds, list_id: str = ""
) -> DecisionRows:
    """The rows of the decision log about these clients, with ids of their positions.

    Args:
        logged: What was decided.
        clients: Positions of N clients.
        thresholds: With which they were decided; the raw confidence is taken as calibrated.
        list_id: Name of their list.
    """
    evidence = logged.evidence
    some = [evidence.between(client, client + 1) for client in clients.tolist()]
    confidence = logged.decisions.confidence[clients]
    has_candidate = logged.decisions.candidate[clients] >= 0
    kinds = thresholds.kinds(confidence, has_candidate)
    actions = [DecisionKind(kind).name.lower() for kind in kinds.tolist()]
    packed = pack(Evidence.concatenate(some)) if some else []
    version = features_version(logged.cases.blockers, logged.slots)
    number = len(clients)

    def every(value: str) -> list[str]:
        return [value] * number

    return DecisionRows(
        decision_id=[decision_id(client) for client in clients.tolist()],
        decided_at=every(TIME),
        source=every("link"),
        customer=every(""),
        list_id=every(list_id),
        client_id=list(logged.cases.clients.take(clients)),
        client_hash=[decision_id(client) for client in clients.tolist()],
        client=every(""),
        bundle=every(""),
        table_state=every(""),
        features=every(version),
        shown=_shown(logged, clients),
        no_match=evidence.no_match[clients].tolist(),
        ran=logged.decisions.ran[clients].tolist(),
        action=actions,
        company_id=[
            evidence.shown[client][0] if action == "link" else ""
            for client, action in zip(clients.tolist(), actions, strict=True)
        ],
        raw_confidence=confidence.tolist(),
        confidence=confidence.tolist(),
        link_threshold=[thresholds.link] * number,
        review_threshold=[thresholds.review] * number,
        greedy_action=actions,
        propensity=[1.0] * number,
        exploration=every(""),
        reason=every(""),
        evidence=packed,
    )


def decision_id(client: int) -> str:
    """The id of the decision about the client at this position of the stream."""
    return f"{client:032x}"


def _shown(logged: Logged, clients: NDArray[np.int64]) -> list[str]:
    starts = logged.first[clients]
    ends = np.minimum(starts + SHOWN, logged.first[clients + 1])
    shares: Sequence[list[float]] = [
        logged.evidence.shares[begin:end].tolist()
        for begin, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    return [
        json.dumps(list(zip(logged.evidence.shown[client], own, strict=True)))
        for client, own in zip(clients.tolist(), shares, strict=True)
    ]
