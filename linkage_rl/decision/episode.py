"""The decision process itself, pure and batched: actions, legality, transitions.

An episode belongs to one client. It starts without candidates; each action links a visible
candidate, declares no match, asks for review, or runs a blocker, which shows more candidates.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision import _observe
from linkage_rl.errors import IllegalActionError

ILLEGAL: Final = np.float32(-1e8)
"""Logit of an action that the mask forbids; finite, because 0 * -inf is nan."""

MAX_BLOCKERS: Final = 16
"""Blockers that a set of blockers can hold, which is one bit per blocker in a uint16."""


@dataclass(frozen=True)
class ActionLayout:
    """Meaning of the A = K + 2 + R actions: link slot k, no match, review, run blocker r."""

    slots: int
    """Slots for visible candidates, K."""
    blockers: int
    """Blockers R."""

    @property
    def no_match(self) -> int:
        """Index of the action that declares no match."""
        return self.slots

    @property
    def review(self) -> int:
        """Index of the action that hands the client to a person."""
        return self.slots + 1

    @property
    def first_blocker(self) -> int:
        """Index of the action that runs blocker 0."""
        return self.slots + 2

    @property
    def size(self) -> int:
        """Number of actions A."""
        return self.slots + 2 + self.blockers


@dataclass(frozen=True)
class Episodes:
    """B episodes side by side."""

    case: NDArray[np.int64]
    """Case of each episode, shape (B,)."""
    ran: NDArray[np.uint16]
    """Blockers run, one bit per blocker, shape (B,)."""
    action: NDArray[np.int64]
    """The action that ended the episode, -1 while it goes on; shape (B,)."""

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which episodes have ended, shape (B,)."""
        return self.action >= 0


def begin(cases: NDArray[np.int64], ran: NDArray[np.uint16] | None = None) -> Episodes:
    """New episodes of these cases; `ran` gives blockers that have run already."""
    if ran is None:
        ran = np.zeros(len(cases), dtype=np.uint16)
    return Episodes(cases, ran, np.full(len(cases), -1, dtype=np.int64))


def legal_actions(
    layout: ActionLayout,
    filled: NDArray[np.integer],
    ran: NDArray[np.uint16],
    available: NDArray[np.uint16],
    allow_review: bool,
) -> NDArray[np.int8]:
    """1 where an action is legal, shape (B, A); no match always is.

    Args:
        layout: Meaning of the A actions.
        filled: Slots that hold a candidate, shape (B,).
        ran: Blockers already run, one bit per blocker, shape (B,).
        available: Blockers that apply to the client, since it has the field; shape (B,).
        allow_review: Whether a client can be handed to a person.
    """
    return _observe.legal_actions(
        np.ascontiguousarray(filled, dtype=np.int64),
        ran,
        available,
        layout.slots,
        layout.blockers,
        allow_review,
    )


def advance(
    layout: ActionLayout,
    episodes: Episodes,
    actions: NDArray[np.int64],
    mask: NDArray[np.int8],
) -> Episodes:
    """Apply one action per episode; an illegal one changes nothing, an ended episode stays ended.

    Args:
        layout: Meaning of the A actions.
        episodes: B episodes.
        actions: One action per episode, shape (B,).
        mask: 1 where an action is legal, shape (B, A).

    Raises:
        IllegalActionError: An action lies outside 0..A-1.
    """
    if len(actions) and not (actions.min() >= 0 and actions.max() < layout.size):
        raise IllegalActionError(
            f"expected actions in 0..{layout.size - 1}, got {actions.min()}..{actions.max()}"
        )
    legal = mask[np.arange(len(actions)), actions].astype(bool) & ~episodes.done
    runs = legal & (actions >= layout.first_blocker)
    blocker = np.where(runs, actions - layout.first_blocker, 0)
    bits = np.left_shift(runs.astype(np.uint16), blocker.astype(np.uint16))
    return replace(
        episodes,
        ran=episodes.ran | bits,
        action=np.where(legal & ~runs, actions, episodes.action),
    )


def blocker_cost(ran: NDArray[np.uint16], costs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Summed cost of the blockers that have run, shape (B,); unit: one correct link.

    Args:
        ran: Blockers run, one bit per blocker, shape (B,).
        costs: Cost of each blocker, shape (R,).
    """
    return _observe.blocker_cost(ran, costs)
