"""The loop from candidates to decisions, one for evaluation, linking and serving.

All clients that choose the same route buy it together, so that a list costs R rounds, not N.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.episode import ActionLayout, route_cost
from linkage_rl.decision.observation import View
from linkage_rl.protocols import Policy
from linkage_rl.records import DecisionKind, Decisions, Observation

_CHUNK = 2048


@dataclass(frozen=True)
class Thresholds:
    """From which confidence on a client is linked, or handed to a person."""

    link: float
    """Link at this calibrated confidence or above, in [0, 1]."""
    review: float = 1.1
    """Below `link` but at this confidence or above: review; above 1 there is none."""


class Pool(Protocol):
    """Cases whose candidates are shown as routes are bought."""

    def reveal(self, cases: NDArray[np.int64], route: int) -> None:
        """Run a route for these cases."""

    def observe(self, cases: NDArray[np.int64], bought: NDArray[np.uint16]) -> Observation:
        """What a policy sees of these cases."""


@dataclass(frozen=True)
class PreparedPool:
    """Cases whose routes have all been run beforehand."""

    cases: CaseSet
    view: View

    def reveal(self, cases: NDArray[np.int64], route: int) -> None:
        """Nothing to run: the candidates are there and only become visible."""

    def observe(self, cases: NDArray[np.int64], bought: NDArray[np.uint16]) -> Observation:
        """What a policy sees of these cases."""
        return self.view.observe(self.cases, cases, bought)


def raw_confidence(
    preferences: NDArray[np.float32], layout: ActionLayout
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Best slot and its softmax weight among the link slots and no match; shapes (B,)."""
    terminal = preferences[:, : layout.slots + 1].astype(np.float64)
    weights = np.exp(terminal - terminal.max(axis=1, keepdims=True))
    slot = preferences[:, : layout.slots].argmax(axis=1)
    best = weights[np.arange(len(slot)), slot] / weights.sum(axis=1)
    return slot, best.astype(np.float32)


@dataclass(frozen=True)
class Decider:
    """A policy with the calibration and thresholds that turn its stops into decisions."""

    policy: Policy
    view: View
    calibration: Calibration | None = None
    """Maps raw to calibrated confidence; None leaves it raw."""
    thresholds: Thresholds | None = None
    """None keeps the policy's own final action."""

    def decide(self, pool: Pool, clients: int) -> Decisions:
        """Decide for cases 0..clients-1 of the pool."""
        done = Decisions(
            kind=np.zeros(clients, dtype=np.int8),
            pair=np.full(clients, -1, dtype=np.int64),
            confidence=np.zeros(clients, dtype=np.float32),
            bought=np.zeros(clients, dtype=np.uint16),
            cost=np.zeros(clients, dtype=np.float32),
        )
        active = np.arange(clients, dtype=np.int64)
        while len(active):
            waiting = list(self._round(pool, active, done))
            active = np.sort(np.concatenate(waiting)) if waiting else active[:0]
        done.cost[:] = route_cost(done.bought, np.asarray(self.view.prices, dtype=np.float32))
        return done

    def _round(
        self, pool: Pool, active: NDArray[np.int64], done: Decisions
    ) -> Iterator[NDArray[np.int64]]:
        """Let every active client act once; yields those that bought a route."""
        layout = self.view.layout
        buying: list[list[NDArray[np.int64]]] = [[] for _ in range(layout.routes)]
        for begin in range(0, len(active), _CHUNK):
            cases = active[begin : begin + _CHUNK]
            observation = pool.observe(cases, done.bought[cases])
            preferences = self.policy.preferences(observation)
            action = preferences.argmax(axis=1)
            stops = action < layout.first_route
            self._settle(cases[stops], preferences[stops], observation.slot_pairs[stops], done)
            for route in range(layout.routes):
                buying[route].append(cases[action == layout.first_route + route])
        for route, parts in enumerate(buying):
            cases = np.concatenate(parts)
            if len(cases):
                pool.reveal(cases, route)
                done.bought[cases] |= np.uint16(1 << route)
                yield cases

    def _settle(
        self,
        cases: NDArray[np.int64],
        preferences: NDArray[np.float32],
        slot_pairs: NDArray[np.int64],
        done: Decisions,
    ) -> None:
        """Write the decisions of clients whose policy has stopped buying."""
        layout = self.view.layout
        slot, confidence = raw_confidence(preferences, layout)
        pair = slot_pairs[np.arange(len(slot)), slot]
        if self.calibration is not None:
            confidence = self.calibration.apply(confidence)
        confidence = np.where(pair >= 0, confidence, 0.0).astype(np.float32)
        if self.thresholds is None:
            action = preferences.argmax(axis=1)
            kind = np.where(action < layout.slots, DecisionKind.LINK, DecisionKind.NO_MATCH)
            kind = np.where(action == layout.review, DecisionKind.REVIEW, kind)
        else:
            kind = np.where(
                confidence >= self.thresholds.review, DecisionKind.REVIEW, DecisionKind.NO_MATCH
            )
            kind = np.where(confidence >= self.thresholds.link, DecisionKind.LINK, kind)
        unlinkable = (pair < 0) & (kind == DecisionKind.LINK)
        done.kind[cases] = np.where(unlinkable, DecisionKind.NO_MATCH, kind)
        done.pair[cases] = pair
        done.confidence[cases] = confidence
