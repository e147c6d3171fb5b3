import math

import numpy as np
import pytest
import torch

from linkage_rl.agents.ranker import (
    RankerConfig,
    batches,
    listwise_loss,
    random_blockers,
    right_answers,
    train_ranker,
    with_link_threshold,
)
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.errors import ConfigError
from tests.cases_factory import DRAWN_VIEW, Candidate, Client, synthetic_cases, typed_cases

TRAIN = synthetic_cases(400, np.random.default_rng(1))
VALID = synthetic_cases(200, np.random.default_rng(2))
QUICK = RankerConfig(width=8, epochs=2, batch_size=128)


def test_the_loss_sums_the_probability_of_all_right_answers() -> None:
    stops = torch.log(torch.tensor([[0.5, 0.3, 0.2]]))
    right = torch.tensor([[True, True, False]])

    assert listwise_loss(stops, right).item() == pytest.approx(-math.log(0.8))


def test_no_match_is_right_where_no_right_candidate_is_visible() -> None:
    cases = typed_cases(
        [
            Client([Candidate("a", 1, 0.9, right=True), Candidate("b", 1, 0.8, right=True)]),
            Client([Candidate("c", 1, 0.9), Candidate("d", 2, 0.8, right=True)]),
            Client([], has_row=False),
        ],
    )
    view = DRAWN_VIEW.__class__(2, (0.0, 0.0))

    observation = view.observe(cases, np.arange(3), np.ones(3, dtype=np.uint16))

    assert right_answers(cases, observation).tolist() == [
        [True, True, False],
        [False, False, True],
        [False, False, True],
    ]


def test_random_blockers_are_available_ones_and_often_all() -> None:
    available = np.full(4000, 0b101, dtype=np.uint16)

    drawn = random_blockers(available, 3, 0.5, np.random.default_rng(0))

    assert set(drawn.tolist()) == {0b000, 0b001, 0b100, 0b101}
    assert np.mean(drawn == 0b101) == pytest.approx(0.5 + 0.5 / 4, abs=0.03)


@pytest.mark.slow
def test_equal_seeds_train_equal_rankers() -> None:
    first, again, other = (
        train_ranker(TRAIN, VALID, DRAWN_VIEW, QUICK, seed).state_dict() for seed in (1, 1, 2)
    )

    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_each_pass_is_reported_and_the_loss_falls() -> None:
    reports: list[tuple[int, float]] = []

    def report(number: int, loss: float) -> None:
        reports.append((number, loss))

    config = RankerConfig(width=16, epochs=6, min_updates=10)
    train_ranker(TRAIN, VALID, DRAWN_VIEW, config, 0, report)

    assert [number for number, _ in reports] == [1, 2, 3, 4, 5, 6]
    assert reports[-1][1] < 0.7 * reports[0][1]


@pytest.mark.slow
def test_training_stops_once_the_validation_loss_rises() -> None:
    reports: list[int] = []
    # Labels drawn at random teach nothing that holds for other cases.
    noise = np.random.default_rng(3).permutation(TRAIN.is_right)
    mislabelled = TRAIN.__class__(**{**vars(TRAIN), "is_right": noise})
    config = RankerConfig(width=32, epochs=60, patience=2, batch_size=32, learning_rate=1e-2)

    train_ranker(
        mislabelled, VALID, DRAWN_VIEW, config, 0, lambda number, _: reports.append(number)
    )

    assert len(reports) < 60


def test_a_link_threshold_links_from_its_probability_on() -> None:
    ranker = train_ranker(TRAIN, VALID, DRAWN_VIEW, QUICK, 0)
    observation = DRAWN_VIEW.observe(VALID, np.arange(len(VALID)), np.asarray(VALID.available))
    no_match = DRAWN_VIEW.layout.no_match

    plain = ScorerPolicy(ranker).logits(observation)[:, : no_match + 1]
    thresholded = ScorerPolicy(with_link_threshold(ranker, 0.75)).logits(observation)[
        :, : no_match + 1
    ]

    best, none = plain[:, :no_match].max(axis=1), plain[:, no_match]
    linked = thresholded.argmax(axis=1) < no_match
    assert np.array_equal(linked, best - none > math.log(3))


@pytest.mark.parametrize(("cases", "batch"), [(1, 16), (300, 16), (7_200, 112), (100_000, 512)])
def test_few_cases_are_shown_often_in_small_batches_and_all_equally_often(
    cases: int, batch: int
) -> None:
    updates = list(batches(cases, RankerConfig(), np.random.default_rng(0)))

    shown = np.bincount(np.concatenate(updates), minlength=cases)
    assert len(updates) >= 100
    assert max(map(len, updates)) == min(batch, cases)
    assert np.ptp(shown) == 0


@pytest.mark.parametrize(
    "changes", [{"epochs": 0}, {"min_updates": 0}, {"all_blockers_share": 1.5}, {"ema_decay": 1.0}]
)
def test_nonsense_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="ranker"):
        RankerConfig(**changes)  # type: ignore[arg-type]
