"""`python -m experiments.suite.from_logs RUN`: what can be learned from judged links alone?

A linker in use logs its links, and people say of each whether it is right: nobody names another
company, and nobody judges a client that was not linked. The same log is learned in several ways
from the run's agent; the valid lists judge. Thresholds are those of the highest expected F1 on
unlabelled clients, as in `experiments.suite.clicks`.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from tqdm import tqdm

from experiments.suite.click_learning import Start, start_of
from experiments.suite.click_lists import open_lists
from experiments.suite.click_trials import BOTH, Trial, keep, kept, trials_of
from experiments.suite.logged_links import LoggedLinks, log_links
from experiments.suite.policy_gradient import Estimator, climb
from experiments.tools.records import commit
from linkage_rl.agents.scorer import CandidateScorer
from linkage_rl.config.command import say
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.decision_log.evidence import LoggedCases
from linkage_rl.evaluation.tables import markdown_table
from linkage_rl.feedback.answers import Says
from linkage_rl.feedback.learning import LearningConfig, learn

RESULTS: Final = Path(__file__).parent / "results" / "from_logs.md"
COUNTS: Final = (1_000, 3_000)
EXPLORED: Final = 0.05
"""Share of clients with an exploring draw, where there are any."""
WEIGHTS: Final = RewardWeights(wrong_link=-1.0, correct_reject=0.25)
"""As `reward=balanced`."""
START: Final = "before any verdict"

Learner = Callable[[CandidateScorer, LoggedLinks, int], CandidateScorer]
"""From the scorer that made the links, the links and a seed to a scorer."""


def by_likelihood(rejects: Says | None, weighted: bool = False) -> Learner:
    """Learning as `linkage-rl learn` does; arguments as of `LoggedLinks.as_judged`."""

    def learner(start: CandidateScorer, links: LoggedLinks, seed: int) -> CandidateScorer:
        return learn(start, links.as_judged(rejects, weighted), LearningConfig(), seed)

    return learner


def by_gradient(estimator: Estimator) -> Learner:
    """Policy gradient ascent."""

    def learner(start: CandidateScorer, links: LoggedLinks, seed: int) -> CandidateScorer:
        return climb(start, links, WEIGHTS, estimator, seed)

    return learner


@dataclass(frozen=True)
class Method:
    """A way to learn from judged links."""

    name: str
    exploration: float
    """Of the log that it learns from."""
    learner: Learner


METHODS: Final = (
    Method("accepted links only", 0.0, by_likelihood(None)),
    Method("a wrong link means no match", 0.0, by_likelihood(Says.NO_COMPANY)),
    Method("set-valued", 0.0, by_likelihood(Says.WRONG)),
    Method("set-valued", EXPLORED, by_likelihood(Says.WRONG)),
    Method("set-valued, weighted by 1 / propensity", EXPLORED, by_likelihood(Says.WRONG, True)),
    Method("policy gradient, IPS", EXPLORED, by_gradient(Estimator.IPS)),
    Method("policy gradient, SNIPS", EXPLORED, by_gradient(Estimator.SNIPS)),
    Method("policy gradient, doubly robust", EXPLORED, by_gradient(Estimator.DR)),
)


def main() -> None:
    """Learn, judge, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path, help="finished run whose agent made the links")
    parser.add_argument("--cases", type=Path, default=Path("outputs/clicks/own"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, choices=COUNTS)
    parser.add_argument("--trials", type=Path, default=Path("outputs/from_logs/trials.jsonl"))
    parser.add_argument("--output", type=Path, default=RESULTS)
    asked = parser.parse_args()
    start = start_of("own", asked.run, open_lists(asked.run, asked.cases))
    # gradients raise the policy's own probabilities: all methods are judged by these
    start = replace(start, calibration=Calibration.identity())
    # what earlier calls have judged is kept
    done = {(trial.seed, trial.clicks) for trial in kept(asked.trials, Trial)}
    for seed, count in product(asked.seeds, asked.counts):
        if (seed, count) not in done:
            keep(list(trials_with(start, seed, count)), asked.trials)
    text = page(kept(asked.trials, Trial))
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    asked.output.write_text(text, encoding="utf-8")
    say(text)


def trials_with(start: Start, seed: int, count: int) -> Iterator[Trial]:
    """Every method with one seed and so many verdicts, and the start itself."""
    pool, rest = start.lists.asked_about(seed)
    unlabelled = start.logged.logged_cases(rest)
    threshold = start.before(unlabelled).thresholds.link
    yield from _judged(start, START, 0.0, 0, start.scorer, unlabelled, seed)
    logs = {
        share: log_links(
            start.logged, pool, threshold, share, max(COUNTS), np.random.default_rng(seed)
        )
        for share in sorted({method.exploration for method in METHODS})
    }
    for method in tqdm(METHODS, desc=f"seed {seed}, {count:,} verdicts"):
        scorer = method.learner(start.scorer, logs[method.exploration].first(count), seed)
        yield from _judged(start, method.name, method.exploration, count, scorer, unlabelled, seed)


def _judged(
    start: Start,
    name: str,
    exploration: float,
    count: int,
    scorer: CandidateScorer,
    unlabelled: LoggedCases,
    seed: int,
) -> Iterator[Trial]:
    learned = replace(start, scorer=scorer).before(unlabelled)
    answers = start.answers(learned, start.lists.valid)
    way = (name, "links judged", f"{exploration:.0%}" if count else "")
    yield from trials_of(way, count, seed, answers, learned.thresholds.link)


def page(trials: Sequence[Trial]) -> str:
    """F1 of both lists by method and number of verdicts, mean over the seeds, as Markdown."""
    seeds = sorted({trial.seed for trial in trials})
    both = [trial for trial in trials if trial.list_name == BOTH]
    lines = [
        ["learned from judged links", "explored", *(f"{count:,} verdicts" for count in COUNTS)]
    ]
    for way in dict.fromkeys(trial.way for trial in both):
        own = [trial for trial in both if trial.way == way]
        cells = [
            _cell([one.f1 for one in own if one.clicks == count or one.clicks == 0])
            for count in COUNTS
        ]
        lines.append([way[0], way[2], *cells])
    return (
        "# Learning from a log in which links are judged, and nothing else\n\n"
        f"At {commit()}, {len(seeds)} seeds. F1 of both valid lists with one threshold, mean and "
        "lowest to highest. Explored: clients with a link drawn by the shares.\n\n"
        f"{markdown_table(lines)}\n"
    )


def _cell(scores: Sequence[float]) -> str:
    if not scores:
        return "-"
    return f"{np.mean(scores):.4f} ({min(scores):.4f} to {max(scores):.4f})"


if __name__ == "__main__":
    main()
