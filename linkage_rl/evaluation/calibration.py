"""Fits calibration, and chooses the threshold: the confidence from which on clients are linked."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.errors import ConfigError, SchemaError
from linkage_rl.evaluation.curves import risk_coverage
from linkage_rl.evaluation.renamed import METRICS, hint

LINK_NOTHING: Final = 2.0
"""A threshold that no confidence reaches."""


@dataclass(frozen=True)
class ThresholdChoice:
    """A threshold and its metrics on the clients on which it was chosen."""

    threshold: float
    """A client is linked if its confidence is at least this; `LINK_NOTHING` where none is."""
    goal: str
    linkage_rate: float
    precision: float
    """Correct / linked; nan where nothing is linked."""
    recall: float
    f1: float
    false_link_rate: float
    """Linked / clients that have no row; nan where all have one."""
    expected_reward: float
    """Mean reward without blocker costs, which no threshold changes; nan without weights."""


def pool_adjacent_violators(
    values: NDArray[np.float64], weights: NDArray[np.float64]
) -> list[tuple[float, int]]:
    """Weighted least-squares non-decreasing fit (Barlow et al. 1972, section 1.2).

    Args:
        values: What to fit, shape (J,).
        weights: Positive weight of each value, shape (J,).

    Returns:
        The fit as runs of equal level: (level, number of values), levels strictly ascending.

    >>> pool_adjacent_violators(np.array([1.0, 3.0, 2.0, 4.0]), np.ones(4))
    [(1.0, 1), (2.5, 2), (4.0, 1)]
    """
    runs: list[tuple[float, float, int]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        level, mass, length = value, weight, 1
        while runs and runs[-1][0] >= level:
            before, before_mass, before_length = runs.pop()
            level = (before * before_mass + level * mass) / (before_mass + mass)
            mass, length = before_mass + mass, before_length + length
        runs.append((level, mass, length))
    return [(level, length) for level, _, length in runs]


def fit_isotonic(
    score: NDArray[np.floating],
    is_right: NDArray[np.bool_],
    smallest_bin: int = 20,
    tied: NDArray[np.integer] | None = None,
) -> Calibration:
    """Isotonic regression of "one of the tied candidates is right" on their raw confidence.

    The best of k tied candidates is right in one of k cases in which one of them is, so that the
    fit p minimises the squared error of p / k as the probability that the best one is right.

    The knots are the mean scores of the levels, joined by straight lines. The steps of the plain
    fit would give many clients equal confidence; the lines keep them in the order of their scores.

    Args:
        score: Raw confidence in the best candidate, shape (N,); only clients that have one.
        is_right: Whether the best candidate is right, shape (N,).
        smallest_bin: Clients pooled before the fit, so that a few clients at either end that
            happen to be right, or wrong, do not become a probability of 1 or 0.
        tied: Number of candidates that the score is of, shape (N,); None for one each.

    Raises:
        SchemaError: If there is nothing to fit, the lengths differ, or a score is not finite.
    """
    if score.shape != is_right.shape or not len(score) or not np.isfinite(score).all():
        raise SchemaError(
            "calibration needs N >= 1 finite scores and as many truths, got shapes "
            f"{score.shape} and {is_right.shape}; has the validation list a column company_id?"
        )
    scores, same = np.unique(score.astype(np.float64), return_inverse=True)
    count = np.bincount(same)
    bins = max(len(score) // smallest_bin, 1)
    bin_of = (np.cumsum(count) - count) * bins // len(score)
    first_of_bin = np.unique(bin_of, return_index=True)[1]
    share = np.ones(len(score)) if tied is None else 1 / tied
    mass = np.add.reduceat(np.bincount(same, weights=share**2), first_of_bin)
    centre = np.add.reduceat(scores * np.bincount(same, weights=share**2), first_of_bin)
    right = np.add.reduceat(np.bincount(same, weights=is_right * share), first_of_bin)
    runs = pool_adjacent_violators(right / mass, mass)
    first_of_run = np.cumsum([0, *(length for _, length in runs[:-1])])
    run_mass = np.add.reduceat(mass, first_of_run)
    return Calibration(
        scores=np.add.reduceat(centre, first_of_run) / run_mass,
        probabilities=np.clip([level for level, _ in runs], 0.0, 1.0),
    )


def choose_threshold(
    confidence: NDArray[np.floating],
    is_right: NDArray[np.bool_],
    has_row: NDArray[np.bool_],
    goal: str,
    weights: RewardWeights | None = None,
) -> ThresholdChoice:
    """The threshold that serves a goal best, by one sweep over the clients sorted by confidence.

    Of equally good thresholds the highest is taken, which links the fewest clients.

    Args:
        confidence: Confidence in the best candidate of each client, shape (N,); 0 without one,
            and a client at 0 is never linked.
        is_right: Whether that candidate is right, shape (N,).
        has_row: Whether the table holds a right company, shape (N,).
        goal: "f1", "reward" (needs `weights`), or "precision:0.98": as many links as possible at
            that precision or a higher one, none where it cannot be reached.
        weights: Value of each outcome.

    Raises:
        ConfigError: If the goal is unknown or "reward" comes without weights.
        SchemaError: If the shapes differ or the list is empty.
    """
    curve = risk_coverage(confidence, is_right)
    can_link = curve.threshold > 0
    if has_row.shape != is_right.shape or np.any(is_right & ~has_row):
        raise SchemaError(
            f"has_row needs shape {is_right.shape} and True wherever a candidate is right, got "
            f"shape {has_row.shape}; both must come from the same cases"
        )
    linked = np.append(0, curve.linked[can_link])
    correct = np.append(0, curve.correct[can_link])
    order = np.argsort(-confidence, kind="stable")
    false_links = np.append(0, np.cumsum(~has_row[order]))[linked]
    reward = _rewards(linked, correct, false_links, has_row, weights)
    with_row = int(has_row.sum())
    f1 = 2 * correct / np.maximum(linked + with_row, 1)
    best = int(np.argmax(_value(goal, linked, correct, f1, reward)))
    lacking = len(has_row) - with_row
    return ThresholdChoice(
        threshold=_between(curve.threshold[can_link], best),
        goal=goal,
        linkage_rate=float(linked[best] / len(has_row)),
        precision=_ratio(correct[best], linked[best]),
        recall=_ratio(correct[best], with_row),
        f1=float(f1[best]),
        false_link_rate=_ratio(false_links[best], lacking),
        expected_reward=float(reward[best]),
    )


def _rewards(
    linked: NDArray[np.int64],
    correct: NDArray[np.int64],
    false_links: NDArray[np.int64],
    has_row: NDArray[np.bool_],
    weights: RewardWeights | None,
) -> NDArray[np.float64]:
    """Mean reward of a client at each point of the sweep, shape (J + 1,); nan without weights."""
    if weights is None:
        return np.full(len(linked), np.nan)
    with_row = int(has_row.sum())
    missed = with_row - (linked - false_links)
    rejected = len(has_row) - with_row - false_links
    total = (
        weights.correct_link * correct
        + weights.wrong_link * (linked - correct)
        + weights.correct_reject * rejected
        + weights.missed_link * missed
    )
    return np.asarray(total / len(has_row))


def precision_goal(goal: str) -> float | None:
    """The precision that a goal such as "precision:0.98" asks for; None for "f1" and "reward".

    Raises:
        ConfigError: The goal is none of these.
    """
    if goal in ("f1", "reward"):
        return None
    name, _, text = goal.partition(":")
    try:
        precision = float(text)
    except ValueError:
        precision = np.nan
    if name != "precision" or not 0.0 < precision <= 1.0:
        raise ConfigError(
            "expected goal 'f1', 'reward' or 'precision:0.98' (above 0, at most 1) as "
            f"evaluation.goal, got {goal!r}{hint(name, METRICS)}"
        )
    return precision


def _value(
    goal: str,
    linked: NDArray[np.int64],
    correct: NDArray[np.int64],
    f1: NDArray[np.float64],
    reward: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Value of each point of the sweep for the goal, shape (J + 1,)."""
    if goal == "f1":
        return f1
    if goal == "reward":
        if np.isnan(reward).any():
            raise ConfigError("goal 'reward' needs reward weights, got none; pass weights=")
        return reward
    precision = precision_goal(goal) or 0.0
    # the tolerance makes 49 of 50 a precision of 0.98 in floating point
    return np.where(correct >= precision * linked - 1e-9, linked, -1).astype(np.float64)


def _between(confidences: NDArray[np.float64], linked: int) -> float:
    """A threshold half-way between the `linked`-th highest confidence and the next one."""
    if linked == 0:
        return LINK_NOTHING
    last = confidences[linked - 1]
    following = confidences[linked] if linked < len(confidences) else 0.0
    # confidences are float32: half-way between two neighbours may round down to the lower one
    middle = np.float32((last + following) / 2)
    return float(middle if following < middle <= last else last)


def _ratio(part: float, total: float) -> float:
    return float(part / total) if total else float("nan")
