"""`python -m experiments.suite.run_thresholds`: on which cases the run thresholds of the blockers are chosen.

A table of its own is drawn with many valid clients: 2,400 of them are the valid cases of the
agents, all others judge, so that 0.004 of reward can be told apart. No test client is looked at.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf
from tqdm import tqdm

from experiments.tools.problem import pose, train_settings
from experiments.tools.settings import Condition
from linkage_rl.agents.algorithms import AGENTS
from linkage_rl.agents.plans import static_plan
from linkage_rl.agents.ranker import cautious, train_ranker
from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.config.command import CONFIGS, say
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, PreparedPool
from linkage_rl.decision.rewards import decision_rewards
from linkage_rl.protocols import Policy
from linkage_rl.train import TrainSettings
from linkage_rl.training.agent import Task, starting_scorer

RESULTS: Final = Path(__file__).with_suffix(".json")
TRAIN, VALID = 7_200, 2_400
"""Cases of a problem, as many as the sample has."""
WORDS: Final = (
    *("experiment=sample", "training.progress=false"),
    # another table than that of the suites, with ten times the clients
    *("table.sample.seed=7", "table.sample.clients=120_000"),
)
LEVELS: Final = ("sample", "harsh")
"""Conditions of `suite=sample` whose noise is taken."""
RUN_THRESHOLD_CASES: Final = (0, VALID, 8_000)
"""No run thresholds; from valid alone; from valid, filled up with training cases."""


@dataclass(frozen=True)
class Posed:
    """What is learned, and who judges."""

    settings: TrainSettings
    task: Task
    judges: CaseSet
    ranker: CandidateScorer

    def rewards(self, policy: Policy, plan: tuple[int, ...] | None = None) -> NDArray[np.float32]:
        """Reward of every judging case, shape (N,)."""
        decider = Decider(policy, self.task.view, plan=plan)
        decisions = decider.decide(PreparedPool(self.judges, self.task.view), len(self.judges))
        return decision_rewards(decisions, self.judges, self.task.weights)


def main() -> None:
    """Start every agent with every setting and compare it with the static plan."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    words.add_argument("--agents", nargs="+", choices=AGENTS, default=["ppo", "dqn", "qrdqn"])
    words.add_argument("--results", type=Path, default=RESULTS)
    asked = words.parse_args()
    rows: list[dict[str, Any]] = []
    for level in LEVELS:
        settings = train_settings([*WORDS, *noise_of(level)])
        lists = pose(settings, Condition()).lists
        for seed in asked.seeds:
            rng = np.random.default_rng(seed)
            order = rng.permutation(len(lists.valid))
            train = lists.train.take(np.sort(rng.permutation(len(lists.train))[:TRAIN]))
            valid, judges = (lists.valid.take(np.sort(o)) for o in np.split(order, [VALID]))
            ranker = train_ranker(train, valid, lists.view, settings.ranker, seed)
            task = Task(train, valid, lists.view, settings.reward)
            posed = Posed(settings, task, judges, ranker)
            rows += [{"level": level} | row for row in compared(posed, asked.agents, seed)]
    asked.results.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    say(as_markdown(rows))


def noise_of(level: str) -> list[str]:
    """What a condition of `suite=sample` tells the training command besides."""
    suite: Any = OmegaConf.load(CONFIGS / "suite" / "sample.yaml")
    return list(suite.conditions[level].get("overrides", []))


def compared(posed: Posed, agents: Sequence[str], seed: int) -> list[dict[str, Any]]:
    """A row per agent and setting: mean reward, and what it has over the static plan."""
    task = posed.task
    careful = ScorerPolicy(cautious(posed.ranker, task.weights.break_even().link))
    plan = static_plan(careful, task.valid, task.view, task.weights)
    fixed = posed.rewards(careful, plan)
    rows = []
    asked = [(name, cases) for name in agents for cases in RUN_THRESHOLD_CASES]
    for name, cases in tqdm(asked, desc=f"seed {seed}", unit="start"):
        warm = replace(posed.settings.training.warm_start, run_threshold_cases=cases)
        training = replace(posed.settings.training, warm_start=warm)
        start = starting_scorer(AGENTS[name](), task, training, seed, posed.ranker)
        gained = posed.rewards(ScorerPolicy(start)) - fixed
        rows.append(
            {
                **{"agent": name, "run_threshold_cases": cases, "seed": seed},
                "plan": float(fixed.mean()),
                "difference": float(gained.mean()),
                "half_width": 1.96 * float(gained.std()) / len(gained) ** 0.5,
            }
        )
    return rows


def as_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """A line per agent and setting; what it earns over the plan, one column per noise and seed."""
    runs = list(dict.fromkeys((row["level"], row["seed"]) for row in rows))
    told = {
        tuple(row[name] for name in ("agent", "run_threshold_cases", "level", "seed")): row
        for row in rows
    }
    lines = [
        f"| start of | run_threshold_cases | {' | '.join(f'{level}, {seed}' for level, seed in runs)} |",
        f"| --- | --- |{' --- |' * len(runs)}",
    ]
    for agent, cases in dict.fromkeys((row["agent"], row["run_threshold_cases"]) for row in rows):
        own = [told[agent, cases, *run] for run in runs]
        cells = [f"{row['difference']:+.4f} ± {row['half_width']:.4f}" for row in own]
        lines.append(f"| {agent} | {cases:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
