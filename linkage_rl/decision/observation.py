"""From cases to what a policy observes; the environment and the linker share this code."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision import _observe
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.episode import MAX_BLOCKERS, ActionLayout
from linkage_rl.errors import ConfigError
from linkage_rl.records import Observation

SLOT_FEATURES: Final = ("retrieval_score", "lead", "share_of_best", "tied")
"""Features that depend on which other candidates are visible; they follow the blocker bits."""


MAX_SLOTS: Final = 127
"""Slots that a view can have."""


class CaseArrays(Protocol):
    """The arrays that a view reads; see `CaseSet` for their meaning.

    Prepared cases (`CaseSet`) and candidates gathered live (`pool.Pairs`) both have them.
    """

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
    def candidate_ids(self) -> NDArray[np.int64]:
        """`Observation.slot_candidates` of each pair, shape (P,); empty where pair p has id p."""

    @property
    def evidence(self) -> NDArray[np.int64]:
        """Columns of `features` that depend on what the client says, unlike `COMPANY_ONLY`."""

    @property
    def query(self) -> NDArray[np.float32]:
        """Shape (N, Q)."""

    @property
    def available(self) -> NDArray[np.uint16]:
        """Shape (N,)."""


@dataclass(frozen=True)
class View:
    """How cases are shown: number of slots, costs of the blockers, and whether review is offered.

    A slot is a place for one candidate. After some blockers have run, the visible candidates with
    the highest retrieval scores fill the slots from 0 on; the rest stay empty.

    Raises:
        ConfigError: There is no slot, or a cost is negative, or there are more than 16 blockers.
    """

    max_candidates: int
    """Slots K, at least 1."""
    costs: tuple[float, ...]
    """Cost of running each of the R blockers; unit: one correct link. At most 16 of them."""
    allow_review: bool = False
    """Whether a client can be handed to a person."""

    def __post_init__(self) -> None:
        if not 1 <= self.max_candidates <= MAX_SLOTS:
            raise ConfigError(
                f"expected env.max_candidates in 1..{MAX_SLOTS}, got {self.max_candidates}"
            )
        if len(self.costs) > MAX_BLOCKERS:
            raise ConfigError(
                f"expected at most {MAX_BLOCKERS} blockers, got the costs of {len(self.costs)}"
            )
        if any(not (math.isfinite(cost) and cost >= 0) for cost in self.costs):
            raise ConfigError(
                f"expected the cost of each blocker to be 0 or more, got {list(self.costs)}"
            )

    @cached_property
    def cost_row(self) -> NDArray[np.float32]:
        """The costs as an array, shape (R,)."""
        return np.asarray(self.costs, dtype=np.float32)

    @cached_property
    def layout(self) -> ActionLayout:
        """The actions that go with this view."""
        return ActionLayout(self.max_candidates, len(self.costs))

    def check_blockers(self, blockers: Sequence[str]) -> None:
        """Make sure that there is one cost per blocker.

        Raises:
            ConfigError: There are more costs than blockers, or fewer.
        """
        if len(self.costs) != len(blockers):
            raise ConfigError(
                f"expected {len(blockers)} costs, one per blocker {list(blockers)}, "
                f"got {len(self.costs)}"
            )

    def candidate_features(self, cases: CaseSet) -> tuple[str, ...]:
        """Names of the F features of a slot, in order.

        Raises:
            ConfigError: The costs do not fit the blockers of the cases.
        """
        self.check_blockers(cases.blockers)
        return (
            *cases.feature_names,
            *(f"blocker_{blocker}" for blocker in cases.blockers),
            *SLOT_FEATURES,
        )

    def observe(
        self, cases: CaseArrays, case: NDArray[np.int64], ran: NDArray[np.uint16]
    ) -> Observation:
        """What a policy observes of B cases; fresh arrays at each call.

        Args:
            cases: N cases.
            case: Position of each observed case, shape (B,).
            ran: Blockers that have run for it, one bit per blocker, shape (B,).
        """
        return Observation(
            *_observe.observe(
                case,
                ran,
                cases.starts,
                cases.pair_blockers,
                cases.retrieval_score,
                cases.features,
                cases.feature_rows,
                cases.candidate_ids,
                cases.evidence,
                cases.query,
                cases.available,
                self.cost_row,
                self.max_candidates,
                self.allow_review,
            )
        )
