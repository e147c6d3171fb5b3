"""`python -m experiments.suite.review_env`: does an agent spend clicks better than a rule?

MaskablePPO learns on drawn lists of `linkage_rl/Review-v0`, or with `--learn real` on parts of real
lists of train clients. It and the baselines then review other drawn lists, and parts of real valid
lists with `--run`, all in the same order of answers. A difference is a mean over lists; the
agent's return on a list is the mean over its seeds.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.suite.review_lists import DRAWN, drawn_lists, real_lists
from experiments.tools.digests import digest
from experiments.tools.records import commit
from linkage_rl.agents.review_agent import AgentReviewer, ReviewAgentConfig, train_reviewer
from linkage_rl.agents.review_baselines import ReviewPolicy, baselines
from linkage_rl.config.command import say
from linkage_rl.envs.review_core import ReviewCore
from linkage_rl.envs.review_lists import DrawnReviewLists, Lists, ReviewList
from linkage_rl.envs.review_process import ReviewRules
from linkage_rl.evaluation.tables import markdown_table

AGENT: Final = "MaskablePPO"
REAL: Final = "real"
RESULTS: Final = Path(__file__).parent / "results"
_RESAMPLES: Final = 10_000
_TEST_SEED: Final = 1_000_003
"""Of the lists that judge; agents learn with seeds far below."""


@dataclass(frozen=True, eq=False)
class Played:
    """What a policy reached on N lists."""

    returns: NDArray[np.float64]
    """Sum of the rewards of each list, shape (N,)."""
    clicks: NDArray[np.float64]
    """Shape (N,)."""
    f1: NDArray[np.float64]
    """F1 after the review minus F1 before it, shape (N,)."""


@dataclass(frozen=True)
class Comparison:
    """The agent against one baseline."""

    baseline: str
    gap: float
    """Mean return of the agent minus that of the baseline."""
    low: float
    """Lower end of its 95 % interval, lists resampled."""
    high: float

    @property
    def verdict(self) -> str:
        """What the interval says of 'the agent beats the baseline'."""
        if self.low > 0:
            return "holds"
        return "refuted" if self.high < 0 else "tie"


def main() -> None:
    """Train, review, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=Path, help="finished training run that links the real lists")
    parser.add_argument("--cases", type=Path, default=Path("outputs/clicks/own"))
    parser.add_argument("--lists", type=int, default=500, help="drawn lists that judge")
    parser.add_argument("--parts", type=int, default=100, help="parts of each real list")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--steps", type=int, default=ReviewAgentConfig.steps)
    parser.add_argument("--learn", choices=[DRAWN, REAL], default=DRAWN)
    parser.add_argument("--agents", type=Path, default=Path("outputs/review_env"))
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    if asked.learn == REAL and not asked.run:
        parser.error("--learn real needs --run")
    rules, config = ReviewRules(), ReviewAgentConfig(steps=asked.steps)
    lists: Lists = DrawnReviewLists()
    if asked.learn == REAL:
        found = real_lists(asked.run, asked.cases, asked.parts, min(asked.seeds), "stream")
        lists = [one for _, some in found for one in some]
    agents = [agent_of(asked.agents, asked.learn, lists, config, seed) for seed in asked.seeds]
    judged = {DRAWN: drawn_lists(asked.lists, _TEST_SEED)}
    if asked.run:
        judged |= dict(real_lists(asked.run, asked.cases, asked.parts, _TEST_SEED))
    text = page(results(judged, rules, agents), asked.learn, config, len(agents))
    output = asked.output or RESULTS / f"review_env_{asked.learn}.md"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    say(text)


def agent_of(
    folder: Path, learn: str, lists: Lists, config: ReviewAgentConfig, seed: int
) -> AgentReviewer:
    """The agent of a seed: trained now, or read where an earlier call has trained it."""
    rules = ReviewRules()
    content = digest([str(rules), str(DrawnReviewLists()), learn, str(config), seed])
    file = folder / f"agent-{content}.zip"
    if file.exists():
        return AgentReviewer.load(file)
    agent = train_reviewer(lists, rules, config, seed)
    folder.mkdir(parents=True, exist_ok=True)
    agent.save(file)
    return agent


def results(
    judged: Mapping[str, Sequence[ReviewList]],
    rules: ReviewRules,
    agents: Sequence[ReviewPolicy],
) -> dict[str, dict[str, Played]]:
    """By the name of the lists and by policy, what was reached; the agents are averaged."""
    found = {}
    for name, lists in judged.items():
        found[name] = {
            policy: play(lists, rules, ways) for policy, ways in baselines(rules).items()
        }
        runs = [play(lists, rules, agent) for agent in agents]
        found[name][AGENT] = Played(
            np.mean([run.returns for run in runs], axis=0),
            np.mean([run.clicks for run in runs], axis=0),
            np.mean([run.f1 for run in runs], axis=0),
        )
    return found


def play(lists: Sequence[ReviewList], rules: ReviewRules, policy: ReviewPolicy) -> Played:
    """Review every list once; the order of the answers is the same for every policy."""
    core = ReviewCore(lists, rules, batch=len(lists), rng=np.random.default_rng(_TEST_SEED))
    # the core has drawn nothing else so far but one order for each of its lists
    core.rng = np.random.default_rng(_TEST_SEED)
    core.begin(lists)
    returns = np.zeros(len(lists))
    while not core.state.done.all():
        returns += core.step(policy.act(core.observation())).reward
    clicks = (rules.budget - core.state.left).astype(np.float64)
    return Played(returns, clicks, core.f1() - core.f1_before())


def compare(agent: Played, played: Mapping[str, Played]) -> list[Comparison]:
    """The agent against every baseline, the best one first (paired bootstrap over lists)."""
    rng = np.random.default_rng(0)
    number = len(agent.returns)
    drawn = rng.integers(number, size=(_RESAMPLES, number))
    found = []
    for name, baseline in played.items():
        difference = agent.returns - baseline.returns
        low, high = np.quantile(difference[drawn].mean(axis=1), [0.025, 0.975])
        found.append(Comparison(name, float(difference.mean()), float(low), float(high)))
    return sorted(found, key=lambda one: one.gap)


def page(
    found: Mapping[str, Mapping[str, Played]], learn: str, config: ReviewAgentConfig, seeds: int
) -> str:
    """The results as Markdown: for each kind of lists a table and what it says."""
    heading = (
        "# Review-v0: does an agent spend clicks better than a rule?\n\n"
        f"At {commit()}. {AGENT} learned on {learn} lists, {config.steps:,} steps, {seeds} seeds; "
        "budget 200 clicks of 0.1 each, default rewards. Return: what the decisions of the list "
        "gained, in correct links, minus the clicks. In brackets the interval of 95 % of the "
        "difference, lists resampled. The best baseline is the best on these very lists, which "
        "favours it."
    )
    parts = [heading]
    for name, played in found.items():
        others = {policy: one for policy, one in played.items() if policy != AGENT}
        comparisons = {one.baseline: one for one in compare(played[AGENT], others)}
        number = len(played[AGENT].returns)
        parts.append(f"`{name}`, {number} lists\n\n{table(played, comparisons)}")
        parts.append(statement(next(iter(comparisons.values()))))
    return "\n\n".join(parts) + "\n"


def table(played: Mapping[str, Played], comparisons: Mapping[str, Comparison]) -> str:
    """A line per policy, the highest return first."""
    lines = [["policy", "return", "clicks", "F1 gained", f"{AGENT} minus it"]]
    for name, one in sorted(played.items(), key=lambda item: -item[1].returns.mean()):
        known = comparisons.get(name)
        gap = f"{known.gap:+.1f} [{known.low:+.1f}, {known.high:+.1f}]" if known else ""
        figures = (f"{one.returns.mean():.1f}", f"{one.clicks.mean():.0f}", f"{one.f1.mean():+.4f}")
        lines.append([name, *figures, gap])
    return markdown_table(lines)


def statement(best: Comparison) -> str:
    """One sentence about the agent and the best baseline."""
    return (
        f"{AGENT} beats the best baseline ({best.baseline}): **{best.verdict}** "
        f"({best.gap:+.1f} [{best.low:+.1f}, {best.high:+.1f}])."
    )


if __name__ == "__main__":
    main()
