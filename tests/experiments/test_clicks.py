"""The suite `clicks`: whom a reviewer is asked about, what is told, and what is claimed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from experiments.suite import click_lists
from experiments.suite.click_gate import CLICKS, GateTrial, gate_audits, no_better, rewards_of
from experiments.suite.click_learning import (
    NOTHING,
    RANDOM,
    STRATIFIED,
    Start,
    in_strata,
    learned_by_clicks,
)
from experiments.suite.click_lightgbm import Asking, Pairs, labelled_pairs
from experiments.suite.click_lists import ClickLists, without_moved, write_streams
from experiments.suite.click_reviewer import ACCEPT, Habit, answers_on
from experiments.suite.click_series import WAYS, all_series
from experiments.suite.click_trials import BOTH, Trial, keep, kept, trials_of
from experiments.suite.clicks import write_results
from experiments.suite.clicks_page import Results, claims, page
from experiments.tools import click_split
from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.records import DecisionKind
from tests.drawn_problem import DrawnProblem
from tests.experiments.made_up import answers

VIEW = View(5, (0.0, 0.0, 0.0))


def drawn(clients: int, seed: int = 0) -> CaseSet:
    return DrawnProblem().draw(clients, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def start() -> Start:
    """A start that knows nothing, with 400 clients to ask about."""
    lists = ClickLists(VIEW, drawn(500), drawn(300, seed=1))
    config = ScorerConfig.fitting(lists.stream, VIEW)
    scorer = CandidateScorer(config, torch.Generator().manual_seed(0))
    return Start(NOTHING, lists, scorer, Calibration.identity())


@pytest.fixture(autouse=True)
def few_unlabelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click_split, "UNLABELLED", 100)


def test_a_reviewer_picks_the_right_one_or_none() -> None:
    right = np.array([[False, True], [False, False], [False, True]])

    picked = Habit().picked(right, np.array([2, 2, 1]), np.random.default_rng(0))

    # of the last client only the first company is shown
    assert picked.tolist() == [1, 2, 1]


def test_a_wrong_answer_is_any_other_one() -> None:
    right = np.tile([False, True], (300, 1))

    picked = Habit(wrong=1.0).picked(right, np.full(300, 2), np.random.default_rng(0))

    assert set(picked.tolist()) == {0, 2}


def test_a_pick_leaves_one_answer_and_a_rejection_all_others(start: Start) -> None:
    clients, rng = np.arange(200), np.random.default_rng(0)

    full, _ = answers_on(start.logged, clients, Habit(), rng)
    yes_no, place = answers_on(start.logged, clients, Habit(ACCEPT), rng)

    assert (full.allowed.sum(axis=1) == 1).all()
    rejected = ~yes_no.allowed[:, 0] & (yes_no.cases.filled > 0)
    # all but the best: the other candidates and no match
    assert (yes_no.allowed[rejected].sum(axis=1) == yes_no.cases.filled[rejected]).all()
    assert (yes_no.allowed[~rejected].sum(axis=1) == 1).all()
    best = [start.logged.shown_right(np.array([client]))[0][:1] for client in place]
    assert [right == [False] for right in best] == rejected.tolist()


def test_the_first_answers_are_spread_over_the_confidences() -> None:
    order = in_strata(np.array([5, 6, 7, 8]), np.array([0.99, 0.98, 0.97, 0.1], dtype=np.float32))

    assert order.tolist() == [5, 8, 6, 7]


def test_more_answers_teach_more(start: Start) -> None:
    after = list(learned_by_clicks(start, [20, 400], Habit(), RANDOM, seed=1))

    f1 = [
        next(iter(trials_of(("", "", ""), 0, 1, start.answers(one.learned, cases), threshold))).f1
        for one in after
        for cases, threshold in [(start.lists.valid, one.learned.thresholds.link)]
    ]
    assert f1[0] < f1[1]
    assert f1[1] > 0.75


def test_a_start_without_clicks_is_the_start(start: Start) -> None:
    known = replace(start, name="own")

    (after,) = learned_by_clicks(known, [0], Habit(), STRATIFIED, seed=1)

    assert after.learned.scorer is known.scorer


def test_the_customer_has_no_company_where_the_right_one_is_in_another_city() -> None:
    cases = drawn(50)
    names = list(cases.feature_names)
    names[names.index("block_equal")] = "city_missing"
    features = np.array(cases.features)
    city, missing = (features[:, names.index(name)] for name in ("city_equal", "city_missing"))
    city[:], missing[:] = 0, 0
    first, second = np.flatnonzero(cases.is_right)[:2]
    city[first], missing[second] = 1, 1

    theirs = without_moved(replace(cases, feature_names=tuple(names), features=features))

    assert np.flatnonzero(theirs.is_right).tolist() == [first, second]
    kept_clients = cases.case_of_pair[[first, second]]
    proposed = np.isin(np.arange(50), cases.case_of_pair[cases.is_right])
    assert np.flatnonzero(theirs.has_row & proposed).tolist() == kept_clients.tolist()


def test_the_stream_has_clients_of_both_lists_in_proportion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, clients in (("moves", 60), ("payees", 40)):
        rows = "".join(f"{name}{row},x,1\n" for row in range(clients))
        (tmp_path / f"{name}_train.csv").write_text(f"client_id,name,company_id\n{rows}")
    monkeypatch.setattr(click_lists, "data_folder", lambda: tmp_path)

    written = write_streams(tmp_path / "out", clients=10)

    sizes = [len(file.read_text(encoding="utf-8").splitlines()) - 1 for file in written]
    assert sizes == [6, 4]


def test_lightgbm_is_told_of_every_pair_but_where_the_best_is_rejected(tmp_path: Path) -> None:
    cases = drawn(100)
    pairs = Pairs(cases, VIEW, tmp_path / "none.npy", np.arange(cases.pairs))
    scores, rng = cases.retrieval_score, np.random.default_rng(0)
    clients = np.flatnonzero(np.diff(cases.starts) > 1)[:20]
    sizes = np.diff(cases.starts)[clients]
    best_is_right = cases.is_right[cases.starts[clients]]

    rows, right = labelled_pairs(pairs, scores, clients, Habit(ACCEPT), rng)

    assert len(rows) == np.where(best_is_right, sizes, 1).sum()
    assert right.sum() == best_is_right.sum()


def test_lightgbm_asks_about_those_of_whom_it_is_least_sure() -> None:
    stream = replace(
        answers("rrrrrrrrrr", clients=10), confidence=np.linspace(0, 0.9, 10, dtype=np.float32)
    )
    asking = Asking(np.arange(10), [2, 4], Habit(), True, 0)

    fresh = asking.next_clients(np.array([5, 0]), 4, stream)

    assert fresh.tolist() == [4, 6]


def test_the_gate_promotes_a_better_policy_and_no_other() -> None:
    old, new = answers("rrrrrrww--"), answers("rrrrrrrr--")
    seen, rng = np.ones(1_000, dtype=np.bool_), np.random.default_rng(0)
    # 200 of 1,000 clients: right instead of wrong, worth 1 - (-1)
    gain, differs, promoted, median = gate_audits(old, replace(new, pair=old.pair + 1), seen, rng)
    assert gain == pytest.approx(0.4)
    assert differs == 0.8
    assert promoted[-1] == 1.0
    assert 0 < median < 300

    _, _, promoted, median = gate_audits(replace(new, pair=old.pair + 1), old, seen, rng)
    assert promoted == [0.0] * len(CLICKS)
    assert median == 0.0


def test_equal_policies_have_nothing_to_ask() -> None:
    old = answers("rrrrrrww--")

    audit = gate_audits(old, old, np.ones(1_000, dtype=np.bool_), np.random.default_rng(0))

    assert audit == (0.0, 0.0, [0.0] * len(CLICKS), 0.0)


def test_a_policy_that_is_no_better_gains_nothing_and_is_rarely_promoted() -> None:
    rng = np.random.default_rng(0)
    linked = np.full(1_000, DecisionKind.LINK, dtype=np.int8)
    old = replace(answers("----------"), kind=np.zeros(1_000, dtype=np.int8))
    new = replace(old, kind=linked, right=rng.random(1_000) < 0.6, has_row=np.ones(1_000, bool))
    old = replace(old, has_row=new.has_row, right=new.right)

    even = no_better(old, new, rng)

    assert rewards_of(even).mean() == pytest.approx(rewards_of(old).mean(), abs=2e-3)
    _, _, promoted, _ = gate_audits(old, even, np.ones(1_000, dtype=np.bool_), rng)
    assert promoted[-1] <= 0.05


def trial(system: str, clicks: int, f1: float, seed: int = 1, asking: str = "stratified") -> Trial:
    return Trial(system, "full", asking, clicks, seed, BOTH, f1, 0.9, 0.9, 0.6, 0.5, f1)


def test_what_is_to_be_shown_holds_or_is_refuted(tmp_path: Path) -> None:
    results = Results(
        [
            *(trial("own", 300, f1, seed) for seed, f1 in ((1, 0.886), (2, 0.888))),
            trial("own", 1_000, 0.88),
            trial("LightGBM", 300, 0.85, asking="random"),
        ],
        [GateTrial("own", "own", "own + 300 clicks", 1, 0.03, 0.05, [0.2, 0.8, 0.97, 1.0], 60)],
    )

    said = {text: (measured, verdict) for text, measured, verdict in claims(results)}
    assert said["own start >= 0.885 with 300 clicks"] == ("0.8870", "holds")
    assert said["own start >= 0.889 with 1,000 clicks"] == ("0.8800", "refuted")
    assert said["own start > LightGBM random with 300 clicks"] == ("+0.0370", "holds")
    gate = "a gain of 0.025 or more is promoted within 300 clicks in 95% of runs"
    assert said[gate] == ("97.0%", "holds")
    assert "| own; full; stratified | 1 | 0.8870 | 0.8800 | 0.0020 |" in page(results)

    write_results(results, tmp_path)

    assert (tmp_path / "clicks.png").stat().st_size > 1_000
    assert json.loads((tmp_path / "clicks.json").read_text())["gate"][0]["gain"] == 0.03


def test_trials_are_kept_and_read_again(tmp_path: Path) -> None:
    keep([trial("own", 0, 0.5)], tmp_path / "trials.jsonl")
    keep([trial("own", 10, 0.6)], tmp_path / "trials.jsonl")

    assert kept(tmp_path / "trials.jsonl", Trial) == [trial("own", 0, 0.5), trial("own", 10, 0.6)]
    assert kept(tmp_path / "none.jsonl", Trial) == []


def test_an_early_end_leaves_the_same_series_of_every_seed() -> None:
    series = all_series(list(WAYS), [1, 2])

    half = len(series) // 2
    assert [one.way for one in series[:half]] == [one.way for one in series[half:]]
    assert {one.seed for one in series[:half]} == {1}
