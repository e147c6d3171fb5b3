"""Metrics of decisions: rates, reward and cost, with bootstrap intervals."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.errors import SchemaError
from linkage_rl.records import DecisionKind


@dataclass(frozen=True)
class Metrics:
    """One system on one client list; a rate over nothing, such as 0 links, is nan."""

    clients: int
    linked: int
    linkage_rate: float
    """Linked / clients."""
    precision: float
    """Correct / linked: link precision."""
    recall: float
    """Correct / clients that have a row."""
    f1: float
    """Harmonic mean of precision and recall: 2 correct / (linked + clients that have a row)."""
    false_link_rate: float
    """Linked / clients, among the clients that have no row."""
    reject_precision: float
    """Clients that have no row / clients, among those answered with no match."""
    reject_recall: float
    """Answered with no match / clients, among the clients that have no row."""
    review_rate: float
    """Handed to a person / clients."""
    expected_reward: float
    """Mean reward of a client, blocker costs taken off; unit: one correct link."""
    blockers_per_client: float
    cost_per_client: float
    """Mean cost of the blockers run; unit: one correct link."""
    microseconds_per_client: float | None = None
    """Wall time from client to decision; None where it was not measured."""


RATES: Final = tuple(
    field.name
    for field in fields(Metrics)
    if field.name not in ("clients", "linked", "microseconds_per_client")
)
"""Names of the metrics that are ratios of sums over clients, in the order of `Metrics`."""

_COLUMNS: Final = (
    *("clients", "linked", "correct", "has_row", "false_link", "no_match", "correct_reject"),
    *("review", "reward", "blockers", "cost"),
)


@dataclass(frozen=True, eq=False)
class Judgement:
    """How each of N clients was decided; every metric is a ratio of column sums of this table."""

    columns: NDArray[np.float64]
    """Indicators and amounts of each client, shape (N, len(_COLUMNS))."""

    def __len__(self) -> int:
        return len(self.columns)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> "Judgement":
        """The judgement of these clients: positions or a mask of shape (N,)."""
        return Judgement(self.columns[rows])


def judge(
    kind: NDArray[np.int8],
    is_right: NDArray[np.bool_],
    has_row: NDArray[np.bool_],
    ran: NDArray[np.uint16],
    cost: NDArray[np.float32],
    rewards: NDArray[np.floating],
) -> Judgement:
    """Compare the decisions on N clients with the truth.

    Args:
        kind: `DecisionKind` of each client, shape (N,).
        is_right: Whether its best candidate is a right company, shape (N,).
        has_row: Whether the table holds a right company for the client, shape (N,).
        ran: Blockers run, one bit per blocker, shape (N,).
        cost: Cost of these blockers, unit: one correct link; shape (N,).
        rewards: Reward of each decision, blocker costs taken off, shape (N,); unit: one correct
            link.

    Raises:
        SchemaError: If the lengths differ.
    """
    given = {"is_right": is_right, "has_row": has_row, "ran": ran, "cost": cost, "rewards": rewards}
    for name, values in given.items():
        if len(values) != len(kind):
            raise SchemaError(
                f"{name} needs {len(kind)} values, one per decision, got {len(values)}"
            )
    linked = kind == DecisionKind.LINK
    no_match = kind == DecisionKind.NO_MATCH
    column = {
        "clients": np.ones(len(kind)),
        "linked": linked,
        "correct": linked & is_right,
        "has_row": has_row,
        "false_link": linked & ~has_row,
        "no_match": no_match,
        "correct_reject": no_match & ~has_row,
        "review": kind == DecisionKind.REVIEW,
        "reward": rewards,
        "blockers": np.bitwise_count(ran),
        "cost": cost,
    }
    return Judgement(np.stack([column[name].astype(np.float64) for name in _COLUMNS], axis=1))


def measure(judgement: Judgement, microseconds_per_client: float | None = None) -> Metrics:
    """The metrics of one list; of an empty one every rate is nan."""
    sums = judgement.columns.sum(axis=0)
    count = dict(zip(_COLUMNS, sums, strict=True))
    return Metrics(
        clients=int(count["clients"]),
        linked=int(count["linked"]),
        **{name: float(rate) for name, rate in rates(sums).items()},
        microseconds_per_client=microseconds_per_client,
    )


def bootstrap_intervals(
    judgement: Judgement,
    rng: np.random.Generator,
    resamples: int = 2_000,
    level: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """Percentile bootstrap interval of each of `RATES`, clients drawn with replacement.

    Clients with equal outcomes are interchangeable, so one multinomial draw over the distinct
    outcomes replaces drawing every client (Efron and Tibshirani 1993, chapter 13).

    Returns:
        Metric name to (low, high); (nan, nan) where the metric itself is undefined.
    """
    clients = len(judgement)
    if not clients:
        return dict.fromkeys(RATES, (np.nan, np.nan))
    kinds, counts = np.unique(judgement.columns, axis=0, return_counts=True)
    drawn = rng.multinomial(clients, counts / clients, size=resamples)
    drawn_rates = rates(drawn @ kinds)
    tails = [(1 - level) / 2, (1 + level) / 2]
    return {name: _quantiles(values, tails) for name, values in drawn_rates.items()}


def rates(sums: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """`RATES` from sums of `Judgement.columns`, shape (..., columns), each of shape (...)."""
    total = {name: sums[..., position] for position, name in enumerate(_COLUMNS)}
    clients, without_row = total["clients"], total["clients"] - total["has_row"]
    parts = {
        "linkage_rate": (total["linked"], clients),
        "precision": (total["correct"], total["linked"]),
        "recall": (total["correct"], total["has_row"]),
        "f1": (2 * total["correct"], total["linked"] + total["has_row"]),
        "false_link_rate": (total["false_link"], without_row),
        "reject_precision": (total["correct_reject"], total["no_match"]),
        "reject_recall": (total["correct_reject"], without_row),
        "review_rate": (total["review"], clients),
        "expected_reward": (total["reward"], clients),
        "blockers_per_client": (total["blockers"], clients),
        "cost_per_client": (total["cost"], clients),
    }
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: np.true_divide(*parts[name]) for name in RATES}


def _quantiles(values: NDArray[np.float64], tails: list[float]) -> tuple[float, float]:
    """Low and high quantile of the defined values; precision without links is undefined."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return np.nan, np.nan
    low, high = np.quantile(defined, tails)
    return float(low), float(high)
