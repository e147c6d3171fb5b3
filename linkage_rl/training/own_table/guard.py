"""The guard: which system a run ships whose clients were drawn from the table.

An agent that learned from drawn clients can lose to rules that need no training. All systems are
judged on the drawn validation clients, and the agent is shipped unless it loses there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from linkage_rl.evaluation.calibration import precision_goal
from linkage_rl.evaluation.comparison import Comparison
from linkage_rl.evaluation.metrics import Judgement, Metrics, measure
from linkage_rl.evaluation.paired import compare_runs
from linkage_rl.training.list_stage import as_list

AGENT: Final = "agent"
RULES: Final = "rules"
PLAN: Final = "static plan"
_REPORTED: Final = ("f1", "precision", "recall", "linkage_rate", "expected_reward")


@dataclass(frozen=True)
class Verdict:
    """The system that is shipped, and why."""

    system: str
    """Name of the system in the comparison: agent, with its list stage or without, rules, or
    static plan."""
    figures: Mapping[str, Mapping[str, float]]
    """System to its metrics on the drawn validation clients."""
    sentence: str
    """What is shipped and why, in words."""

    @property
    def policy(self) -> str:
        """The system of the shipped policy, list stage or not."""
        return AGENT if self.system == as_list(AGENT) else self.system


def shipped_system(
    comparison: Comparison, drawn: Sequence[str], goal: str, with_list_stage: bool
) -> Verdict:
    """The agent, unless rules or static plan win on the drawn validation clients.

    The rules win where they serve the goal better. They keep their own decisions and confidence: a
    calibration would call clients probable that they do not link. The static plan wins where it
    serves the goal better by more than chance, and earns at least the reward of the agent, which
    counts the blockers run.

    Args:
        comparison: Of all systems.
        drawn: Datasets whose clients were drawn.
        goal: `EvaluationSettings.goal`.
        with_list_stage: Whether the agent's list stage is kept.
    """
    agent = as_list(AGENT) if with_list_stage else AGENT
    places = [list(comparison.trials).index(dataset) for dataset in drawn]
    judged = {name: _judged(comparison, name, places) for name in (agent, PLAN, RULES)}
    metrics = {name: measure(judgement) for name, judgement in judged.items()}
    best = agent
    if _beats_by_more_than_chance(judged[PLAN], judged[agent], goal):
        best = PLAN
    if _value(metrics[RULES], goal) > _value(metrics[best], goal):
        best = RULES
    shown = ", ".join(f"{name} {_shown(one, goal)}" for name, one in metrics.items())
    figures = {
        name: {metric: getattr(one, metric) for metric in _REPORTED}
        for name, one in metrics.items()
    }
    sentence = f"Shipped: {best}. {_name(goal)} on the drawn validation clients: {shown}"
    return Verdict(best, figures, sentence)


def _judged(comparison: Comparison, system: str, places: Sequence[int]) -> Judgement:
    """How a system decides the validation clients of these datasets, with its one threshold."""
    valid = comparison.joint[system].valid
    return valid.judgement.take(np.isin(valid.answers.dataset, places))


def _beats_by_more_than_chance(plan: Judgement, agent: Judgement, goal: str) -> bool:
    ours, theirs = measure(plan), measure(agent)
    if not _value(ours, goal) > _value(theirs, goal):
        return False
    metric = {"f1": "f1", "reward": "expected_reward"}.get(goal, "linkage_rate")
    difference = compare_runs([plan], [agent], metric, np.random.default_rng(0))
    return difference.verdict == "higher" and ours.expected_reward >= theirs.expected_reward


def _value(metrics: Metrics, goal: str) -> tuple[float, float]:
    """How well a system serves the goal; higher is better.

    For a precision, a system that reaches it is better than one that does not, and of two that do
    the one that links more.
    """
    precision = precision_goal(goal)
    if precision is None:
        value = metrics.f1 if goal == "f1" else metrics.expected_reward
        return (float(np.nan_to_num(value, nan=-1.0)), 0.0)
    # nothing linked is nothing wrong
    reached = np.nan_to_num(metrics.precision, nan=1.0)
    return (float(min(reached, precision - 1e-9)), metrics.linkage_rate)


def _name(goal: str) -> str:
    if precision_goal(goal) is not None:
        return "Share linked and precision"
    return "F1" if goal == "f1" else "Reward"


def _shown(metrics: Metrics, goal: str) -> str:
    if precision_goal(goal) is not None:
        return f"{metrics.linkage_rate:.3f} at {metrics.precision:.3f}"
    return f"{_value(metrics, goal)[0]:.3f}"
