"""`python -m experiments.suite.run_thresholds`: which cases should choose the run thresholds?

A table of its own is drawn with many valid clients: 2,400 of them are the valid cases of the
agents, and the others judge, so that differences of 0.004 in reward can be seen. No test client is
looked at. Prints a table of `results/tuning.md`.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf
from tqdm import tqdm

from experiments.tools.composing import train_settings
from experiments.tools.problem import Problem, build_problem
from linkage_rl.agents.algorithms import AGENTS
from linkage_rl.agents.plans import static_plan
from linkage_rl.agents.ranker import train_ranker, with_link_threshold
from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.config.command import CONFIGS, say
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, decide_cases
from linkage_rl.decision.rewards import decision_rewards
from linkage_rl.evaluation.tables import markdown_table
from linkage_rl.protocols import Policy
from linkage_rl.training.agent import starting_scorer

TRAIN, VALID = 7_200, 2_400
"""Cases of a problem, as many as the sample has."""
OVERRIDES: Final = (
    *("experiment=sample", "training.progress=false"),
    # another table than that of the suites, with ten times the clients
    *("table.sample.seed=7", "table.sample.clients=120_000"),
)
LEVELS: Final = ("sample", "harsh")
"""Conditions of `suite=sample` whose noise is taken."""
RUN_THRESHOLD_CASES: Final = (0, VALID, 8_000)
"""No run thresholds; chosen on valid only; on valid, filled up with training cases."""


@dataclass(frozen=True)
class Gain:
    """What the start of an agent, before any step of learning, earns more than the static plan."""

    agent: str
    run_threshold_cases: int
    run: str
    """Noise level and seed."""
    difference: float
    """In mean reward per client."""
    half_width: float
    """1.96 standard errors of the difference."""


def main() -> None:
    """Start every agent with every setting and compare it with the static plan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--agents", nargs="+", choices=AGENTS, default=["ppo", "dqn", "qrdqn"])
    asked = parser.parse_args()
    gains: list[Gain] = []
    for level in LEVELS:
        problem = build_problem(train_settings([*OVERRIDES, *noise_overrides(level)]))
        for seed in asked.seeds:
            gains += gains_of(problem, asked.agents, seed, f"{level}, {seed}")
    say(gains_table(gains))


def noise_overrides(level: str) -> list[str]:
    """The overrides of a condition of `suite=sample`."""
    suite: Any = OmegaConf.load(CONFIGS / "suite" / "sample.yaml")
    return list(suite.conditions[level].get("overrides", []))


def gains_of(problem: Problem, agents: Sequence[str], seed: int, run: str) -> Iterator[Gain]:
    """The gain of every agent with every number of cases.

    Args:
        problem: With at least `TRAIN` training and more than `VALID` valid cases.
        agents: Names of `AGENTS`.
        seed: Of the draw of the cases and of the ranker.
        run: Name of noise and seed.
    """
    rng = np.random.default_rng(seed)
    chosen, judging = np.split(rng.permutation(len(problem.valid)), [VALID])
    train = problem.train.take(np.sort(rng.permutation(len(problem.train))[:TRAIN]))
    judges = problem.valid.take(np.sort(judging))
    # the valid cases are repeated by no balance: the sample is one list
    own = replace(problem, train=train, valid=problem.valid.take(np.sort(chosen)))
    ranker = train_ranker(own.train, own.valid, own.view, own.settings.ranker, seed)
    careful = ScorerPolicy(with_link_threshold(ranker, own.settings.reward.break_even().link))
    plan = static_plan(careful, own.valid, own.view, own.settings.reward)
    baseline = _rewards(own, judges, careful, plan)
    starts = [(agent, cases) for agent in agents for cases in RUN_THRESHOLD_CASES]
    for agent, cases in tqdm(starts, desc=run, unit="start"):
        policy = ScorerPolicy(_start(own, agent, cases, ranker, seed))
        gained = _rewards(own, judges, policy) - baseline
        error = float(gained.std()) / len(gained) ** 0.5
        yield Gain(agent, cases, run, float(gained.mean()), 1.96 * error)


def _start(
    problem: Problem, agent: str, cases: int, ranker: CandidateScorer, seed: int
) -> CandidateScorer:
    """The weights with which an agent starts to learn."""
    training = problem.settings.training
    warm_start = replace(training.warm_start, run_threshold_cases=cases)
    training = replace(training, warm_start=warm_start)
    return starting_scorer(AGENTS[agent](), problem.task, training, seed, ranker)


def _rewards(
    problem: Problem, judges: CaseSet, policy: Policy, plan: tuple[int, ...] | None = None
) -> NDArray[np.float32]:
    """Reward of every judging case, shape (N,)."""
    decisions = decide_cases(Decider(policy, problem.view, plan=plan), judges)
    return decision_rewards(decisions, judges, problem.settings.reward)


def gains_table(gains: Sequence[Gain]) -> str:
    """A line per agent and number of cases, a column per run."""
    runs = list(dict.fromkeys(gain.run for gain in gains))
    cells: dict[tuple[str, int], dict[str, str]] = {}
    for gain in gains:
        cell = f"{gain.difference:+.4f} ± {gain.half_width:.4f}"
        cells.setdefault((gain.agent, gain.run_threshold_cases), {})[gain.run] = cell
    rows = [
        [agent, f"{cases:,}", *(own.get(run, "") for run in runs)]
        for (agent, cases), own in cells.items()
    ]
    return markdown_table([["start of", "run_threshold_cases", *runs], *rows])


if __name__ == "__main__":
    main()
