from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.errors import InputFileError, SchemaError
from linkage_rl.evaluation.answers import (
    Answers,
    ThresholdedAnswers,
    apply_threshold,
    best_threshold,
    calibrate,
)
from linkage_rl.records import DecisionKind, Decisions
from tests.cases_factory import Candidate, Client, typed_cases

WEIGHTS = RewardWeights()


def chosen_on(valid: Answers, test: Answers) -> ThresholdedAnswers:
    return apply_threshold(test, best_threshold(valid, "f1", WEIGHTS), WEIGHTS)


def answers_of(confidence: list[float], right: list[int], has_row: list[int]) -> Answers:
    """Answers of a system that links every client with a candidate, each at a cost of 0.1."""
    scores = np.array(confidence, dtype=np.float32)
    clients = len(scores)
    return Answers(
        kind=np.where(scores > 0, DecisionKind.LINK, DecisionKind.NO_MATCH).astype(np.int8),
        has_candidate=scores > 0,
        pair=np.where(scores > 0, np.arange(clients), -1),
        confidence=scores,
        tied=np.ones(clients, dtype=np.int16),
        right=np.array(right, dtype=np.bool_),
        has_row=np.array(has_row, dtype=np.bool_),
        ran=np.full(clients, 0b11, dtype=np.uint16),
        cost=np.full(clients, 0.1, dtype=np.float32),
        dataset=np.zeros(clients, dtype=np.int16),
    )


def test_own_decisions_are_kept_without_a_threshold() -> None:
    """Two right links, a wrong one, and a right reject: F1 = 4 / (3 + 3)."""
    test = answers_of([0.9, 0.8, 0.7, 0.0], right=[1, 1, 0, 0], has_row=[1, 1, 1, 0])

    figures = apply_threshold(test, None, WEIGHTS).figures()

    assert figures["linked"] == 3
    assert figures["f1"] == pytest.approx(4 / 6)
    assert figures["blockers_per_client"] == 2
    assert figures["expected_reward"] == pytest.approx((1 + 1 - 4 + 0.5) / 4 - 0.1)


def test_the_threshold_comes_from_valid_and_is_applied_to_test() -> None:
    """On valid all from 0.6 on is right and all below wrong; test has one client at 0.59."""
    valid = answers_of([0.9, 0.6, 0.5, 0.4], right=[1, 1, 0, 0], has_row=[1, 1, 0, 0])
    test = answers_of([0.99, 0.51, 0.59], right=[1, 0, 1], has_row=[1, 0, 1])

    thresholded = chosen_on(valid, test)

    assert thresholded.threshold == pytest.approx(0.55)
    assert thresholded.answers.kind.tolist() == [1, 0, 1]
    assert thresholded.figures()["f1"] == 1.0


def test_any_rising_score_becomes_a_probability() -> None:
    """40 clients at 0.001 of whom half are right, 40 at 0.002 who all are."""
    valid = answers_of([0.001] * 40 + [0.002] * 40, [1, 0] * 20 + [1] * 40, has_row=[1] * 80)
    test = answers_of([0.001, 0.002, 0.0], [1, 1, 0], has_row=[1, 1, 1])

    _, calibrated = calibrate(valid, test)

    assert calibrated.confidence.tolist() == pytest.approx([0.5, 1.0, 0.0])


def test_each_list_can_have_a_scale_of_its_own() -> None:
    """The score 0.001 is right half of the time on list 0, always on list 1."""
    dataset = np.repeat(np.array([0, 1], dtype=np.int16), 40)
    valid = answers_of([0.001] * 80, [1, 0] * 20 + [1] * 40, has_row=[1] * 80)
    valid = replace(valid, dataset=dataset)
    first, _ = calibrate(valid, valid, dataset=0)

    both, _ = calibrate(first, first, dataset=1)

    assert first.confidence[40:].tolist() == valid.confidence[40:].tolist()
    assert both.confidence[[0, 40]].tolist() == pytest.approx([0.5, 1.0])


def test_a_system_without_candidates_links_no_client() -> None:
    silent = answers_of([0.0, 0.0], right=[0, 0], has_row=[1, 0])

    thresholded = chosen_on(*calibrate(silent, silent))

    assert thresholded.figures()["linked"] == 0
    assert thresholded.figures()["recall"] == 0.0


def test_answers_survive_being_saved(tmp_path: Path) -> None:
    answers = answers_of([0.5, 0.0], right=[1, 0], has_row=[1, 0])

    answers.save(tmp_path / "answers.npz")
    back = Answers.load(tmp_path / "answers.npz")

    assert back.confidence.tolist() == [0.5, 0.0]
    assert back.kind.dtype == np.int8


def test_a_right_company_for_a_client_without_a_row_is_refused() -> None:
    with pytest.raises(SchemaError, match="no row"):
        answers_of([0.5], right=[1], has_row=[0])


def test_a_candidate_counts_by_being_named_not_by_its_confidence() -> None:
    """Case 0 has a candidate in which the policy has no confidence at all, case 1 has none."""
    cases = typed_cases([Client([Candidate("apex", 1, 0.9, right=True)]), Client([])])
    decisions = Decisions(
        kind=np.zeros(2, dtype=np.int8),
        candidate=np.array([0, -1]),
        confidence=np.array([0.0, 0.3], dtype=np.float32),
        tied=np.ones(2, dtype=np.int16),
        ran=np.zeros(2, dtype=np.uint16),
        cost=np.zeros(2, dtype=np.float32),
    )

    answers = Answers.of(decisions, cases)

    assert answers.has_candidate.tolist() == [True, False]
    assert answers.right.tolist() == [True, False]
    assert answers.confidence.tolist() == [0.0, 0.0]
    assert calibrate(answers, answers)[1].confidence.tolist() == [1.0, 0.0]


def test_a_peer_whose_candidate_is_no_prepared_pair_is_measured_alike() -> None:
    answers = answers_of([0.9, 0.8, 0.0], right=[1, 0, 0], has_row=[1, 1, 0])
    peer = replace(answers, pair=np.full(3, -1))

    ours, theirs = (chosen_on(*calibrate(some, some)) for some in (answers, peer))

    assert theirs.figures_with_interval() == ours.figures_with_interval()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"kind": np.full(1, DecisionKind.LINK, np.int8)}, "a link needs a candidate"),
        ({"confidence": np.full(1, 0.5, np.float32)}, "need confidence 0"),
        ({"cost": np.zeros(2, np.float32)}, "one value per client in every array"),
    ],
)
def test_answers_that_contradict_themselves_are_refused(
    changed: dict[str, NDArray[Any]], sentence: str
) -> None:
    without_candidate = answers_of([0.0], right=[0], has_row=[1])

    with pytest.raises(SchemaError, match=sentence):
        replace(without_candidate, **changed)


def test_answers_saved_by_an_earlier_version_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "answers.npz"
    np.savez(path, kind=np.zeros(1))

    with pytest.raises(InputFileError, match="earlier version: delete them and run"):
        Answers.load(path)
