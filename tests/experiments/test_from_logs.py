"""Logs of judged links, what is learned from them, and the pages of both suites of reviews."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from experiments.suite.click_log import decide_and_log
from experiments.suite.click_trials import BOTH, Trial
from experiments.suite.from_logs import METHODS, START, page
from experiments.suite.logged_links import LoggedLinks, log_links
from experiments.suite.policy_gradient import Estimator, climb
from experiments.suite.review_env import AGENT, Comparison, Played, compare, statement, table
from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.decision.decide import Decider
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.decision_log.evidence import LoggedCases
from linkage_rl.feedback.answers import Says
from linkage_rl.feedback.scoring import answer_shares
from tests.cases_factory import DRAWN_VIEW, synthetic_cases

WEIGHTS = RewardWeights(wrong_link=-1.0, correct_reject=0.25)
SHAPE = ScorerConfig(features=1, query=1, blockers=1, width=8)


def two_links(right: tuple[bool, bool], propensity: float = 1.0) -> LoggedLinks:
    """Two clients with two candidates each; the first one was linked."""
    cases = LoggedCases(
        np.tile(np.array([[1.0], [0.0]], dtype=np.float32), (2, 1, 1)),
        np.zeros((2, 1), dtype=np.float32),
        np.zeros((2, 3), dtype=np.float32),
        np.tile(np.array([0, 1], dtype=np.int8), (2, 1)),
        np.full(2, 2),
    )
    shares = np.tile(np.array([0.6, 0.1, 0.3]), (2, 1))
    return LoggedLinks(
        cases, shares, np.zeros(2, dtype=np.int64), np.array(right), np.full(2, propensity)
    )


def test_what_a_judged_link_leaves_possible() -> None:
    links = two_links((True, False))

    assert links.as_judged(None).allowed.tolist() == [[True, False, False]]
    assert links.as_judged(Says.NO_COMPANY).allowed.tolist() == [
        [True, False, False],
        [False, False, True],
    ]
    assert links.as_judged(Says.WRONG).allowed.tolist() == [
        [True, False, False],
        [False, True, True],
    ]


def test_a_link_of_propensity_one_twentieth_counts_twenty_times() -> None:
    links = replace(two_links((True, False)), propensity=np.array([1.0, 0.05]))

    assert links.as_judged(Says.WRONG, weighted=True).weights.tolist() == pytest.approx([1, 20])


@pytest.mark.parametrize("estimator", list(Estimator))
def test_gradients_make_right_links_likelier_and_wrong_ones_less_likely(
    estimator: Estimator,
) -> None:
    start = CandidateScorer(SHAPE, torch.Generator().manual_seed(1))
    mixed, wrong = two_links((True, True), 0.9), two_links((False, False), 0.9)

    before = answer_shares(start, mixed.cases)[0, 0]
    good = answer_shares(climb(start, mixed, WEIGHTS, estimator, 1), mixed.cases)[0, 0]
    bad = answer_shares(climb(start, wrong, WEIGHTS, estimator, 1), wrong.cases)[0, 0]

    # all rewards of such a log are alike: the self-normalised estimate has nothing to climb
    assert good == pytest.approx(before) if estimator is Estimator.SNIPS else good > before
    assert bad == pytest.approx(before) if estimator is Estimator.SNIPS else bad < before


def logs(exploration: float) -> tuple[LoggedLinks, NDArray[np.float32]]:
    cases = synthetic_cases(400, np.random.default_rng(3))
    shape = ScorerConfig.fitting(cases, DRAWN_VIEW, width=8)
    scorer = CandidateScorer(shape, torch.Generator().manual_seed(1))
    every = tuple(range(len(DRAWN_VIEW.costs)))
    logged = decide_and_log(Decider(ScorerPolicy(scorer), DRAWN_VIEW, plan=every), cases)
    threshold = float(np.median(logged.confidence))
    rng = np.random.default_rng(0)
    links = log_links(logged, np.arange(len(cases)), threshold, exploration, 1_000, rng)
    return links, logged.confidence


def test_without_exploring_the_best_candidates_above_the_threshold_are_linked() -> None:
    links, confidence = logs(0.0)

    assert len(links) == (confidence >= np.median(confidence)).sum()
    assert (links.slot == 0).all()
    assert (links.propensity == 1).all()


def test_exploring_links_others_too_with_the_chances_that_it_states() -> None:
    links, _ = logs(0.5)

    other = links.slot > 0
    shown = links.shares[:, :5]
    stated = 0.5 * shown[np.arange(len(links)), links.slot] / shown.sum(axis=1)
    assert 0.1 < other.mean() < 0.7
    assert links.propensity[other].tolist() == pytest.approx(stated[other].tolist())
    assert (links.propensity[~other] <= 1).all()


def test_the_page_has_a_line_per_method() -> None:
    def trial(way: tuple[str, str, str], clicks: int, f1: float) -> Trial:
        return Trial(*way, clicks, 1, BOTH, f1, 0.9, 0.9, 0.5, 0.5, f1)

    trials = [trial((START, "links judged", ""), 0, 0.87)]
    trials += [
        trial((one.name, "links judged", f"{one.exploration:.0%}"), count, 0.88)
        for one in METHODS
        for count in (1_000, 3_000)
    ]

    lines = page(trials).splitlines()

    start = next(line for line in lines if START in line)
    assert start.count("0.8700 (0.8700 to 0.8700)") == 2
    assert sum(line.startswith("| ") for line in lines) == len(METHODS) + 3


def played(*returns: float) -> Played:
    values = np.array(returns)
    return Played(values, np.full(len(values), 10.0), values / 100)


def test_the_agent_beats_a_baseline_only_beyond_the_interval() -> None:
    agent = played(3, 5, 4, 4)

    worse, even, better = compare(
        agent,
        {"even": played(4, 4, 5, 3), "worse": played(1, 2, 1, 2), "better": played(9, 9, 9, 9)},
    )[::-1]

    assert (worse.baseline, worse.verdict) == ("worse", "holds")
    assert (even.baseline, even.gap, even.verdict) == ("even", 0, "tie")
    assert (better.baseline, better.verdict) == ("better", "refuted")


def test_the_table_says_which_policy_earned_most() -> None:
    lines = table(
        {AGENT: played(3, 5), "uniform": played(1, 1)}, {"uniform": Comparison("uniform", 3, 2, 4)}
    ).splitlines()

    assert lines[2].startswith(f"| {AGENT} | 4.0 | 10 | +0.0400 |")
    assert lines[3].endswith("| +3.0 [+2.0, +4.0] |")
    assert "**holds**" in statement(Comparison("uniform", 3, 2, 4))
