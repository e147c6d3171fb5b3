"""The loop from candidates to decisions, one for evaluation, linking and serving.

All clients that choose the same blocker run it together, so that a list costs R rounds, not N.
"""

from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision import _observe
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.episode import ILLEGAL, ActionLayout, blocker_cost
from linkage_rl.decision.observation import View
from linkage_rl.protocols import Policy
from linkage_rl.records import DecisionKind, Decisions, Observation

_CHUNK: Final = 2048
_NO_MATCH, _LINK, _REVIEW = (np.int8(kind) for kind in DecisionKind)


@dataclass(frozen=True)
class Thresholds:
    """From which confidence on a client is linked, or handed to a person."""

    link: float
    """Link at this calibrated confidence or above, in [0, 1]."""
    review: float = 1.1
    """Below `link` but at this confidence or above: review; above 1 there is none."""


class Pool(Protocol):
    """Cases whose candidates are shown as blockers are run."""

    @property
    def available(self) -> NDArray[np.uint16]:
        """Blockers that each case can ask, one bit per blocker, shape (N,)."""

    def reveal(self, cases: NDArray[np.int64], blocker: int) -> None:
        """Run a blocker for these cases."""

    def observe(self, cases: NDArray[np.int64], ran: NDArray[np.uint16]) -> Observation:
        """What a policy sees of these cases."""


@dataclass(frozen=True)
class PreparedPool:
    """Cases whose blockers have all been run beforehand."""

    cases: CaseSet
    view: View

    @property
    def available(self) -> NDArray[np.uint16]:
        """Blockers that each case can ask, shape (N,)."""
        return self.cases.available

    def reveal(self, cases: NDArray[np.int64], blocker: int) -> None:
        """Nothing to run: the candidates are there and only become visible."""

    def observe(self, cases: NDArray[np.int64], ran: NDArray[np.uint16]) -> Observation:
        """What a policy sees of these cases."""
        return self.view.observe(self.cases, cases, ran)


def raw_confidence(
    logits: NDArray[np.float32], layout: ActionLayout
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Best slot and its softmax weight among the link slots and no match; shapes (B,)."""
    slot = logits[:, : layout.slots].argmax(axis=1)
    return slot, slot_shares(logits, layout)[np.arange(len(slot)), slot]


def slot_shares(logits: NDArray[np.float32], layout: ActionLayout) -> NDArray[np.float32]:
    """Softmax weight of each link slot among the link slots and no match, shape (B, K)."""
    terminal = logits[:, : layout.slots + 1].astype(np.float64)
    weights = np.exp(terminal - terminal.max(axis=1, keepdims=True))
    shares: NDArray[np.float32] = (
        weights[:, : layout.slots] / weights.sum(axis=1, keepdims=True)
    ).astype(np.float32)
    return shares


@dataclass(frozen=True)
class Decider:
    """A policy with the calibration and thresholds that turn its stops into decisions."""

    policy: Policy
    view: View
    calibration: Calibration | None = None
    """Maps raw to calibrated confidence; None leaves it raw."""
    thresholds: Thresholds | None = None
    """None keeps the policy's own final action."""
    plan: tuple[int, ...] | None = None
    """Blockers that every client runs first, as far as it can; the policy then runs no more. None
    leaves the choice to the policy."""

    def decide(self, pool: Pool, clients: int) -> Decisions:
        """Decide for cases 0..clients-1 of the pool."""
        return self.settle(self.judge(pool, clients))

    def judge(self, pool: Pool, clients: int) -> Decisions:
        """What the policy itself says of cases 0..clients-1, with its raw confidence."""
        done = Decisions(
            kind=np.zeros(clients, dtype=np.int8),
            pair=np.full(clients, -1, dtype=np.int64),
            confidence=np.zeros(clients, dtype=np.float32),
            ran=np.zeros(clients, dtype=np.uint16),
            cost=np.zeros(clients, dtype=np.float32),
        )
        active = np.arange(clients, dtype=np.int64)
        for blocker in self.plan or ():
            self._run(pool, active[(pool.available >> blocker) & 1 > 0], blocker, done)
        while len(active):
            active = self._round(pool, active, done)
        done.cost[:] = blocker_cost(done.ran, self.view.cost_row)
        return done

    def settle(self, judged: Decisions) -> Decisions:
        """Judged clients with calibrated confidence and the thresholds applied."""
        present = judged.pair >= 0
        confidence = judged.confidence
        if self.calibration is not None:
            confidence = self.calibration.apply(confidence)
        confidence = np.where(present, confidence, 0.0).astype(np.float32)
        if self.thresholds is None:
            return replace(judged, confidence=confidence)
        kind = np.where(confidence >= self.thresholds.review, _REVIEW, _NO_MATCH)
        kind = np.where((confidence >= self.thresholds.link) & present, _LINK, kind)
        return replace(judged, confidence=confidence, kind=kind)

    def _round(self, pool: Pool, active: NDArray[np.int64], done: Decisions) -> NDArray[np.int64]:
        """Let every active client act once; returns those that run a blocker."""
        layout = self.view.layout
        actions = layout.size if self.plan is None else layout.first_blocker
        blocker_of = np.empty(len(active), dtype=np.int64)
        for begin in range(0, len(active), _CHUNK):
            part = active[begin : begin + _CHUNK]
            observation = pool.observe(part, done.ran[part])
            # a policy that preferred an illegal blocker would run it for ever
            logits, action = _observe.choose(
                self.policy.logits(observation), observation.action_mask, ILLEGAL, actions
            )
            blocker_of[begin : begin + _CHUNK] = action - layout.first_blocker
            stops = np.flatnonzero(action < layout.first_blocker)
            if len(stops):
                self._stop(
                    part[stops],
                    logits[stops],
                    action[stops],
                    observation.slot_pairs[stops],
                    done,
                )
        runs = blocker_of >= 0
        for blocker in np.flatnonzero(np.bincount(blocker_of[runs])).tolist():
            self._run(pool, active[blocker_of == blocker], blocker, done)
        return active[runs]

    def _run(self, pool: Pool, cases: NDArray[np.int64], blocker: int, done: Decisions) -> None:
        if len(cases):
            pool.reveal(cases, blocker)
            done.ran[cases] |= np.uint16(1 << blocker)

    def _stop(
        self,
        cases: NDArray[np.int64],
        logits: NDArray[np.float32],
        action: NDArray[np.int64],
        slot_pairs: NDArray[np.int64],
        done: Decisions,
    ) -> None:
        """Write down clients whose policy has stopped."""
        layout = self.view.layout
        slot, confidence = raw_confidence(logits, layout)
        kind = np.where(action < layout.slots, _LINK, _NO_MATCH)
        done.kind[cases] = np.where(action == layout.review, _REVIEW, kind)
        done.pair[cases] = slot_pairs[np.arange(len(slot)), slot]
        done.confidence[cases] = confidence
