"""Several systems on several client lists, side by side.

Calibration and thresholds are chosen on the validation clients, figures are of the test clients.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, Thresholds, decide_cases_raw
from linkage_rl.decision.list_stage import ListScorer
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.evaluation.answers import (
    Answers,
    ThresholdedAnswers,
    apply_threshold,
    best_threshold,
    fit_calibration,
)
from linkage_rl.evaluation.error_examples import error_examples
from linkage_rl.evaluation.list_mode import list_answers
from linkage_rl.evaluation.report import Report, SystemResult, side_by_side
from linkage_rl.evaluation.timing import Timing, live_microseconds
from linkage_rl.protocols import Policy

ALL: Final = "all lists, one threshold"
"""Heading of the table of all lists together."""


@dataclass(frozen=True)
class System:
    """A policy under comparison."""

    name: str
    policy: Policy
    plan: tuple[int, ...] | None = None
    """Blockers run for every client; None leaves the choice to the policy."""
    calibrate: bool = True
    """False keeps the policy's own final actions, as for rules, which have no threshold."""
    list_scorer: ListScorer | None = None
    """The list stage: each list is decided as a whole; None decides every client by itself."""

    def answers(self, decider: Decider, cases: CaseSet) -> Answers:
        """The raw answers about these cases."""
        in_list = self.list_scorer is not None
        decisions = decide_cases_raw(decider, cases, shortlist=in_list)
        if self.list_scorer is None:
            return Answers.of(decisions, cases)
        return list_answers(self.list_scorer, decisions, cases)


@dataclass(frozen=True, eq=False)
class Trial:
    """One system on one client list."""

    decider: Decider
    """With the calibration and the threshold chosen on the validation clients."""
    valid: ThresholdedAnswers
    test: ThresholdedAnswers


@dataclass(frozen=True, eq=False)
class Comparison:
    """The trials of all systems on all client lists."""

    trials: Mapping[str, Mapping[str, Trial]]
    """List name to system name to trial; lists in the order of `CaseSet.dataset`."""
    joint: Mapping[str, Trial]
    """System name to its trial on all lists together, with one threshold for all of them."""
    cases: CaseSet
    """The test cases of all lists."""
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """List name to sentences that table and page show below its heading; `ALL` for all lists."""

    def tables(self) -> str:
        """The table of each test list, and of all lists together where there are several."""
        lists = dict(self.trials)
        if len(lists) > 1:
            lists[ALL] = self.joint
        return "\n\n".join(
            self._heading(name)
            + "".join(f"{note}\n" for note in self.notes.get(name, ()))
            + side_by_side({system: trial.test.metrics for system, trial in trials.items()})
            for name, trials in lists.items()
        )

    def _heading(self, name: str) -> str:
        """The list, its size, and the recall of its blockers."""
        if name not in self.trials:
            return f"{name} (test)\n"
        rows = self._rows_of(name)
        cases = self.cases
        proposed = np.isin(rows, cases.case_of_pair[cases.is_right]).sum()
        share = proposed / max(int(cases.has_row[rows].sum()), 1)
        return (
            f"{name} (test, {len(rows):,} clients; "
            f"blockers propose {share:.1%} of the right companies)\n"
        )

    def _rows_of(self, name: str) -> NDArray[np.int64]:
        """The test cases of one list."""
        return np.flatnonzero(self.cases.dataset == list(self.trials).index(name))

    def metrics(self) -> dict[str, dict[str, dict[str, dict[str, float | int | None]]]]:
        """List, system and split to metrics, for `metrics.json`."""
        lists = {**self.trials, "all": self.joint}
        return {
            name: {
                system: {
                    "valid": dict(vars(trial.valid.metrics)),
                    "test": trial.test.figures_with_interval(),
                }
                for system, trial in trials.items()
            }
            for name, trials in lists.items()
        }

    def report(self, name: str, command: str, examples: int) -> Report:
        """The page of one list; its error browser shows the last system."""
        trials = self.trials[name]
        rng = np.random.default_rng(0)
        systems = tuple(
            SystemResult.of(system, trial.test, rng) for system, trial in trials.items()
        )
        last = list(trials.values())[-1]
        examples_of_last = error_examples(
            last.test.answers, self.cases, self._rows_of(name), examples, last.decider
        )
        return Report(
            title=f"{name}: {len(systems)} systems side by side",
            systems=systems,
            command=command,
            notes=(
                "Calibration and thresholds were chosen on the validation clients, "
                "the figures are of the test clients.",
                *self.notes.get(name, ()),
            ),
            examples=tuple(examples_of_last),
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
    progress: bool = True,
) -> Comparison:
    """Measure every system on every client list.

    Args:
        systems: What to compare.
        lists: Name of each `CaseSet.dataset`.
        valid: Cases on which calibration and thresholds are chosen.
        test: Cases that the figures are of.
        view: How a policy observes the cases.
        weights: Value of each outcome.
        goal: What thresholds are chosen for; see `choose_threshold`.
        timing: What is linked live.
        progress: Whether to draw a bar.
    """
    trials: dict[str, dict[str, Trial]] = {name: {} for name in lists}
    joint = {}
    for system in tqdm(systems, desc="systems", leave=False, disable=not progress):
        decider = Decider(system.policy, view, plan=system.plan)
        chooses, reports = (system.answers(decider, cases) for cases in (valid, test))
        calibration = fit_calibration(chooses) if system.calibrate else None
        if calibration is not None:
            decider = replace(decider, calibration=calibration)
            chooses, reports = chooses.calibrated(calibration), reports.calibrated(calibration)
        system_goal = goal if system.calibrate else None
        for place, name in enumerate(lists):
            trials[name][system.name] = _trial(
                decider,
                chooses.take(chooses.dataset == place),
                reports.take(reports.dataset == place),
                weights,
                system_goal,
                live_microseconds(
                    decider, timing.index, timing.blockers, timing.limit, timing.records[name]
                ),
            )
        joint[system.name] = _trial(decider, chooses, reports, weights, system_goal)
    return Comparison(trials, joint, test)


def _trial(
    decider: Decider,
    valid: Answers,
    test: Answers,
    weights: RewardWeights,
    goal: str | None,
    microseconds: float | None = None,
) -> Trial:
    """Choose the threshold on valid and apply it to both."""
    threshold = best_threshold(valid, goal, weights)
    if threshold is not None:
        decider = replace(decider, thresholds=Thresholds(threshold))
    return Trial(
        decider,
        apply_threshold(valid, threshold, weights),
        apply_threshold(test, threshold, weights, microseconds),
    )
