"""The loop from candidates to decisions: one for evaluation, linking and serving.

In each round the policy acts once for every client that has not stopped. Clients that choose the
same blocker run it together, so that N clients take at most R + 1 rounds, R blockers given.
"""

from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision import _observe
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.episode import ILLEGAL, ActionLayout, blocker_cost
from linkage_rl.decision.evidence import EvidenceRecorder
from linkage_rl.decision.observation import View
from linkage_rl.protocols import Policy
from linkage_rl.records import SHORTLIST, DecisionKind, Decisions, Observation, Shortlist

_CHUNK: Final = 2048
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
    logits: NDArray[np.float32],
    ties: NDArray[np.int8],
    layout: ActionLayout,
    shares: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int16]]:
    """Best slot, the confidence in it and those tied with it, and the number of these; (B,) each.

    Confidence is softmax weight among the link slots and no match. What a policy prefers among
    candidates that the client cannot tell apart says nothing, so their weights are added.

    Args:
        logits: Of the actions, illegal ones replaced, shape (B, A).
        ties: `Observation.ties`, shape (B, K).
        layout: The actions.
        shares: `slot_shares` of the logits, where they are known already.
    """
    if shares is None:
        shares = slot_shares(logits, layout)
    slot = logits[:, : layout.slots].argmax(axis=1)
    tied = (ties == ties[np.arange(len(slot)), slot][:, None]) & (ties >= 0)
    confidence = np.where(tied, shares, 0).sum(axis=1, dtype=np.float32)
    return slot, np.minimum(confidence, 1), np.maximum(tied.sum(axis=1), 1).astype(np.int16)


def slot_shares(logits: NDArray[np.float32], layout: ActionLayout) -> NDArray[np.float32]:
    """Softmax weight of each link slot among the link slots and no match, shape (B, K)."""
    terminal = logits[:, : layout.slots + 1].astype(np.float64)
    weights = np.exp(terminal - terminal.max(axis=1, keepdims=True))
    shares: NDArray[np.float32] = (
        weights[:, : layout.slots] / weights.sum(axis=1, keepdims=True)
    ).astype(np.float32)
    return shares


def _shorten(
    shortlist: Shortlist,
    cases: NDArray[np.int64],
    shares: NDArray[np.float32],
    slot_candidates: NDArray[np.int64],
    ties: NDArray[np.int8],
) -> None:
    """Keep the best candidates of B cases; shares and the other arrays have shape (B, K).

    The weights of tied candidates are averaged: what a policy prefers among them says nothing.
    """
    shortlist.no_match[cases] = np.clip(1 - shares.sum(axis=1), 0, 1)
    best = _observe.shorten(shares, slot_candidates, ties, shortlist.candidate.shape[1])
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
            self._run(pool, active[(pool.available >> blocker) & 1 > 0], blocker, decisions)
        while len(active):
            active = self._round(pool, active, decisions, recorder)
        decisions.cost[:] = blocker_cost(decisions.ran, self.view.cost_row)
        return decisions

    def apply_thresholds(self, raw: Decisions) -> Decisions:
        """The decisions with calibrated confidence, decided anew where there are thresholds."""
        has_candidate = raw.candidate >= 0
        confidence = raw.confidence
        if self.calibration is not None:
            confidence = self.calibration.apply(confidence)
        confidence = np.where(has_candidate, confidence / raw.tied, 0.0).astype(np.float32)
        if self.thresholds is None:
            return replace(raw, confidence=confidence)
        kind = self.thresholds.kinds(confidence, has_candidate)
        return replace(raw, confidence=confidence, kind=kind)

    def _round(
        self,
        pool: Pool,
        active: NDArray[np.int64],
        decisions: Decisions,
        recorder: EvidenceRecorder | None,
    ) -> NDArray[np.int64]:
        """One action for each active client; returns those that ran a blocker and go on."""
        layout = self.view.layout
        actions = layout.size if self.plan is None else layout.first_blocker
        blocker_of = np.empty(len(active), dtype=np.int64)
        for begin in range(0, len(active), _CHUNK):
            part = active[begin : begin + _CHUNK]
            observation = pool.observe(part, decisions.ran[part])
            # illegal actions are masked here, too: a policy that insists on one would never stop
            logits, action = _observe.choose(
                self.policy.logits(observation), observation.action_mask, ILLEGAL, actions
            )
            blocker_of[begin : begin + _CHUNK] = action - layout.first_blocker
            stopped = np.flatnonzero(action < layout.first_blocker)
            if len(stopped):
                cases = part[stopped]
                shares = self._stop(
                    cases,
                    logits[stopped],
                    action[stopped],
                    observation.slot_candidates[stopped],
                    observation.ties[stopped],
                    decisions,
                )
                if recorder is not None:
                    confidence = decisions.confidence[cases]
                    recorder.add(cases, observation, stopped, shares, confidence)
        runs = blocker_of >= 0
        for blocker in np.flatnonzero(np.bincount(blocker_of[runs])).tolist():
            self._run(pool, active[blocker_of == blocker], blocker, decisions)
        return active[runs]

    def _run(
        self, pool: Pool, cases: NDArray[np.int64], blocker: int, decisions: Decisions
    ) -> None:
        if len(cases):
            pool.reveal(cases, blocker)
            decisions.ran[cases] |= np.uint16(1 << blocker)

    def _stop(
        self,
        cases: NDArray[np.int64],
        logits: NDArray[np.float32],
        action: NDArray[np.int64],
        slot_candidates: NDArray[np.int64],
        ties: NDArray[np.int8],
        decisions: Decisions,
    ) -> NDArray[np.float32]:
        """Record the decisions on B clients for which the policy has stopped.

        Returns:
            Softmax weight of each link slot among these and no match, shape (B, K).
        """
        layout = self.view.layout
        shares = slot_shares(logits, layout)
        slot, confidence, tied = raw_confidence(logits, ties, layout, shares)
        kind = np.where(action < layout.slots, _LINK, _NO_MATCH)
        decisions.kind[cases] = np.where(action == layout.review, _REVIEW, kind)
        decisions.candidate[cases] = slot_candidates[np.arange(len(slot)), slot]
        decisions.confidence[cases] = confidence
        decisions.tied[cases] = tied
        if decisions.shortlist is not None:
            _shorten(decisions.shortlist, cases, shares, slot_candidates, ties)
        return shares


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
