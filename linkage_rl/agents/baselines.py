"""Policies without training: the best retrieval score, hand-written rules, and the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.agents.plans import layout_of
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.episode import ILLEGAL
from linkage_rl.decision.observation import View
from linkage_rl.errors import ConfigError
from linkage_rl.records import Observation

UNIQUE: Final = float(np.log1p(1) / np.log(1001)) + 1e-4
"""Name frequency of one company, on the scale of the frequency features."""
RULES: Final = (
    (("corporate_equal",),),
    (("phone_equal", "domain_equal"), ("name_equal", "core_equal")),
    (("name_equal",), ("city_equal",)),
    (("name_equal",), ("client_name_frequency",)),
    (("core_equal",), ("city_equal",)),
    (("core_equal",), ("client_core_frequency",)),
    (("stem_equal",), ("company_core_frequency",)),
)
"""The rules of `Rules`: the conditions of each, all of which must hold, and the features of each
condition, one of which must hold. A frequency holds at one company, another feature above 0."""
NO_RULE: Final = float(np.log(0.25))
"""Log-odds of a candidate that no rule links: below no match, at a probability of 0.2."""


@dataclass(frozen=True)
class TopOne:
    """Links the candidate with the highest retrieval score; no match where none is visible.

    It runs no blocker; give its `Decider` a plan.
    """

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        """1 for the first slot where it is filled, since slots come by falling retrieval score."""
        result = np.full(observation.action_mask.shape, ILLEGAL, dtype=np.float32)
        result[:, layout_of(observation).no_match] = 0.0
        result[observation.action_mask[:, 0] > 0, 0] = 1.0
        return result


class Rules:
    """Hand-written rules as they are common in production; the first rule that applies decides.

    1. Equal corporate numbers.
    2. Equal phone or domain, and equal name or core.
    3. Equal name in the same city.
    4. Equal name that only one company of the table has, in any city.
    5. Equal core (name without its legal form) in the same city.
    6. Equal core that only one company of the table has.
    7. The client's stem (core without branch or department) equals a core that only one company of
       the table has.

    If two candidates meet a rule, neither is linked, and weaker rules are not tried. The confidence
    falls from rule to rule. The rules run no blocker; give their `Decider` a plan.
    """

    CONFIDENCE: Final = (0.99, 0.97, 0.95, 0.93, 0.9, 0.85, 0.8)
    """Probability that a link by each rule is right."""

    def __init__(self, cases: CaseSet, view: View) -> None:
        """Find the features that the rules read.

        Raises:
            ConfigError: The cases lack one of them.
        """
        self.columns = rule_columns(cases, view)

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        """Log-odds of the confidence for a candidate that is the only one to meet a rule."""
        layout = layout_of(observation)
        result = np.full(observation.action_mask.shape, ILLEGAL, dtype=np.float32)
        result[:, layout.no_match] = 0.0
        filled = observation.action_mask[:, : layout.slots] > 0
        result[:, : layout.slots][filled] = NO_RULE
        undecided = np.ones(len(observation), dtype=np.bool_)
        for meets, confidence in zip(self._rules(observation), self.CONFIDENCE, strict=True):
            meets = meets & filled
            rows = np.flatnonzero(undecided & (meets.sum(axis=1) == 1))
            result[rows, meets[rows].argmax(axis=1)] = np.log(confidence / (1 - confidence))
            # A weaker rule must not choose between two candidates that a stronger one cannot.
            undecided &= ~meets.any(axis=1)
        return result

    def _rules(self, observation: Observation) -> Sequence[NDArray[np.bool_]]:
        holds = {}
        for name, column in self.columns.items():
            values = observation.candidates[:, :, column]
            holds[name] = values <= UNIQUE if name.endswith("_frequency") else values > 0
        return [
            np.logical_and.reduce(
                [np.logical_or.reduce([holds[name] for name in names]) for names in conditions]
            )
            for conditions in RULES
        ]


def rule_columns(cases: CaseSet, view: View) -> dict[str, int]:
    """Where a slot has each feature that the rules read.

    Raises:
        ConfigError: The cases lack one of them.
    """
    column = {name: at for at, name in enumerate(view.candidate_features(cases))}
    needed = {name for rule in RULES for names in rule for name in names}
    if lacking := sorted(needed - set(column)):
        raise ConfigError(f"the rules need features {lacking}, which the cases lack")
    return {name: column[name] for name in sorted(needed)}


class Oracle:
    """Knows the truth, and runs the cheapest blocker that shows a right candidate.

    An observation does not say which case it shows, so that without visible candidates the cheapest
    legal blocker is run. From the first visible candidate on, the case is known.
    """

    def __init__(self, cases: CaseSet, view: View) -> None:
        """Find the blockers that propose a right candidate for each case."""
        self._cases = cases
        self._case_of_pair = cases.case_of_pair
        self._costs = np.asarray(view.costs, dtype=np.float32)
        right = np.flatnonzero(cases.is_right)
        self._right_blockers = np.zeros(len(cases), dtype=np.uint16)
        np.bitwise_or.at(
            self._right_blockers, self._case_of_pair[right], cases.pair_blockers[right]
        )

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        """1 for the right action, 0 for the other legal ones."""
        layout = layout_of(observation)
        pairs = observation.slot_candidates
        known = pairs[:, 0] >= 0
        case = np.where(known, 0, -1)
        right = np.zeros(pairs.shape, dtype=np.bool_)
        if self._cases.pairs:
            case = np.where(known, self._case_of_pair[np.maximum(pairs[:, 0], 0)], -1)
            right = (pairs >= 0) & self._cases.is_right[np.maximum(pairs, 0)]
        blockers = observation.action_mask[:, layout.first_blocker :] > 0
        showing = (self._right_blockers[case][:, None] >> np.arange(layout.blockers)) & 1 > 0
        useful = np.where(known[:, None], blockers & showing, blockers)
        cheapest = np.where(useful, self._costs, np.inf).argmin(axis=1)
        action = np.where(
            useful.any(axis=1), layout.first_blocker + cheapest, np.int64(layout.no_match)
        )
        action = np.where(right.any(axis=1), right.argmax(axis=1), action)
        result = np.where(observation.action_mask > 0, 0.0, ILLEGAL).astype(np.float32)
        result[np.arange(len(action)), action] = 1.0
        return result
