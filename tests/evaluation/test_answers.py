from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.errors import SchemaError
from linkage_rl.evaluation.answers import Answers, stand, with_calibration
from linkage_rl.records import DecisionKind

WEIGHTS = RewardWeights()


def said(confidence: list[float], right: list[int], has_row: list[int]) -> Answers:
    """Answers whose own judgement links everybody with a candidate, each for a cost of 0.1."""
    scores = np.array(confidence, dtype=np.float32)
    clients = len(scores)
    return Answers(
        kind=np.where(scores > 0, DecisionKind.LINK, DecisionKind.NO_MATCH).astype(np.int8),
        pair=np.where(scores > 0, np.arange(clients), -1),
        confidence=scores,
        right=np.array(right, dtype=np.bool_),
        has_row=np.array(has_row, dtype=np.bool_),
        ran=np.full(clients, 0b11, dtype=np.uint16),
        cost=np.full(clients, 0.1, dtype=np.float32),
        dataset=np.zeros(clients, dtype=np.int16),
    )


def test_own_decisions_are_kept_where_no_goal_is_given() -> None:
    """Two right links, a wrong one, and a client without a row left alone: F1 = 4 / (3 + 3)."""
    test = said([0.9, 0.8, 0.7, 0.0], right=[1, 1, 0, 0], has_row=[1, 1, 1, 0])

    figures = stand(test, test, None, WEIGHTS).figures()

    assert figures["linked"] == 3
    assert figures["f1"] == pytest.approx(4 / 6)
    assert figures["blockers_per_client"] == 2
    assert figures["expected_reward"] == pytest.approx((1 + 1 - 4 + 0.5) / 4 - 0.1)


def test_the_threshold_comes_from_valid_and_is_applied_to_test() -> None:
    """On valid all from 0.6 on is right and all below wrong; test has one client at 0.59."""
    valid = said([0.9, 0.6, 0.5, 0.4], right=[1, 1, 0, 0], has_row=[1, 1, 0, 0])
    test = said([0.99, 0.51, 0.59], right=[1, 0, 1], has_row=[1, 0, 1])

    standing = stand(valid, test, "f1", WEIGHTS)

    assert standing.threshold == pytest.approx(0.55)
    assert standing.answers.kind.tolist() == [1, 0, 1]
    assert standing.figures()["f1"] == 1.0


def test_any_rising_score_becomes_a_probability() -> None:
    """40 clients at 0.001 of whom half are right, 40 at 0.002 who all are."""
    valid = said([0.001] * 40 + [0.002] * 40, [1, 0] * 20 + [1] * 40, has_row=[1] * 80)
    test = said([0.001, 0.002, 0.0], [1, 1, 0], has_row=[1, 1, 1])

    _, told = with_calibration(valid, test)

    assert told.confidence.tolist() == pytest.approx([0.5, 1.0, 0.0])


def test_each_list_can_have_a_scale_of_its_own() -> None:
    """The score 0.001 is right half of the time on list 0, always on list 1."""
    dataset = np.repeat(np.array([0, 1], dtype=np.int16), 40)
    valid = said([0.001] * 80, [1, 0] * 20 + [1] * 40, has_row=[1] * 80)
    valid = replace(valid, dataset=dataset)
    first, _ = with_calibration(valid, valid, dataset=0)

    both, _ = with_calibration(first, first, dataset=1)

    assert first.confidence[40:].tolist() == valid.confidence[40:].tolist()
    assert both.confidence[[0, 40]].tolist() == pytest.approx([0.5, 1.0])


def test_a_system_that_names_nobody_links_nobody() -> None:
    silent = said([0.0, 0.0], right=[0, 0], has_row=[1, 0])

    standing = stand(*with_calibration(silent, silent), "f1", WEIGHTS)

    assert standing.figures()["linked"] == 0
    assert standing.figures()["recall"] == 0.0


def test_answers_survive_being_saved(tmp_path: Path) -> None:
    answers = said([0.5, 0.0], right=[1, 0], has_row=[1, 0])

    answers.save(tmp_path / "answers.npz")
    back = Answers.load(tmp_path / "answers.npz")

    assert back.confidence.tolist() == [0.5, 0.0]
    assert back.kind.dtype == np.int8


def test_a_right_company_for_a_client_without_a_row_is_refused() -> None:
    with pytest.raises(SchemaError, match="no row"):
        said([0.5], right=[1], has_row=[0])
