"""Several systems on several lists: thresholds from valid, figures from test, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from linkage_rl.candidates.blockers import Blocker
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.evaluation.curves import coverage_at_precision, reliability, risk_coverage
from linkage_rl.evaluation.evaluate import (
    Evaluation,
    calibrated,
    evaluate,
    judge_cases,
    live_microseconds,
    with_threshold,
)
from linkage_rl.evaluation.metrics import bootstrap_intervals
from linkage_rl.evaluation.report import (
    PRECISIONS,
    Example,
    Report,
    SystemResult,
    side_by_side,
)
from linkage_rl.features.reasons import reasons
from linkage_rl.protocols import Policy
from linkage_rl.records import DecisionKind, Decisions, RecordBatch


@dataclass(frozen=True)
class System:
    """A policy under comparison."""

    name: str
    policy: Policy
    plan: tuple[int, ...] | None = None
    """Blockers run for every client; None leaves the choice to the policy."""
    calibrate: bool = True
    """False keeps the policy's own final actions: rules have no threshold to move."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One system on one list, its threshold chosen on the valid part of that list."""

    decider: Decider
    valid: Evaluation
    test: Evaluation

    def figures(self) -> dict[str, float | int | None]:
        """Test metrics, the threshold, the coverage at each of `PRECISIONS`, F1's interval.

        `f1_low` and `f1_high` bound a 95 % bootstrap interval by client.
        """
        threshold = self.decider.thresholds and self.decider.thresholds.link
        low, high = bootstrap_intervals(self.test.judgement, np.random.default_rng(0))["f1"]
        return (
            vars(self.test.metrics)
            | {"threshold": threshold, "f1_low": low, "f1_high": high}
            | _coverages(self.test)
        )


@dataclass(frozen=True)
class Timing:
    """What is linked live to time a system."""

    index: CompanyIndex
    blockers: tuple[Blocker, ...]
    limit: int
    records: Mapping[str, RecordBatch]
    """Raw clients of each list."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """All trials; the joint decider of a system has one threshold for all lists."""

    trials: Mapping[str, Mapping[str, Trial]]
    """List name to system name to trial."""
    joint: Mapping[str, Trial]
    """System name to its trial on all lists together, with one threshold."""
    cases: Mapping[str, CaseSet] = field(default_factory=dict)
    """Test cases of each list."""

    def tables(self) -> str:
        """The side-by-side table of each test list, and of all together where there are several."""
        lists = dict(self.trials)
        if len(lists) > 1:
            lists["all lists, one threshold"] = self.joint
        return "\n\n".join(
            self._heading(name)
            + side_by_side({system: trial.test.metrics for system, trial in trials.items()})
            for name, trials in lists.items()
        )

    def _heading(self, name: str) -> str:
        """The list, its length, and how many of its right companies were proposed at all."""
        if name not in self.cases:
            return f"{name} (test)\n"
        cases = self.cases[name]
        proposed = len(np.unique(cases.case_of_pair[cases.is_right]))
        share = proposed / max(int(cases.has_row.sum()), 1)
        return (
            f"{name} (test, {len(cases):,} clients; "
            f"blockers propose {share:.1%} of the right companies)\n"
        )

    def metrics(self) -> dict[str, dict[str, dict[str, dict[str, float | int | None]]]]:
        """List, system and split to metrics, for `metrics.json`."""
        lists = {**self.trials, "all": self.joint}
        return {
            name: {
                system: {"valid": vars(trial.valid.metrics), "test": trial.figures()}
                for system, trial in trials.items()
            }
            for name, trials in lists.items()
        }

    def report(self, name: str, command: str, examples: int) -> Report:
        """The page of one list; its error browser shows the last system."""
        trials = self.trials[name]
        rng = np.random.default_rng(0)
        systems = tuple(
            SystemResult(
                system,
                trial.test.metrics,
                bootstrap_intervals(trial.test.judgement, rng),
                risk_coverage(trial.test.decisions.confidence, trial.test.is_right),
                reliability(trial.test.decisions.confidence, trial.test.is_right),
            )
            for system, trial in trials.items()
        )
        last = list(trials.values())[-1].test
        return Report(
            title=f"{name}: {len(systems)} systems side by side",
            systems=systems,
            command=command,
            notes=(
                "Thresholds and calibration were chosen on the validation list, figures are of "
                "the test list; brackets are 95 % bootstrap intervals by client.",
            ),
            examples=tuple(error_examples(last, self.cases[name], examples)),
        )


def compare(
    systems: Sequence[System],
    lists: Sequence[str],
    valid: CaseSet,
    test: CaseSet,
    view: View,
    weights: RewardWeights,
    goal: str,
    timing: Timing,
) -> Comparison:
    """Judge every system on every list.

    Args:
        systems: What to compare.
        lists: Name of each `CaseSet.dataset`.
        valid: Cases that choose calibration and thresholds.
        test: Cases that are reported.
        view: How cases are shown.
        weights: Value of each outcome.
        goal: What thresholds serve; see `choose_threshold`.
        timing: What is linked live.
    """
    trials: dict[str, dict[str, Trial]] = {name: {} for name in lists}
    members = {
        name: (np.flatnonzero(valid.dataset == place), np.flatnonzero(test.dataset == place))
        for place, name in enumerate(lists)
    }
    joint = {}
    for system in tqdm(systems, desc="systems", leave=False):
        decider = Decider(system.policy, view, plan=system.plan)
        both = Judged(valid, judge_cases(decider, valid)), Judged(test, judge_cases(decider, test))
        if system.calibrate:
            decider = calibrated(decider, both[0].decisions, valid)
        goal_of = goal if system.calibrate else None
        for name, (in_valid, in_test) in members.items():
            spent = live_microseconds(
                decider, timing.index, timing.blockers, timing.limit, timing.records[name]
            )
            trials[name][system.name] = trial_of(
                decider, both[0].take(in_valid), both[1].take(in_test), weights, goal_of, spent
            )
        joint[system.name] = trial_of(decider, *both, weights, goal_of, None)
    cases = {name: test.take(in_test) for name, (_, in_test) in members.items()}
    return Comparison(trials, joint, cases)


@dataclass(frozen=True, eq=False)
class Judged:
    """Cases with what a policy said of them."""

    cases: CaseSet
    decisions: Decisions

    def take(self, rows: NDArray[np.int64]) -> "Judged":
        """Some of the cases, their pairs renumbered."""
        cases, said = self.cases.take(rows), self.decisions
        moved = said.pair[rows] - self.cases.starts[rows] + cases.starts[:-1]
        pair = np.where(said.pair[rows] >= 0, moved, -1)
        return Judged(
            cases,
            Decisions(
                said.kind[rows], pair, said.confidence[rows], said.ran[rows], said.cost[rows]
            ),
        )


def trial_of(
    decider: Decider,
    valid: Judged,
    test: Judged,
    weights: RewardWeights,
    goal: str | None,
    microseconds: float | None = None,
) -> Trial:
    """Judged cases with the threshold that serves the goal on valid; None keeps what was said."""
    if goal is not None:
        decider = with_threshold(decider, valid.decisions, valid.cases, goal, weights)
    return Trial(
        decider,
        evaluate(decider, valid.decisions, valid.cases, weights),
        evaluate(decider, test.decisions, test.cases, weights, microseconds),
    )


def _coverages(evaluation: Evaluation) -> dict[str, float]:
    """Largest share of clients that can be linked at each of `PRECISIONS`."""
    curve = risk_coverage(evaluation.decisions.confidence, evaluation.is_right)
    return {f"coverage_at_{goal:.0%}": coverage_at_precision(curve, goal) for goal in PRECISIONS}


def error_examples(evaluation: Evaluation, cases: CaseSet, at_most: int) -> list[Example]:
    """Clients that were decided wrongly, the most confident first."""
    decisions = evaluation.decisions
    linked = decisions.kind == DecisionKind.LINK
    wrong = np.where(linked, ~evaluation.is_right, cases.has_row)
    rows = np.flatnonzero(wrong)
    rows = rows[np.argsort(-decisions.confidence[rows], kind="stable")][:at_most]
    pairs = decisions.pair[rows]
    companies, why = _described(cases, pairs)
    return [
        Example(
            client_id=client_id,
            client=client,
            decision=DecisionKind(int(decisions.kind[row])).name.lower(),
            company=company,
            truth=_truth(cases, int(row)),
            confidence=float(decisions.confidence[row]),
            outcome=_outcome(bool(linked[row]), bool(cases.has_row[row])),
            reason=reason,
        )
        for row, client_id, client, company, reason in zip(
            rows,
            cases.clients.take(rows),
            cases.client_texts.take(rows),
            companies,
            why,
            strict=True,
        )
    ]


def _described(cases: CaseSet, pairs: NDArray[np.int64]) -> tuple[list[str], list[str]]:
    """The company of each pair and the remarks on it, '' where the pair is -1."""
    present = np.flatnonzero(pairs >= 0)
    companies = np.full(len(pairs), "", dtype=object)
    why = np.full(len(pairs), "", dtype=object)
    companies[present] = cases.company_texts.take(cases.pair_company[pairs[present]])
    why[present] = reasons(cases.features[pairs[present]])
    return companies.tolist(), why.tolist()


def _truth(cases: CaseSet, row: int) -> str:
    """The right company in words, as far as a blocker proposed it."""
    if not cases.has_row[row]:
        return ""
    pairs = np.arange(cases.starts[row], cases.starts[row + 1])
    right = pairs[cases.is_right[pairs]]
    texts = cases.company_texts.take(cases.pair_company[right])
    return "; ".join(texts) or "in the table, but no blocker proposed it"


def _outcome(linked: bool, has_row: bool) -> str:
    if not linked:
        return "missed link"
    return "wrong link" if has_row else "link without a row"
