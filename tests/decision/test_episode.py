"""Laws of the decision process."""

import numpy as np
import pytest

from linkage_rl.decision.episode import (
    ActionLayout,
    Episodes,
    advance,
    begin,
    blocker_cost,
    legal_actions,
)
from linkage_rl.errors import IllegalActionError

LAYOUT = ActionLayout(slots=3, blockers=2)
LINK_0, LINK_2, NO_MATCH, REVIEW, RUN_0, RUN_1 = 0, 2, 3, 4, 5, 6


def mask(filled: int, ran: int, available: int = 0b11, allow_review: bool = False) -> list[int]:
    """Legal actions of one episode."""
    legal = legal_actions(
        LAYOUT,
        np.array([filled]),
        np.array([ran], dtype=np.uint16),
        np.array([available], dtype=np.uint16),
        allow_review,
    )
    return legal[0].tolist()  # type: ignore[no-any-return]


def step(episode: Episodes, *actions: int) -> Episodes:
    """One client with two candidates after any blocker; both blockers apply."""
    for action in actions:
        filled = np.where(episode.ran > 0, 2, 0)
        legal = legal_actions(
            LAYOUT, filled, episode.ran, np.full(1, 0b11, np.uint16), allow_review=True
        )
        episode = advance(LAYOUT, episode, np.array([action]), legal)
    return episode


def start() -> Episodes:
    return begin(np.array([7]))


def test_actions_are_links_then_no_match_then_review_then_blockers() -> None:
    assert (LAYOUT.no_match, LAYOUT.review, LAYOUT.first_blocker, LAYOUT.size) == (3, 4, 5, 7)


@pytest.mark.parametrize(
    ("filled", "ran", "available", "allow_review", "legal"),
    [
        (0, 0b00, 0b11, False, [0, 0, 0, 1, 0, 1, 1]),
        (0, 0b00, 0b10, False, [0, 0, 0, 1, 0, 0, 1]),
        (2, 0b01, 0b11, False, [1, 1, 0, 1, 0, 0, 1]),
        (3, 0b11, 0b11, True, [1, 1, 1, 1, 1, 0, 0]),
        (0, 0b00, 0b00, False, [0, 0, 0, 1, 0, 0, 0]),
    ],
)
def test_legal_are_filled_slots_no_match_and_available_blockers_not_yet_run(
    filled: int, ran: int, available: int, allow_review: bool, legal: list[int]
) -> None:
    assert mask(filled, ran, available, allow_review) == legal


def test_running_a_blocker_marks_it_and_the_episode_goes_on() -> None:
    after = step(start(), RUN_1)

    assert after.ran.tolist() == [0b10]
    assert not after.done[0]


@pytest.mark.parametrize("action", [NO_MATCH, REVIEW])
def test_stopping_ends_the_episode_with_that_action(action: int) -> None:
    after = step(start(), action)

    assert after.done[0]
    assert after.action.tolist() == [action]


def test_a_visible_candidate_can_be_linked() -> None:
    assert step(start(), RUN_0, LINK_0).action.tolist() == [LINK_0]


@pytest.mark.parametrize("action", [LINK_0, LINK_2])
def test_an_illegal_action_changes_nothing(action: int) -> None:
    before = start()

    after = step(before, action)

    assert (after.ran, after.action) == (before.ran, before.action)


def test_a_blocker_runs_only_once() -> None:
    once = step(start(), RUN_0)

    assert step(once, RUN_0) == once


@pytest.mark.parametrize("action", range(7))
def test_an_ended_episode_stays_ended(action: int) -> None:
    ended = step(start(), RUN_0, LINK_0)

    assert step(ended, action) == ended


@pytest.mark.parametrize("action", [-1, 7])
def test_an_action_outside_the_space_is_refused(action: int) -> None:
    with pytest.raises(IllegalActionError, match=rf"actions in 0\.\.6, got {action}\.\.{action}"):
        step(start(), action)


def test_episodes_advance_side_by_side() -> None:
    episodes = begin(np.array([4, 5, 6]), np.array([0, 0b01, 0b10], dtype=np.uint16))
    everything = np.ones((3, 7), dtype=np.int8)

    after = advance(LAYOUT, episodes, np.array([RUN_0, LINK_2, RUN_0]), everything)

    assert after.case.tolist() == [4, 5, 6]
    assert after.ran.tolist() == [0b01, 0b01, 0b11]
    assert after.action.tolist() == [-1, LINK_2, -1]


def test_random_episodes_end_and_run_only_available_blockers() -> None:
    rng = np.random.default_rng(0)
    available = rng.integers(0, 4, size=200).astype(np.uint16)
    episodes = begin(np.arange(200))

    for _ in range(LAYOUT.blockers + 1):
        filled = np.where(episodes.ran > 0, 3, 0)
        legal = legal_actions(LAYOUT, filled, episodes.ran, available, allow_review=False)
        actions = np.array([rng.choice(np.flatnonzero(row)) for row in legal])
        episodes = advance(LAYOUT, episodes, actions, legal)

    # two blockers at most, so that the third action of every episode is the last
    assert episodes.done.all()
    assert not (episodes.ran & ~available).any()


def test_no_episodes_advance_to_no_episodes() -> None:
    none = begin(np.zeros(0, dtype=np.int64))

    assert len(advance(LAYOUT, none, none.case, np.zeros((0, 7), np.int8)).case) == 0


def test_the_cost_is_that_of_all_blockers_run() -> None:
    costs = np.array([0.01, 0.02, 0.5], dtype=np.float32)

    cost = blocker_cost(np.array([0b000, 0b101, 0b111], dtype=np.uint16), costs)

    assert cost == pytest.approx([0, 0.51, 0.53])
