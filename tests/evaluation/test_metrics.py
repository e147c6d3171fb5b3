import numpy as np
import pytest

from linkage_rl.errors import SchemaError
from linkage_rl.evaluation.metrics import (
    RATES,
    Judgement,
    bootstrap_intervals,
    judge,
    measure,
)
from linkage_rl.records import DecisionKind

LINK, NO_MATCH, REVIEW = DecisionKind.LINK, DecisionKind.NO_MATCH, DecisionKind.REVIEW


def judgement_of(
    kinds: list[DecisionKind],
    is_right: list[bool],
    has_row: list[bool],
    rewards: list[float],
    ran: int = 0,
    cost: float = 0.0,
) -> Judgement:
    clients = len(kinds)
    return judge(
        np.array(kinds, dtype=np.int8),
        np.array(is_right, dtype=np.bool_),
        np.array(has_row, dtype=np.bool_),
        np.full(clients, ran, dtype=np.uint16),
        np.full(clients, cost, dtype=np.float32),
        np.array(rewards),
    )


def ten_clients() -> Judgement:
    """Eight have a row: 5 right links, 1 wrong, 1 missed, 1 in review; of two without, 1 linked."""
    return judgement_of(
        kinds=[*[LINK] * 6, NO_MATCH, REVIEW, LINK, NO_MATCH],
        is_right=[True] * 5 + [False] * 5,
        has_row=[True] * 8 + [False] * 2,
        rewards=[1.0] * 5 + [-4.0, -0.5, 0.1, -4.0, 0.5],
        ran=0b101,
        cost=0.25,
    )


def all_have_a_right_row(kinds: list[DecisionKind]) -> Judgement:
    clients = len(kinds)
    return judgement_of(kinds, [True] * clients, [True] * clients, [0.0] * clients)


def test_the_rates_of_ten_clients_are_those_counted_by_hand() -> None:
    metrics = measure(ten_clients())

    assert (metrics.clients, metrics.linked) == (10, 7)
    assert metrics.linkage_rate == pytest.approx(7 / 10)
    assert metrics.precision == pytest.approx(5 / 7)
    assert metrics.recall == pytest.approx(5 / 8)
    assert metrics.f1 == pytest.approx(2 * 5 / (7 + 8))
    assert metrics.false_link_rate == pytest.approx(1 / 2)
    assert metrics.reject_precision == pytest.approx(1 / 2)
    assert metrics.reject_recall == pytest.approx(1 / 2)
    assert metrics.review_rate == pytest.approx(1 / 10)


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    metrics = measure(ten_clients())

    harmonic = 2 / (1 / metrics.precision + 1 / metrics.recall)
    assert metrics.f1 == pytest.approx(harmonic)


def test_the_expected_reward_is_the_mean_of_the_rewards() -> None:
    metrics = measure(ten_clients())

    paid = 5 * 1.0 + 2 * -4.0 + 1 * 0.5 + 1 * -0.5 + 1 * 0.1
    assert metrics.expected_reward == pytest.approx(paid / 10)
    assert metrics.cost_per_client == pytest.approx(0.25)


def test_two_bits_are_two_blockers() -> None:
    assert measure(ten_clients()).blockers_per_client == pytest.approx(2.0)


def test_a_policy_that_never_links_has_no_precision_but_an_f1_of_zero() -> None:
    metrics = measure(all_have_a_right_row([NO_MATCH] * 4))

    assert np.isnan(metrics.precision)
    assert metrics.f1 == 0.0
    assert np.isnan(metrics.false_link_rate)


def test_a_right_candidate_that_is_not_linked_is_no_correct_link() -> None:
    metrics = measure(all_have_a_right_row([LINK, NO_MATCH, REVIEW]))

    assert metrics.recall == pytest.approx(1 / 3)
    assert metrics.precision == 1.0


def test_a_truth_of_another_length_is_refused() -> None:
    with pytest.raises(SchemaError, match="has_row needs 2 values, one per decision, got 3"):
        judgement_of([LINK, LINK], [True] * 2, [True] * 3, [0.0] * 2)


def test_an_empty_list_measures_as_nothing() -> None:
    none = all_have_a_right_row([])

    assert measure(none).clients == 0
    assert np.isnan(measure(none).linkage_rate)
    assert np.isnan(bootstrap_intervals(none, np.random.default_rng(0))["f1"]).all()


def test_the_interval_of_a_rate_is_that_of_its_binomial() -> None:
    """80 of 400 linked: 0.2 +- 1.96 sqrt(0.2 * 0.8 / 400) = 0.2 +- 0.039."""
    judgement = all_have_a_right_row([LINK] * 80 + [NO_MATCH] * 320)

    low, high = bootstrap_intervals(judgement, np.random.default_rng(0))["linkage_rate"]

    assert low == pytest.approx(0.2 - 0.039, abs=0.005)
    assert high == pytest.approx(0.2 + 0.039, abs=0.005)


def test_every_interval_holds_its_metric_and_repeats_with_its_seed() -> None:
    judgement, metrics = ten_clients(), measure(ten_clients())

    intervals = bootstrap_intervals(judgement, np.random.default_rng(1), resamples=500)

    assert intervals == bootstrap_intervals(judgement, np.random.default_rng(1), resamples=500)
    for name in RATES:
        low, high = intervals[name]
        assert low - 1e-9 <= getattr(metrics, name) <= high + 1e-9, name
