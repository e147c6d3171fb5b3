import numpy as np
import pytest

from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import Outcome, RewardWeights
from linkage_rl.envs.core import LinkageCore
from linkage_rl.errors import ConfigError, IllegalActionError
from tests.cases_factory import DRAWN_VIEW, synthetic_cases, two_clients, without_pairs

VIEW = View(max_candidates=2, costs=(0.01, 0.05), allow_review=True)
LINK_0, LINK_1, NO_MATCH, REVIEW, RUN_NAME, RUN_NGRAM = range(6)


def core_at(*cases: int) -> LinkageCore:
    core = LinkageCore(two_clients(), VIEW, batch=len(cases), rng=np.random.default_rng(0))
    core.reset(np.array(cases))
    return core


def test_running_a_blocker_then_linking_pays_one_minus_its_cost() -> None:
    core = core_at(0)

    ran = core.step(np.array([RUN_NGRAM]), restart=False)
    linked = core.step(np.array([LINK_0]), restart=False)

    assert not ran.done[0]
    assert linked.outcome[0] == Outcome.CORRECT_LINK
    assert ran.reward[0] + linked.reward[0] == pytest.approx(1.0 - 0.05)


def test_a_second_blocker_shows_the_candidates_of_both_by_falling_retrieval_score() -> None:
    core = core_at(0)

    core.step(np.array([RUN_NGRAM]), restart=False)
    step = core.step(np.array([RUN_NAME]), restart=False)

    assert step.observation.slot_candidates[0].tolist() == [0, 1]
    assert step.observation.state[0] == pytest.approx([1, 1, 1.0, 0.06])


def test_an_illegal_action_costs_its_penalty_and_changes_nothing() -> None:
    core = core_at(1)
    before = core.observation

    step = core.step(np.array([RUN_NGRAM]), restart=False)

    assert step.reward[0] == pytest.approx(-0.05)
    assert step.terms["illegal"].tolist() == [1.0]
    assert not step.done[0]
    assert np.array_equal(step.observation.action_mask, before.action_mask)


def test_an_action_outside_the_space_is_refused() -> None:
    with pytest.raises(IllegalActionError, match=r"0\.\.5, got 6\.\.6"):
        core_at(0).step(np.array([6]))


def test_one_action_is_needed_for_each_episode() -> None:
    with pytest.raises(IllegalActionError, match=r"expected 2 actions, got shape \(1,\)"):
        core_at(0, 0).step(np.array([NO_MATCH]))


def test_a_finished_episode_is_replaced_by_the_next_case_at_once() -> None:
    core = LinkageCore(two_clients(), VIEW, batch=2, order="sequential")
    core.reset()

    step = core.step(np.array([NO_MATCH, RUN_NAME]))

    assert step.outcome.tolist() == [Outcome.MISSED_LINK, Outcome.RUNNING]
    assert core.episodes.case.tolist() == [0, 1]
    assert core.episodes.ran.tolist() == [0, 1]
    assert step.after.action.tolist() == [NO_MATCH, -1]


def test_a_truncated_episode_is_replaced_and_its_last_observation_kept() -> None:
    core = core_at(0, 0)

    step = core.step(np.array([RUN_NAME, RUN_NAME]), truncate=np.array([True, False]))

    assert step.final.slot_candidates[:, 0].tolist() == [0, 0]
    assert step.observation.slot_candidates[:, 0].tolist() == [-1, 0]
    assert not step.done.any()


def test_with_all_run_every_available_blocker_has_run_at_no_cost() -> None:
    core = LinkageCore(two_clients(), VIEW, batch=2, all_run=True)
    core.reset(np.array([0, 1]))

    step = core.step(np.array([LINK_1, NO_MATCH]), restart=False)

    assert step.reward == pytest.approx([1.0, 0.5])
    assert step.observation.action_mask[:, RUN_NAME:].tolist() == [[0, 0], [0, 0]]


def test_weights_can_be_replaced_between_steps() -> None:
    core = core_at(1, 1)

    core.weights = RewardWeights(correct_reject=0.3)

    assert core.step(np.array([NO_MATCH, REVIEW])).reward == pytest.approx([0.3, 0.1])


def test_clients_without_candidates_can_still_be_rejected() -> None:
    core = LinkageCore(without_pairs(two_clients()), VIEW, batch=2)
    core.reset(np.array([0, 1]))

    step = core.step(np.array([RUN_NAME, NO_MATCH]), restart=False)
    core.step(np.array([LINK_0, LINK_0]), restart=False)

    assert step.outcome.tolist() == [Outcome.RUNNING, Outcome.CORRECT_REJECT]
    assert core.episodes.action.tolist() == [-1, NO_MATCH]


def test_equal_seeds_draw_equal_cases() -> None:
    cases = synthetic_cases(50, np.random.default_rng(0))

    def drawn(seed: int) -> list[int]:
        core = LinkageCore(cases, DRAWN_VIEW, batch=8, rng=np.random.default_rng(seed))
        core.reset()
        core.step(np.full(8, DRAWN_VIEW.layout.no_match))
        return [int(case) for case in core.episodes.case]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_the_tally_counts_outcomes_blockers_and_reward() -> None:
    core = core_at(0, 1)
    core.step(np.array([RUN_NGRAM, NO_MATCH]), restart=False)
    core.step(np.array([LINK_0, LINK_0]), restart=False)

    tally = core.clear_tally()

    assert tally.outcomes[Outcome.CORRECT_LINK] == 1
    assert tally.blockers == 1
    assert tally.steps == 4
    assert core.tally.steps == 0


def test_costs_must_fit_the_blockers() -> None:
    with pytest.raises(ConfigError, match=r"expected 2 costs.*\['name', 'ngram'\], got 1"):
        LinkageCore(two_clients(), View(2, (0.1,)))


def test_no_cases_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least one case"):
        LinkageCore(two_clients().take(np.zeros(0, dtype=np.int64)), VIEW)
