"""How often the gate promotes a better policy, and one that is no better, on real lists.

The gate asks only about clients on which two policies differ, and bets against "the new one is no
better" after every answer. The truth is known here, so that each audit can be repeated: a *run* is
one random order of the clients on which the two differ. The reviewer sees five companies: a right
one beyond those is none.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.suite.click_learning import STRATIFIED, Start, in_strata, learned_by_clicks
from experiments.suite.click_reviewer import Habit
from linkage_rl.decision.rewards import RewardWeights, outcomes_of_kinds
from linkage_rl.evaluation.answers import Answers
from linkage_rl.feedback.bets import first_rejection, mixture_wealth
from linkage_rl.feedback.gate import BALANCED, MOST, STAKES
from linkage_rl.records import DecisionKind

CLICKS: Final = (30, 100, 300, 1_000)
"""Answers after which the share of promotions is looked at."""
LEARNED: Final = (30, 100, 300, 1_000, 3_000)
"""Clicks of the policies that ask to be promoted."""
RUNS: Final = 500
ALPHA: Final = 0.05
"""Chance of promoting a policy that is no better."""


@dataclass(frozen=True)
class GateTrial:
    """The audits of one pair of policies, learned with one seed."""

    start: str
    """The policy that has learned nothing."""
    old: str
    new: str
    seed: int
    gain: float
    """True gain in mean reward per client, blocker costs left out."""
    differ: float
    """Share of the clients on which the two decide differently."""
    promoted: list[float]
    """Share of the runs in which the new one was promoted by each number of `CLICKS`."""
    median_clicks: float
    """Of the runs that promoted; 0 where none did."""


def gate_trials(start: Start, seed: int) -> Iterator[GateTrial]:
    """The start against what was learned from it, each way round, and against one no better.

    Args:
        start: The policy before any click.
        seed: Of the draw of clients, of learning and of the audits.
    """
    rng = np.random.default_rng(seed)
    pool, _ = start.lists.asked_about(seed)
    # nobody is asked again about whom a policy has learned from
    judged = in_strata(pool, start.logged.confidence[pool])[max(LEARNED) :]
    cases = start.lists.stream.take(judged)
    seen = np.array([any(right) for right in start.logged.shown_right(judged)])
    policies = {
        after.clicks: start.answers(after.learned, cases)
        for after in learned_by_clicks(start, (0, *LEARNED), Habit(), STRATIFIED, seed)
    }
    for count in LEARNED:
        old, new = policies[0], policies[count]
        names = (start.name, f"{start.name} + {count:,} clicks")
        pairs = (
            (names, old, new),
            (names[::-1], new, old),
            ((names[0], f"{names[1]}, no better"), old, no_better(old, new, rng)),
        )
        for (one, other), before, after in pairs:
            audit = gate_audits(before, after, seen, rng)
            yield GateTrial(start.name, one, other, seed, *audit)


def gate_audits(
    old: Answers, new: Answers, seen: NDArray[np.bool_], rng: np.random.Generator, runs: int = RUNS
) -> tuple[float, float, list[float], float]:
    """Repeat the audit of two policies.

    Args:
        old: Decisions of the one about N clients.
        new: Those of the other about the same clients.
        seen: Whether a right company is among those that the reviewer sees, shape (N,).
        rng: Draws the order of each run.
        runs: How many.

    Returns:
        `GateTrial.gain`, `differ`, `promoted` and `median_clicks`.
    """
    gain = float((rewards_of(new) - rewards_of(old)).mean())
    where = np.flatnonzero(differ(old, new))
    if not len(where):
        return gain, 0.0, [0.0] * len(CLICKS), 0.0
    gains = as_judged(new, seen)[where] - as_judged(old, seen)[where]
    orders = rng.permuted(np.tile(gains.astype(np.float64), (runs, 1)), axis=1)[:, :MOST]
    span = BALANCED.correct_link - BALANCED.wrong_link
    # from [-span, span] to [0, 1]: no gain is one half
    scaled = (orders / span + 1) / 2
    better, worse = (
        first_rejection(mixture_wealth(side, 0.5, STAKES), ALPHA) for side in (scaled, 1 - scaled)
    )
    asked = np.where(better <= worse, better, np.inf)
    ended = asked[np.isfinite(asked)]
    promoted = [float((asked <= count).mean()) for count in CLICKS]
    return gain, len(where) / len(seen), promoted, float(np.median(ended)) if len(ended) else 0.0


def rewards_of(answers: Answers, weights: RewardWeights = BALANCED) -> NDArray[np.float32]:
    """Value of the outcome of each client, blocker costs left out, shape (N,)."""
    outcomes = outcomes_of_kinds(answers.kind, answers.right, answers.has_row)
    return np.asarray(weights.of_outcome[outcomes], dtype=np.float32)


def as_judged(answers: Answers, seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The rewards as the reviewer's answers tell them: a right company that is not seen is none."""
    return rewards_of(replace(answers, right=answers.right & seen, has_row=answers.has_row & seen))


def differ(old: Answers, new: Answers) -> NDArray[np.bool_]:
    """Whether two policies decide differently: one links, or both link others; shape (N,)."""
    both_link = (old.kind == DecisionKind.LINK) & (new.kind == DecisionKind.LINK)
    return np.asarray((old.kind != new.kind) | (both_link & (old.pair != new.pair)))


def no_better(old: Answers, new: Answers, rng: np.random.Generator) -> Answers:
    """The new policy, with just so many of its gains taken back that it gains nothing."""
    gains = (rewards_of(new) - rewards_of(old)).astype(np.float64)
    winners = rng.permutation(np.flatnonzero(gains > 0))
    left = gains.sum() - np.concatenate([[0.0], gains[winners].cumsum()])
    taken_back = np.zeros(len(gains), dtype=np.bool_)
    taken_back[winners[: int((left > 0).sum())]] = True
    fields = {
        name: np.where(taken_back, getattr(old, name), value) for name, value in vars(new).items()
    }
    return replace(new, **fields)
