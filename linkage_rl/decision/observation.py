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

SLOT_FEATURES: Final = ("affinity", "lead", "share_of_best")
"""Features that depend on which other candidates are visible; they follow the route bits."""


class Shown(Protocol):
    """The arrays of cases that a view reads; see `CaseSet` for their meaning."""

    @property
    def starts(self) -> NDArray[np.int64]:
        """Shape (N + 1,)."""

    @property
    def pair_routes(self) -> NDArray[np.uint16]:
        """Shape (P,)."""

    @property
    def affinity(self) -> NDArray[np.float32]:
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
    """How cases are shown: number of slots, prices, and whether review is offered."""

    max_candidates: int
    """Visible candidates K."""
    prices: tuple[float, ...]
    """Price of each route, unit: one correct link."""
    allow_review: bool = False

    @cached_property
    def price_row(self) -> NDArray[np.float32]:
        """The prices as an array, shape (R,)."""
        return np.asarray(self.prices, dtype=np.float32)

    @cached_property
    def layout(self) -> ActionLayout:
        """The actions that go with this view."""
        return ActionLayout(self.max_candidates, len(self.prices))

    def candidate_features(self, cases: CaseSet) -> tuple[str, ...]:
        """Names of the F features of a slot, in order."""
        return (
            *cases.feature_names,
            *(f"route_{route}" for route in cases.routes),
            *SLOT_FEATURES,
        )

    def observe(
        self, cases: Shown, case: NDArray[np.int64], bought: NDArray[np.uint16]
    ) -> Observation:
        """What a policy sees of these cases after these routes; fresh arrays at each call."""
        candidates, pairs, filled = _observe.fill_slots(
            case,
            bought,
            cases.starts,
            cases.pair_routes,
            cases.affinity,
            cases.features,
            cases.feature_rows,
            cases.pair_names,
            self.max_candidates,
            len(self.prices),
        )
        state = _observe.fill_state(bought, filled, self.price_row, self.max_candidates)
        mask = legal_actions(self.layout, filled, bought, cases.available[case], self.allow_review)
        return Observation(candidates, cases.query[case], state, mask, pairs)
