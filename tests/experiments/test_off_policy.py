"""The doubly robust gain of a new policy, by hand and where the truth is known."""

import math

import numpy as np
import pytest

from experiments.suite.off_policy import (
    HIDDEN,
    NO_MATCH,
    LoggedActions,
    gain_of,
    logged_actions,
    reward_of,
)
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.decision_log.rows import Answer, DecisionRows, Verdict
from linkage_rl.errors import SchemaError

WEIGHTS = RewardWeights(wrong_link=-1.0, correct_reject=0.25)


def one_link(action: int, chance: float, reward: float) -> LoggedActions:
    """Two clients whose best company is right with 0.6; the second is not judged."""
    return LoggedActions(
        shares=np.array([[0.6], [0.6]]),
        no_match=np.array([0.4, 0.4]),
        action=np.array([action, NO_MATCH]),
        greedy=np.array([NO_MATCH, NO_MATCH]),
        chance=np.array([chance, 1.0]),
        reward=np.array([reward, math.nan]),
    )


def test_the_estimate_is_the_model_corrected_by_what_was_seen() -> None:
    link = np.array([0, NO_MATCH])

    estimate = gain_of(link, one_link(0, chance=0.5, reward=1.0), WEIGHTS)

    # model: link 0.6 - 0.4 = 0.2, no match 0.4 * 0.25 - 0.6 * 0.5 = -0.2, difference 0.4;
    # seen: (1 - 0.2) / 0.5 = 1.6 more; the second client adds 0
    assert estimate.gain == pytest.approx((0.4 + 1.6) / 2)
    assert (estimate.judged, estimate.informative) == (1, 1)


def test_an_action_that_neither_policy_takes_tells_nothing() -> None:
    link = np.array([0, NO_MATCH])

    estimate = gain_of(link, one_link(HIDDEN, chance=0.5, reward=-1.0), WEIGHTS)

    assert estimate.gain == pytest.approx(0.4 / 2)
    assert estimate.informative == 0


def test_equal_policies_gain_exactly_nothing() -> None:
    logged = one_link(0, chance=0.1, reward=1.0)

    estimate = gain_of(logged.greedy, logged, WEIGHTS)

    assert (estimate.gain, estimate.standard_error) == (0, 0)


def test_intervals_hold_the_true_gain_although_the_model_is_wrong() -> None:
    """Linking is right for 0.8 of the clients, the model says 0.5; one in five is explored."""
    rng = np.random.default_rng(1)
    true_gain = 0.8 * 1.0 + 0.2 * -1.0 - (0.2 * 0.25 + 0.8 * -0.5)
    runs, clients, held, gains = 200, 500, 0, []
    for _ in range(runs):
        right, links = rng.random(clients) < 0.8, rng.random(clients) < 0.2
        reward = np.where(links, np.where(right, 1.0, -1.0), np.where(right, -0.5, 0.25))
        logged = LoggedActions(
            shares=np.full((clients, 1), 0.5),
            no_match=np.full(clients, 0.5),
            action=np.where(links, 0, NO_MATCH),
            greedy=np.full(clients, NO_MATCH),
            chance=np.where(links, 0.2, 0.8),
            reward=reward,
        )
        estimate = gain_of(np.zeros(clients, dtype=np.int64), logged, WEIGHTS)
        held += estimate.low <= true_gain <= estimate.high
        gains.append(estimate.gain)

    assert np.mean(gains) == pytest.approx(true_gain, abs=0.02)
    assert 0.91 <= held / runs <= 0.99


@pytest.mark.parametrize(
    ("kind", "answer", "company_id", "reward"),
    [
        ("link", Answer.ACCEPT, "", 1.0),
        ("link", Answer.COMPANY, "a", 1.0),
        ("link", Answer.COMPANY, "b", -1.0),
        ("link", Answer.REJECT, "", -1.0),
        ("link", Answer.NONE, "", -1.0),
        ("no_match", Answer.ACCEPT, "", 0.25),
        ("no_match", Answer.NONE, "", 0.25),
        ("no_match", Answer.COMPANY, "a", -0.5),
        ("no_match", Answer.REJECT, "", -0.5),
    ],
)
def test_what_a_verdict_says_of_the_logged_action(
    kind: str, answer: Answer, company_id: str, reward: float
) -> None:
    verdict = Verdict("0", answer, company_id)

    assert reward_of(kind, "a" if kind == "link" else "", verdict, WEIGHTS) == reward


@pytest.mark.parametrize("answer", [Answer.UNSURE, Answer.WITHDRAWN])
def test_no_reward_is_known_without_an_answer(answer: Answer) -> None:
    assert math.isnan(reward_of("link", "a", Verdict("0", answer), WEIGHTS))
    assert math.isnan(reward_of("link", "a", None, WEIGHTS))
    assert math.isnan(reward_of("review", "", Verdict("0", Answer.NONE), WEIGHTS))


def test_a_log_is_read_into_places_and_chances() -> None:
    columns = {name: [""] * 3 for name in DecisionRows.__dataclass_fields__}
    columns |= {
        "decision_id": ["x", "y", "z"],
        "shown": ['[["a", 0.7], ["b", 0.2]]', '[["c", 0.3]]', "[]"],
        "no_match": [0.1, 0.7, 1.0],  # type: ignore[list-item]
        "action": ["link", "no_match", "review"],
        "greedy_action": ["link", "link", "no_match"],
        "company_id": ["b", "", ""],
        "propensity": [0.05, 0.9, 1.0],  # type: ignore[list-item]
    }
    verdicts = {"x": Verdict("x", Answer.REJECT, chance=0.5)}

    logged = logged_actions(DecisionRows(**columns), verdicts, WEIGHTS)  # type: ignore[arg-type]

    assert logged.shares.tolist() == [[0.7, 0.2], [0.3, 0], [0, 0]]
    assert logged.action.tolist() == [1, NO_MATCH, HIDDEN]
    assert logged.greedy.tolist() == [0, 0, NO_MATCH]
    assert logged.chance.tolist() == pytest.approx([0.025, 0.9, 1])
    assert logged.reward[0] == -1
    assert np.isnan(logged.reward[1:]).all()


def test_actions_for_other_decisions_are_refused() -> None:
    logged = one_link(0, chance=0.5, reward=1.0)

    with pytest.raises(SchemaError, match="got 3 for 2"):
        gain_of(np.zeros(3, dtype=np.int64), logged, WEIGHTS)
    with pytest.raises(SchemaError, match="chances above 0"):
        one_link(0, chance=0.0, reward=1.0)
