"""How often the gate promotes a better policy, and a worse one, on real lists.

The gate asks only about clients on which two policies differ, and bets against "the new one is not
better" after every answer. The truth is known here, so that each audit can be repeated: a *run* is
one random order of the clients on which the two differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.rewards import RewardWeights, outcomes_of_kinds
from linkage_rl.evaluation.answers import Answers
from linkage_rl.feedback.bets import first_rejection, mixture_wealth

CLICKS: Final = (30, 100, 300, 1_000)
"""Answers after which the share of promotions is looked at."""
RUNS: Final = 500
ALPHA: Final = 0.05
"""Chance of promoting a policy that is not better."""


@dataclass(frozen=True)
class GateTrial:
    """The audits of one pair of policies on one set of clients."""

    old: str
    new: str
    gain: float
    """True gain in mean reward per client, blocker costs left out."""
    differ: float
    """Share of the clients on which the two decide differently."""
    promoted: dict[int, float]
    """Share of the runs in which the new one was promoted by this number of answers."""
    median_clicks: float
    """Of the runs that promoted; nan where none did."""


def rewards_of(answers: Answers, weights: RewardWeights) -> NDArray[np.float32]:
    """Value of the outcome of each client, blocker costs left out, shape (N,)."""
    outcomes = outcomes_of_kinds(answers.kind, answers.right, answers.has_row)
    return np.asarray(weights.of_outcome[outcomes], dtype=np.float32)


def differ(old: Answers, new: Answers) -> NDArray[np.bool_]:
    """Whether two policies decide differently: one links, or both link others; shape (N,)."""
    links = (old.kind == 1) & (new.kind == 1)
    return (old.kind != new.kind) | (links & (old.pair != new.pair))


def gate_trial(
    names: tuple[str, str],
    old: Answers,
    new: Answers,
    weights: RewardWeights,
    rng: np.random.Generator,
    runs: int = RUNS,
    clicks: Sequence[int] = CLICKS,
) -> GateTrial:
    """Repeat the audit of two policies.

    Args:
        names: Of the old policy and of the new one.
        old: Its decisions about N clients.
        new: Those of the other about the same clients.
        weights: Value of each outcome.
        rng: Draws whom a run asks about, with replacement.
        runs: How many.
        clicks: Numbers of answers to look at.
    """
    gains = rewards_of(new, weights) - rewards_of(old, weights)
    where = np.flatnonzero(differ(old, new))
    if not len(where):
        return GateTrial(*names, 0.0, 0.0, dict.fromkeys(clicks, 0.0), float("nan"))
    drawn = gains[where][rng.integers(0, len(where), (runs, max(clicks)))]
    values = weights.of_outcome[1:5]
    span = float(values.max() - values.min())
    # from [-span, span] to [0, 1]: no gain is one half
    wealth = mixture_wealth((drawn.astype(np.float64) / span + 1) / 2, 0.5)
    asked = first_rejection(wealth, ALPHA)
    promoted = {count: float((asked <= count).mean()) for count in clicks}
    ended = asked[np.isfinite(asked)]
    return GateTrial(
        *names,
        float(gains.mean()),
        len(where) / len(gains),
        promoted,
        float(np.median(ended)) if len(ended) else float("nan"),
    )
