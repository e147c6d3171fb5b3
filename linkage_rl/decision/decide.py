"""The loop from candidates to decisions: one for evaluation, linking and serving.

In each round the policy acts once for every client that has not stopped. Clients that choose the
same blocker run it together, so that N clients take at most R + 1 rounds, R blockers given.
"""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision import _decide
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.episode import ILLEGAL, ActionLayout, blocker_cost
from linkage_rl.decision.evidence import EvidenceRecorder
from linkage_rl.decision.observation import View
from linkage_rl.protocols import Policy
from linkage_rl.records import SHORTLIST, DecisionKind, Decisions, Observation, Shortlist

_CHUNK: Final = 512
"""Clients that are observed at once: their features fit into the cache of a core."""
_NONE: Final = np.float32(0)
_NO_MATCH, _LINK, _REVIEW = (np.int8(kind) for kind in DecisionKind)


@dataclass(frozen=True)
class Thresholds:
    """Confidence from which on a client is linked, or handed to a person."""

    link: float
    """Link at this calibrated confidence or above, in [0, 1]."""
    review: float = 1.1
    """Review at this confidence or above, below `link`; the default, above 1, never reviews."""

    def kinds(
        self, confidence: NDArray[np.float32], has_candidate: NDArray[np.bool_]
    ) -> NDArray[np.int8]:
        """`DecisionKind` of N clients, from the confidence in their best candidate; shape (N,)."""
        kind = np.where(confidence >= self.review, _REVIEW, _NO_MATCH)
        return np.where((confidence >= self.link) & has_candidate, _LINK, kind)


class Pool(Protocol):
    """N cases whose candidates become visible as blockers are run."""

    @property
    def available(self) -> NDArray[np.uint16]:
        """Blockers that apply to each case, one bit per blocker, shape (N,)."""

    def reveal(self, cases: NDArray[np.int64], blocker: int) -> None:
        """Run a blocker for these cases."""

    def observe(self, cases: NDArray[np.int64], ran: NDArray[np.uint16]) -> Observation:
        """What a policy sees of these cases."""


@dataclass(frozen=True)
class PreparedPool:
    """Prepared cases: every blocker has run for them in advance."""

    cases: CaseSet
    view: View

    @property
    def available(self) -> NDArray[np.uint16]:
        """Blockers that apply to each case, one bit per blocker, shape (N,)."""
        return self.cases.available

    def reveal(self, cases: NDArray[np.int64], blocker: int) -> None:
        """Nothing to do: every blocker has run, its candidates only become visible."""

    def observe(self, cases: NDArray[np.int64], ran: NDArray[np.uint16]) -> Observation:
        """What a policy sees of these cases."""
        return self.view.observe(self.cases, cases, ran)


def raw_confidence(
    logits: NDArray[np.float32], ties: NDArray[np.int8]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int16]]:
    """Best slot, the confidence in it and those tied with it, and the number of these; (B,) each.

    Confidence is softmax weight among the link slots and no match. What a policy prefers among
    candidates that the client cannot tell apart says nothing, so their weights are added.

    Args:
        logits: Of the actions, illegal ones replaced, shape (B, A).
        ties: `Observation.ties`, shape (B, K).
    """
    return _decide.raw_confidence(logits, ties)


def slot_shares(logits: NDArray[np.float32], layout: ActionLayout) -> NDArray[np.float32]:
    """Softmax weight of each link slot among the link slots and no match, shape (B, K)."""
    return _decide.slot_shares(logits, layout.slots)


def _shorten(
    shortlist: Shortlist,
    cases: NDArray[np.int64],
    observation: Observation,
    rows: NDArray[np.int64],
    shares: NDArray[np.float32],
) -> None:
    """Keep the best candidates of B cases, which these rows of the observation show.

    The weights of tied candidates are averaged: what a policy prefers among them says nothing.
    """
    shortlist.no_match[cases] = np.clip(1 - shares.sum(axis=1), 0, 1)
    best = _decide.shorten(
        rows, shares, observation.slot_candidates, observation.ties, shortlist.candidate.shape[1]
    )
    shortlist.candidate[cases], shortlist.share[cases], shortlist.tied[cases] = best


@dataclass(frozen=True)
class Decider:
    """A policy with the calibration and thresholds that turn its final actions into decisions."""

    policy: Policy
    view: View
    calibration: Calibration | None = None
    """Maps raw confidence to a probability; None leaves it raw."""
    thresholds: Thresholds | None = None
    """None keeps the policy's own final actions."""
    plan: tuple[int, ...] | None = None
    """Static plan: blockers run for every client to which they apply, after which the policy may
    run no other. None leaves the choice of blockers to the policy."""

    def decide(self, pool: Pool, clients: int) -> Decisions:
        """Decide for cases 0..clients-1 of the pool."""
        return self.apply_thresholds(self.decide_raw(pool, clients))

    def decide_raw(
        self,
        pool: Pool,
        clients: int,
        shortlist: bool = False,
        kept: int = SHORTLIST,
        recorder: EvidenceRecorder | None = None,
    ) -> Decisions:
        """The policy's own decisions on cases 0..clients-1, with raw confidence.

        Args:
            pool: The cases.
            clients: Number of cases to decide.
            shortlist: Whether to keep the best candidates of each, for the list stage.
            kept: How many of them.
            recorder: Keeps what the policy saw when it stopped; None keeps nothing.
        """
        decisions = Decisions(
            kind=np.zeros(clients, dtype=np.int8),
            candidate=np.full(clients, -1, dtype=np.int64),
            confidence=np.zeros(clients, dtype=np.float32),
            tied=np.ones(clients, dtype=np.int16),
            ran=np.zeros(clients, dtype=np.uint16),
            cost=np.zeros(clients, dtype=np.float32),
            shortlist=Shortlist.empty(clients, kept) if shortlist else None,
        )
        active = np.arange(clients, dtype=np.int64)
        for blocker in self.plan or ():
            cases = active[(pool.available >> blocker) & 1 > 0]
            if len(cases):
                pool.reveal(cases, blocker)
                decisions.ran[cases] |= np.uint16(1 << blocker)
        while len(active):
            active = self._round(pool, active, decisions, recorder)
        decisions.cost[:] = blocker_cost(decisions.ran, self.view.cost_row)
        return decisions

    def apply_thresholds(self, raw: Decisions) -> Decisions:
        """The decisions with calibrated confidence, decided anew where there are thresholds."""
        has_candidate, confidence, kind = raw.candidate >= 0, raw.confidence, raw.kind
        if self.calibration is not None:
            confidence = self.calibration.apply(confidence)
        confidence = np.where(has_candidate, confidence / raw.tied, _NONE)
        if self.thresholds is not None:
            kind = self.thresholds.kinds(confidence, has_candidate)
        return Decisions(
            kind, raw.candidate, confidence, raw.tied, raw.ran, raw.cost, raw.shortlist
        )

    def _round(
        self,
        pool: Pool,
        active: NDArray[np.int64],
        decisions: Decisions,
        recorder: EvidenceRecorder | None,
    ) -> NDArray[np.int64]:
        """One action for each active client; returns those that ran a blocker and go on."""
        parts = [
            self._act(pool, active[begin : begin + _CHUNK], decisions, recorder)
            for begin in range(0, len(active), _CHUNK)
        ]
        blocker = parts[0] if len(parts) == 1 else np.concatenate(parts)
        going, runs = _decide.groups(active, blocker, decisions.ran)
        for chosen, cases in runs:
            pool.reveal(cases, chosen)
        return going

    def _act(
        self,
        pool: Pool,
        cases: NDArray[np.int64],
        decisions: Decisions,
        recorder: EvidenceRecorder | None,
    ) -> NDArray[np.int64]:
        """The blocker that each of B clients runs, -1 for those that stop and are decided."""
        layout = self.view.layout
        observation = pool.observe(cases, decisions.ran[cases])
        # illegal actions are masked here, too: a policy that insists on one would never stop
        blocker, stopped, shares = _decide.act(
            self.policy.logits(observation),
            observation.action_mask,
            observation.slot_candidates,
            observation.ties,
            cases,
            ILLEGAL,
            layout.size if self.plan is None else layout.first_blocker,
            decisions.kind,
            decisions.candidate,
            decisions.confidence,
            decisions.tied,
        )
        if len(stopped):
            self._keep(cases[stopped], observation, stopped, shares, decisions, recorder)
        return blocker

    def _keep(
        self,
        cases: NDArray[np.int64],
        observation: Observation,
        rows: NDArray[np.int64],
        shares: NDArray[np.float32],
        decisions: Decisions,
        recorder: EvidenceRecorder | None,
    ) -> None:
        """Keep what else is wanted of B clients that have stopped."""
        if decisions.shortlist is not None:
            _shorten(decisions.shortlist, cases, observation, rows, shares)
        if recorder is not None:
            recorder.add(cases, observation, rows, shares, decisions.confidence[cases])


def decide_cases(decider: Decider, cases: CaseSet) -> Decisions:
    """Decide every prepared case."""
    return decider.decide(PreparedPool(cases, decider.view), len(cases))


def decide_cases_raw(decider: Decider, cases: CaseSet, shortlist: bool = False) -> Decisions:
    """The policy's own decisions on every prepared case, with raw confidence.

    Calibration and thresholds can then be chosen without running the policy again.

    Args:
        decider: Decides.
        cases: The cases.
        shortlist: Whether to keep the best candidates of each, for the list stage.
    """
    return decider.decide_raw(PreparedPool(cases, decider.view), len(cases), shortlist)
