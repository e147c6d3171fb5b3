import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.errors import ConfigError, SchemaError
from linkage_rl.evaluation.calibration import (
    LINK_NOTHING,
    choose_threshold,
    fit_isotonic,
    pool_adjacent_violators,
)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_pooled_fit_ascends_and_keeps_the_mean(values: list[float]) -> None:
    runs = pool_adjacent_violators(np.array(values), np.ones(len(values)))

    levels = [level for level, _ in runs]
    assert levels == sorted(levels)
    assert sum(length for _, length in runs) == len(values)
    assert sum(level * length for level, length in runs) == pytest.approx(sum(values))


def test_a_heavy_value_pulls_its_pool() -> None:
    runs = pool_adjacent_violators(np.array([1.0, 0.0]), np.array([3.0, 1.0]))

    assert runs == [(0.75, 2)]


def test_calibration_finds_the_frequency_behind_an_overconfident_score() -> None:
    """Scores of 0.6 are right 20 times in 100, scores of 0.9 are right 70 times in 100."""
    score = np.repeat([0.6, 0.9], 100)
    is_right = np.concatenate([np.arange(100) < 20, np.arange(100) < 70])

    calibration = fit_isotonic(score, is_right)

    assert calibration.apply(np.array([0.6, 0.9])) == pytest.approx([0.2, 0.7])


def test_uninformative_scores_all_get_the_base_rate() -> None:
    score = np.repeat([0.1, 0.5, 0.9], 40)
    is_right = np.tile(np.arange(40) < 10, 3)

    assert fit_isotonic(score, is_right).apply(np.array([0.0, 0.5, 1.0])) == pytest.approx(0.25)


def test_five_right_clients_by_chance_do_not_become_certainty() -> None:
    score = np.linspace(0.0, 1.0, 100)
    is_right = np.arange(100) % 2 == 0
    is_right[-5:] = True

    assert fit_isotonic(score, is_right).apply(np.array([1.0]))[0] < 0.75


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=200),
    st.integers(1, 30),
)
def test_every_fit_is_monotone_and_keeps_the_base_rate(
    scored: list[tuple[float, bool]], smallest_bin: int
) -> None:
    score = np.array([one for one, _ in scored])
    is_right = np.array([right for _, right in scored])

    calibration = fit_isotonic(score, is_right, smallest_bin)

    grid = calibration.apply(np.linspace(0, 1, 50))
    assert (np.diff(grid) >= 0).all()
    assert is_right.mean() >= calibration.probabilities[0] - 1e-9
    assert is_right.mean() <= calibration.probabilities[-1] + 1e-9


@pytest.mark.parametrize(
    ("score", "is_right"), [([], []), ([0.5], [True, True]), ([float("inf")], [True])]
)
def test_what_cannot_be_fitted_is_refused(score: list[float], is_right: list[bool]) -> None:
    with pytest.raises(SchemaError, match="calibration needs N >= 1 finite scores"):
        fit_isotonic(np.array(score, dtype=float), np.array(is_right, dtype=bool))


# Six clients, five with a row: right, right, wrong, right, no row, no candidate.
CONFIDENCE = np.array([0.9, 0.8, 0.6, 0.4, 0.2, 0.0])
IS_RIGHT = np.array([True, True, False, True, False, False])
HAS_ROW = np.array([True, True, True, True, False, True])


def test_the_best_f1_links_the_first_four() -> None:
    """F1 is 4/7 for two links, 4/8 for three, 6/9 for four, 6/10 for five."""
    choice = choose_threshold(CONFIDENCE, IS_RIGHT, HAS_ROW, "f1")

    assert choice.threshold == pytest.approx(0.3)
    assert choice.f1 == pytest.approx(6 / 9)
    assert choice.precision == pytest.approx(3 / 4)
    assert choice.recall == pytest.approx(3 / 5)
    assert choice.linkage_rate == pytest.approx(4 / 6)
    assert choice.false_link_rate == 0.0


def test_costly_wrong_links_stop_the_reward_at_the_first_two() -> None:
    """Two links pay 2 + 0.5 for the reject - 3 * 0.5 for the missed."""
    choice = choose_threshold(CONFIDENCE, IS_RIGHT, HAS_ROW, "reward", RewardWeights())

    assert choice.threshold == pytest.approx(0.7)
    assert choice.expected_reward == pytest.approx((2 + 0.5 - 1.5) / 6)


@pytest.mark.parametrize(("precision", "links"), [("0.5", 5), ("0.75", 4), ("0.76", 2), ("1.0", 2)])
def test_a_precision_is_kept_with_as_many_links_as_it_allows(precision: str, links: int) -> None:
    choice = choose_threshold(CONFIDENCE, IS_RIGHT, HAS_ROW, f"precision:{precision}")

    assert choice.linkage_rate == pytest.approx(links / 6)
    assert (choice.threshold <= CONFIDENCE).sum() == links


def test_nothing_is_linked_where_no_link_is_right() -> None:
    wrong = np.zeros(6, dtype=bool)

    for goal in ("f1", "precision:0.9", "reward"):
        choice = choose_threshold(CONFIDENCE, wrong, HAS_ROW, goal, RewardWeights())

        assert choice.threshold == LINK_NOTHING
        assert np.isnan(choice.precision)


def test_no_goal_links_a_client_without_candidates() -> None:
    confidence, has_row = np.array([0.0, 0.0]), np.array([False, False])

    choice = choose_threshold(confidence, np.array([False, False]), has_row, "precision:0.01")

    assert choice.linkage_rate == 0.0


def test_a_threshold_separates_neighbouring_floats() -> None:
    upper = np.float32(0.5)
    confidence = np.array([upper, np.nextafter(upper, np.float32(0))], dtype=np.float32)

    choice = choose_threshold(confidence, np.array([True, False]), np.array([True, False]), "f1")

    assert (confidence >= choice.threshold).tolist() == [True, False]


def test_the_sweep_agrees_with_trying_every_threshold() -> None:
    rng = np.random.default_rng(0)
    confidence = np.round(rng.random(300), 2).astype(np.float32)
    is_right = rng.random(300) < confidence
    has_row = is_right | (rng.random(300) < 0.5)

    choice = choose_threshold(confidence, is_right, has_row, "f1")

    assert choice.f1 == pytest.approx(
        max(f1_at(t, confidence, is_right, has_row) for t in confidence)
    )
    assert choice.f1 == pytest.approx(f1_at(choice.threshold, confidence, is_right, has_row))


def f1_at(
    threshold: float,
    confidence: NDArray[np.float32],
    is_right: NDArray[np.bool_],
    has_row: NDArray[np.bool_],
) -> float:
    linked = confidence >= threshold
    return float(2 * (linked & is_right).sum() / (linked.sum() + has_row.sum()))


@pytest.mark.parametrize(
    "goal", ["F1", "precision", "precision:", "precision:2", "precision:nan", ""]
)
def test_an_unknown_goal_is_refused(goal: str) -> None:
    with pytest.raises(ConfigError, match="expected goal 'f1', 'reward' or 'precision"):
        choose_threshold(CONFIDENCE, IS_RIGHT, HAS_ROW, goal)


def test_a_reward_without_weights_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs reward weights"):
        choose_threshold(CONFIDENCE, IS_RIGHT, HAS_ROW, "reward")


def test_a_right_candidate_for_a_client_without_row_is_refused() -> None:
    with pytest.raises(SchemaError, match="same cases"):
        choose_threshold(CONFIDENCE, IS_RIGHT, ~HAS_ROW, "f1")


@pytest.mark.parametrize("tied", [2, 5])
def test_of_tied_candidates_one_in_k_is_right(tied: int) -> None:
    """The right company is among the tied ones in 60 % of the cases, the best one in 60 / k."""
    rng = np.random.default_rng(0)
    among = rng.random(20_000) < 0.6
    right = among & (rng.random(20_000) < 1 / tied)
    score = np.full(20_000, 0.9)

    calibration = fit_isotonic(score, right, tied=np.full(20_000, tied))

    assert calibration.apply(score[:1])[0] == pytest.approx(0.6, abs=0.05)
