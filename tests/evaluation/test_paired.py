import numpy as np
import pytest

from linkage_rl.errors import SchemaError
from linkage_rl.evaluation.metrics import Judgement, judge
from linkage_rl.evaluation.paired import compare_runs, mean_interval
from linkage_rl.records import DecisionKind


def run(links: str) -> Judgement:
    """One client per letter, all with a row: 'r' linked rightly, 'w' wrongly, '-' not linked."""
    linked = np.array([letter != "-" for letter in links])
    right = np.array([letter == "r" for letter in links])
    return judge(
        kind=np.where(linked, DecisionKind.LINK, DecisionKind.NO_MATCH).astype(np.int8),
        is_right=right,
        has_row=np.ones(len(links), dtype=np.bool_),
        ran=np.zeros(len(links), dtype=np.uint16),
        cost=np.zeros(len(links), dtype=np.float32),
        rewards=np.where(right, 1.0, -1.0),
    )


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_system_ties_with_itself_exactly() -> None:
    same = compare_runs([run("rrw-" * 20)], [run("rrw-" * 20)], "f1", rng())

    assert (same.gap, same.low, same.high, same.wins, same.improves) == (0, 0, 0, 0.5, 0.5)
    assert same.verdict == "tie"


def test_clients_are_paired_so_that_hard_lists_do_not_hide_a_small_lead() -> None:
    """Ours gets 8 of 400 more; the interval of a single list is about 0.1 wide."""
    theirs = run("r" * 192 + "-" * 208)
    ours = run("r" * 200 + "-" * 200)

    led = compare_runs([ours], [theirs], "recall", rng())
    single = mean_interval([theirs], "recall", rng())

    assert led.gap == pytest.approx(0.02)
    assert led.verdict == "higher"
    assert 0 < led.low < 0.02 < led.high < 0.04
    assert single[1] - single[0] > 0.08


def test_the_interval_of_a_share_is_that_of_the_binomial() -> None:
    """Half of 400 clients: standard error 0.025, so 0.5 +- 0.049."""
    low, high = mean_interval([run("r-" * 200)], "recall", rng(), resamples=4_000)

    assert (low, high) == pytest.approx((0.451, 0.549), abs=0.004)


def test_one_more_client_of_four_is_a_tie() -> None:
    difference = compare_runs([run("rrr-")], [run("rr--")], "recall", rng())

    assert difference.gap == 0.25
    assert difference.verdict == "tie"


def test_seeds_that_differ_widen_the_interval() -> None:
    """Seeds at 0.5 and 0.7 against 0.6: level on average, one wins and one loses."""
    steady = [run("r" * 600 + "-" * 400)]
    unsteady = [run("r" * 500 + "-" * 500), run("r" * 700 + "-" * 300)]

    compared = compare_runs(unsteady, steady, "recall", rng())

    assert compared.gap == pytest.approx(0)
    assert compared.low < -0.08
    assert compared.high > 0.08
    assert compared.improves == 0.5


def test_the_worse_system_is_lower_and_equal_generators_give_equal_results() -> None:
    worse, better = [run("rr-w" * 50)], [run("rrr-" * 50)]

    first = compare_runs(worse, better, "f1", rng())

    assert first.verdict == "lower"
    assert first == compare_runs(worse, better, "f1", rng())


def test_runs_on_other_lists_and_unknown_metrics_are_refused() -> None:
    with pytest.raises(SchemaError, match=r"lists of \[2, 3\] clients"):
        compare_runs([run("rr")], [run("rrr")], "f1", rng())
    with pytest.raises(SchemaError, match="at least one run"):
        compare_runs([], [run("rrr")], "f1", rng())
    with pytest.raises(SchemaError, match="got 'f2'"):
        compare_runs([run("r")], [run("r")], "f2", rng())
