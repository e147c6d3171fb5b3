"""From cases to what a policy sees; the environment and the linker both look through here."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision import _observe
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.episode import ActionLayout, legal_actions
from linkage_rl.records import Observation

SLOT_FEATURES: Final = ("retrieval_score", "lead", "share_of_best")
"""Features that depend on which other candidates are visible; they follow the blocker bits."""


class Shown(Protocol):
    """The arrays of cases that a view reads; see `CaseSet` for their meaning."""

    @property
    def starts(self) -> NDArray[np.int64]:
        """Shape (N + 1,)."""

    @property
    def pair_blockers(self) -> NDArray[np.uint16]:
        """Shape (P,)."""

    @property
    def retrieval_score(self) -> NDArray[np.float32]:
        """Shape (P,)."""

    @property
    def features(self) -> NDArray[np.float32]:
        """Shape (P, F)."""

    @property
    def feature_rows(self) -> NDArray[np.int64]:
        """Row of `features` of each pair, shape (P,); empty where pair p has row p."""

    @property
    def pair_names(self) -> NDArray[np.int64]:
        """What each pair is called in a slot, shape (P,); empty where pair p is p."""

    @property
    def query(self) -> NDArray[np.float32]:
        """Shape (N, Q)."""

    @property
    def available(self) -> NDArray[np.uint16]:
        """Shape (N,)."""


@dataclass(frozen=True)
class View:
    """How cases are shown: number of slots, costs, and whether review is offered."""

    max_candidates: int
    """Visible candidates K."""
    costs: tuple[float, ...]
    """Cost of each blocker, unit: one correct link."""
    allow_review: bool = False

    @cached_property
    def cost_row(self) -> NDArray[np.float32]:
        """The costs as an array, shape (R,)."""
        return np.asarray(self.costs, dtype=np.float32)

    @cached_property
    def layout(self) -> ActionLayout:
        """The actions that go with this view."""
        return ActionLayout(self.max_candidates, len(self.costs))

    def candidate_features(self, cases: CaseSet) -> tuple[str, ...]:
        """Names of the F features of a slot, in order."""
        return (
            *cases.feature_names,
            *(f"blocker_{blocker}" for blocker in cases.blockers),
            *SLOT_FEATURES,
        )

    def observe(
        self, cases: Shown, case: NDArray[np.int64], ran: NDArray[np.uint16]
    ) -> Observation:
        """What a policy sees of these cases after these blockers; fresh arrays at each call."""
        candidates, pairs, filled = _observe.fill_slots(
            case,
            ran,
            cases.starts,
            cases.pair_blockers,
            cases.retrieval_score,
            cases.features,
            cases.feature_rows,
            cases.pair_names,
            self.max_candidates,
            len(self.costs),
        )
        state = _observe.fill_state(ran, filled, self.cost_row, self.max_candidates)
        mask = legal_actions(self.layout, filled, ran, cases.available[case], self.allow_review)
        return Observation(candidates, cases.query[case], state, mask, pairs)
