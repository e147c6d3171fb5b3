"""Linked lists whose decisions a person can review, and a generator of such lists."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.checks import COUNT, NOT_NEGATIVE, SHARE, check_ranges
from linkage_rl.errors import ConfigError, SchemaError

_BANDS: Final = (0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.85, 0.95, 0.985, 1.0)
"""Ends of the bands of confidence that the shares below belong to."""
_SHARES: Final = (0.2, 0.075, 0.055, 0.04, 0.045, 0.04, 0.065, 0.095, 0.385)
"""Share of the clients of a list in each band, between those of the two real lists."""
_CERTAIN: Final = 1e-4
"""A confidence closer than this to 0 or 1 is moved to it before its logit is taken."""


@dataclass(frozen=True)
class ReviewList:
    """N clients of one list with their best candidates, and the truth that a reviewer knows."""

    confidence: NDArray[np.float32]
    """Probability that the best candidate is right as the linker states it, shape (N,)."""
    right: NDArray[np.bool_]
    """Whether the best candidate is right, shape (N,)."""
    findable: NDArray[np.bool_]
    """Whether a right company is among the candidates that a reviewer is shown, shape (N,)."""
    has_row: NDArray[np.bool_]
    """Whether the table has a row for the client, shape (N,)."""

    def __post_init__(self) -> None:
        sizes = {one.name: np.shape(getattr(self, one.name)) for one in fields(self)}
        if len(set(sizes.values())) != 1 or self.confidence.ndim != 1 or not len(self.confidence):
            raise SchemaError(
                f"a list to review needs one value per client in every array, got shapes {sizes}"
            )
        if not ((self.confidence >= 0) & (self.confidence <= 1)).all():
            raise SchemaError("a list to review needs confidences in [0, 1], got others")
        if (self.right & ~self.findable).any() or (self.findable & ~self.has_row).any():
            raise SchemaError(
                "a right best candidate must be findable, and a findable company must have a row; "
                "got clients for which it is otherwise"
            )

    def __len__(self) -> int:
        return len(self.confidence)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "ReviewList":
        """These clients: positions, or a mask of shape (N,)."""
        return ReviewList(*(getattr(self, one.name)[rows] for one in fields(self)))


@dataclass(frozen=True)
class DrawnReviewLists:
    """Draws lists that resemble the real ones: most clients are certain, a few are not.

    How far a confidence can be trusted differs from list to list, as it does where a policy meets
    a new list: the logit of the true probability is slope * logit of the confidence + shift. On
    some lists the customer also links by another convention: a share of the confident links is
    wrong for them, such as all companies that have moved.
    """

    smallest: int = 200
    """Clients of the smallest list; sizes are spread evenly on a logarithmic scale."""
    largest: int = 2_000
    """Clients of the largest list."""
    slope_spread: float = 0.2
    """Standard deviation of the slope around 1."""
    shift_spread: float = 0.7
    """Standard deviation of the shift around 0, in logits."""
    conventions: float = 0.2
    """Share of lists with another convention."""
    findable: float = 0.11
    """Chance that the right company is among the other candidates where the best one is wrong."""
    missing: float = 0.13
    """Chance that the table has a row that no candidate names, where the best one is wrong."""

    def __post_init__(self) -> None:
        check_ranges(
            "lists",
            self,
            {
                "smallest": COUNT,
                "largest": COUNT,
                "slope_spread": NOT_NEGATIVE,
                "shift_spread": NOT_NEGATIVE,
                "conventions": SHARE,
                "findable": SHARE,
                "missing": SHARE,
            },
        )
        if self.largest < self.smallest:
            raise ConfigError(
                f"lists.largest must be at least lists.smallest = {self.smallest}, got "
                f"{self.largest}"
            )
        if self.findable + self.missing > 1:
            raise ConfigError(
                "lists.findable and lists.missing must not exceed 1 together, got "
                f"{self.findable + self.missing}"
            )

    def draw(self, rng: np.random.Generator) -> ReviewList:
        """One list."""
        low, high = np.log(self.smallest), np.log(self.largest)
        size = round(float(np.exp(rng.uniform(low, high))))
        band = rng.choice(len(_SHARES), size=size, p=_SHARES)
        ends = np.array(_BANDS)
        confidence = rng.uniform(ends[band], ends[band + 1])
        certain = np.clip(confidence, _CERTAIN, 1 - _CERTAIN)
        slope = max(0.3, rng.normal(1, self.slope_spread))
        shift = rng.normal(0, self.shift_spread)
        logit = slope * np.log(certain / (1 - certain)) + shift
        right = rng.random(size) < 1 / (1 + np.exp(-logit))
        if rng.random() < self.conventions:
            share = rng.uniform(0.1, 0.5)
            unwanted = (confidence > rng.uniform(0.5, 0.95)) & (rng.random(size) < share)
            right &= ~unwanted
        where = rng.random(size)
        findable = right | (where < self.findable)
        has_row = findable | (where > 1 - self.missing)
        return ReviewList(confidence.astype(np.float32), right, findable, has_row)


Lists = Sequence[ReviewList] | DrawnReviewLists
"""Lists that are given, drawn from at random, or a generator of lists."""


def draw_list(lists: Lists, rng: np.random.Generator, position: int | None = None) -> ReviewList:
    """The list at a position, or one that is drawn.

    Raises:
        ConfigError: There is no such position.
    """
    if isinstance(lists, DrawnReviewLists):
        if position is not None:
            raise ConfigError(
                f"expected no position of a list where lists are drawn, got {position}; give "
                "lists= to choose among them"
            )
        return lists.draw(rng)
    if position is None:
        position = int(rng.integers(len(lists)))
    if not 0 <= position < len(lists):
        raise ConfigError(f"expected a list in 0..{len(lists) - 1}, got {position}")
    return lists[position]
