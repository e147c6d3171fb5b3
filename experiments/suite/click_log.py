"""What a policy decided about prepared cases, and what it saw of them, as the log would keep it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, PreparedPool
from linkage_rl.decision.evidence import Evidence, EvidenceRecorder
from linkage_rl.decision_log.evidence import LoggedCases, Shape, pack, unpack
from linkage_rl.records import Decisions


@dataclass(frozen=True, eq=False)
class Logged:
    """A policy's decisions about N clients, with what it saw of them."""

    cases: CaseSet
    """With the truth, for the reviewer alone."""
    decisions: Decisions
    evidence: Evidence

    def shown_right(self, clients: NDArray[np.int64]) -> list[list[bool]]:
        """Whether each of the shown candidates of these clients is right, best first."""
        starts = self.cases.starts
        said = []
        for client in clients.tolist():
            pairs = np.arange(starts[client], starts[client + 1])
            right = set(self.cases.company_ids(pairs[self.cases.is_right[pairs]]))
            said.append([company_id in right for company_id in self.evidence.shown[client]])
        return said

    def logged_cases(self, clients: NDArray[np.int64]) -> LoggedCases:
        """What learning reads of these clients from the log, rounded as it is there."""
        some = [self.evidence.between(client, client + 1) for client in clients.tolist()]
        evidence = Evidence.concatenate(some)
        sizes = (evidence.candidates, evidence.query, evidence.state)
        return unpack(pack(evidence), Shape(*(part.shape[1] for part in sizes)))

    @property
    def confidence(self) -> NDArray[np.float32]:
        """Uncalibrated probability that the best candidate is right, 0 without one, shape (N,)."""
        has_candidate = self.decisions.candidate >= 0
        confidence = self.decisions.confidence / self.decisions.tied
        return np.where(has_candidate, confidence, 0).astype(np.float32)


def decide_and_log(decider: Decider, cases: CaseSet) -> Logged:
    """Decide every case, and keep what the policy saw of it."""
    recorder = EvidenceRecorder(cases)
    pool = PreparedPool(cases, decider.view)
    decisions = decider.decide_raw(pool, len(cases), recorder=recorder)
    evidence = recorder.evidence()
    assert evidence is not None
    return Logged(cases, decisions, evidence)
