"""A monitor of a new policy from the log of the old one: the doubly robust estimate of its gain.

The gain is paired: of the new policy over what the old one would have answered without exploring.
Otherwise the price of exploring counts as a gain. The estimate needs a log in which the actions
of the new policy were tried now and then (`DecisionRows.propensity` below 1), and many verdicts:
its standard error after 1,000 of them is larger than most gains. Whether a new bundle replaces the
old one is therefore decided by an audit of the decisions on which they differ, see `gate`.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.decision_log.rows import Answer, DecisionRows, Verdict
from linkage_rl.errors import SchemaError

NO_MATCH: Final = -1
"""In place of a slot: no match."""
HIDDEN: Final = -2
"""In place of a slot: a company that is not among those shown, or review; what it would earn is
not known, and it adds nothing to an estimate of a gain."""
_TWO_SIDED_95: Final = 1.959964


@dataclass(frozen=True, eq=False)
class LoggedActions:
    """What N logged decisions did and earned."""

    shares: NDArray[np.float64]
    """Probability of each shown company as the logging policy saw it, 0 where fewer were shown;
    shape (N, S)."""
    no_match: NDArray[np.float64]
    """Of no match, shape (N,)."""
    action: NDArray[np.int64]
    """Place of the linked company among those shown, `NO_MATCH` or `HIDDEN`; shape (N,)."""
    greedy: NDArray[np.int64]
    """The action without exploring, shape (N,)."""
    chance: NDArray[np.float64]
    """Chance that this action was taken and that a person was asked about it, in (0, 1]; (N,)."""
    reward: NDArray[np.float64]
    """What the action earned by the verdict, NaN where there is none; shape (N,)."""

    def __post_init__(self) -> None:
        sizes = {one.name: len(getattr(self, one.name)) for one in fields(self)}
        if len(set(sizes.values())) > 1:
            raise SchemaError(f"expected logged actions of one length, got {sizes}")
        if not ((self.chance > 0) & (self.chance <= 1)).all():
            raise SchemaError("expected chances above 0 and at most 1, got others")

    def __len__(self) -> int:
        return len(self.action)


@dataclass(frozen=True)
class GainEstimate:
    """Estimated gain of a policy in mean reward per client, with a 95 % interval."""

    gain: float
    standard_error: float
    judged: int
    """Decisions with a verdict."""
    informative: int
    """Of these, those that say something of the difference: the two policies differ on the client,
    and one of them is the logged action."""

    @property
    def low(self) -> float:
        """Lower end of the interval, by the normal approximation."""
        return self.gain - _TWO_SIDED_95 * self.standard_error

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.gain + _TWO_SIDED_95 * self.standard_error


def gain_of(new: NDArray[np.int64], logged: LoggedActions, weights: RewardWeights) -> GainEstimate:
    """Estimate the gain of a new policy over the greedy actions of the logging one.

    Doubly robust (Dudik, Langford and Li 2011, "Doubly robust policy evaluation and learning"): a
    reward model, corrected by what judged actions earned beyond it over the chance of seeing
    them. Unbiased if the chances are right, whatever the model; verdicts on decisions that people
    picked themselves have no such chance and must be left out.

    Args:
        new: Actions of the new policy as in `LoggedActions.action`, shape (N,).
        logged: Decisions, judged or not.
        weights: Value of the outcomes.

    Raises:
        SchemaError: There are fewer than two decisions, or not one new action for each.
    """
    if len(new) != len(logged) or len(logged) < 2:
        raise SchemaError(
            f"expected the new actions of at least two logged decisions, got {len(new)} for "
            f"{len(logged)}"
        )
    known = (new != HIDDEN) & (logged.greedy != HIDDEN)
    old = logged.greedy
    model = modelled(new, logged, weights) - modelled(old, logged, weights)
    judged = ~np.isnan(logged.reward)
    difference = (logged.action == new).astype(float) - (logged.action == old)
    beyond = np.where(judged, logged.reward - modelled(logged.action, logged, weights), 0)
    each = np.where(known, model + difference * beyond / logged.chance, 0)
    informative = judged & known & (difference != 0)
    error = float(each.std(ddof=1)) / math.sqrt(len(each))
    return GainEstimate(float(each.mean()), error, int(judged.sum()), int(informative.sum()))


def modelled(
    action: NDArray[np.int64], logged: LoggedActions, weights: RewardWeights
) -> NDArray[np.float64]:
    """What actions earn if the shares of the logging policy are right, shape (N,); 0 if hidden.

    Args:
        action: As in `LoggedActions.action`, shape (N,).
        logged: The decisions.
        weights: Value of the outcomes.
    """
    place = np.maximum(action, 0)
    share = logged.shares[np.arange(len(action)), place]
    link = share * weights.correct_link + (1 - share) * weights.wrong_link
    none = logged.no_match
    reject = none * weights.correct_reject + (1 - none) * weights.missed_link
    return np.where(action >= 0, link, np.where(action == NO_MATCH, reject, 0.0))


def logged_actions(
    rows: DecisionRows, verdicts: Mapping[str, Verdict], weights: RewardWeights
) -> LoggedActions:
    """Actions and rewards of a log.

    Args:
        rows: N decisions.
        verdicts: The verdict that counts for each judged one, by its id.
        weights: Value of the outcomes.
    """
    shown = [json.loads(text) for text in rows.shown]
    size = max((len(one) for one in shown), default=0) or 1
    shares = np.zeros((len(rows), size))
    for row, one in enumerate(shown):
        shares[row, : len(one)] = [share for _, share in one]
    ids = [[company for company, _ in one] for one in shown]
    known = [verdicts.get(one) for one in rows.decision_id]
    places = [
        place_of(kind, company, own)
        for kind, company, own in zip(rows.action, rows.company_id, ids, strict=True)
    ]
    best = [own[0] if own else "" for own in ids]
    return LoggedActions(
        shares,
        np.array(rows.no_match, dtype=np.float64),
        np.array(places, dtype=np.int64),
        np.array(
            [
                place_of(kind, company, own)
                for kind, company, own in zip(rows.greedy_action, best, ids, strict=True)
            ],
            dtype=np.int64,
        ),
        np.array(
            [
                propensity * (verdict.chance if verdict else 1.0)
                for propensity, verdict in zip(rows.propensity, known, strict=True)
            ]
        ),
        np.array(
            [
                reward_of(kind, company, verdict, weights)
                for kind, company, verdict in zip(rows.action, rows.company_id, known, strict=True)
            ]
        ),
    )


def place_of(kind: str, company_id: str, shown: list[str]) -> int:
    """The action as a place among the shown companies, `NO_MATCH` or `HIDDEN`.

    >>> place_of("link", "b", ["a", "b"]), place_of("no_match", "", ["a"])
    (1, -1)
    """
    if kind == "no_match":
        return NO_MATCH
    return shown.index(company_id) if kind == "link" and company_id in shown else HIDDEN


def reward_of(kind: str, company_id: str, verdict: Verdict | None, weights: RewardWeights) -> float:
    """What a logged action earned by its verdict; NaN where the verdict does not say."""
    if verdict is None or kind == "review":
        return math.nan
    if verdict.answer in (Answer.UNSURE, Answer.WITHDRAWN):
        return math.nan
    if kind == "no_match":
        accepted = verdict.answer in (Answer.ACCEPT, Answer.NONE)
        return weights.correct_reject if accepted else weights.missed_link
    named = verdict.answer is Answer.COMPANY and verdict.company_id == company_id
    right = named or verdict.answer is Answer.ACCEPT
    return weights.correct_link if right else weights.wrong_link
