"""The batched environment core; its three adapters (Env, VectorEnv, VecEnv) only translate it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision import episode, rewards
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.episode import Episodes
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import Outcome, RewardWeights
from linkage_rl.errors import ConfigError, IllegalActionError
from linkage_rl.records import Observation

Order = Literal["random", "sequential"]

NEXT_CASE: Final = -1
"""In place of the position of a case: take the next one in the order of the core."""


@dataclass(frozen=True)
class Step:
    """What one action in each of B episodes led to."""

    observation: Observation
    """The next observation; where a finished episode was replaced, the first of its successor."""
    reward: NDArray[np.float32]
    """Shape (B,)."""
    terms: Mapping[str, NDArray[np.float32]]
    """Unweighted terms of the reward by name, each of shape (B,)."""
    outcome: NDArray[np.int8]
    """`Outcome`, shape (B,)."""
    after: Episodes
    """The episodes after the action, before any is replaced."""
    final: Observation
    """Observation of the episodes `after`."""

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which episodes have ended, shape (B,)."""
        done: NDArray[np.bool_] = self.outcome != Outcome.RUNNING
        return done


@dataclass
class Tally:
    """Running totals since they were last cleared, for progress reports."""

    outcomes: NDArray[np.int64]
    """Finished episodes by `Outcome`, shape (6,)."""
    reward: float = 0.0
    blockers: int = 0
    """Blockers run."""
    steps: int = 0
    """Actions taken, over all episodes."""


class LinkageCore:
    """B episodes side by side over prepared cases; a step only gathers arrays, no table is read."""

    def __init__(
        self,
        cases: CaseSet,
        view: View,
        weights: RewardWeights | None = None,
        *,
        batch: int = 1,
        rng: np.random.Generator | None = None,
        all_run: bool = False,
        order: Order = "random",
    ) -> None:
        """Prepare the core; `reset` starts it.

        Args:
            cases: The clients to draw from.
            view: How they are shown.
            weights: Value of the reward terms; may be replaced between steps.
            batch: Episodes side by side, B.
            rng: Draws the cases; a new generator if None.
            all_run: Start with every blocker that applies to the client, at no cost.
            order: Draw cases at random with replacement, or take one after the other, starting
                over after the last.

        Raises:
            ConfigError: There are no cases or no episodes, or the costs do not fit the blockers.
        """
        if len(cases) == 0:
            raise ConfigError("an environment needs at least one case, got none")
        if batch < 1:
            raise ConfigError(f"expected at least 1 episode side by side, got {batch}")
        view.check_blockers(cases.blockers)
        self.cases = cases
        self.view = view
        self.weights = RewardWeights() if weights is None else weights
        self.batch = batch
        self.rng = np.random.default_rng() if rng is None else rng
        self.all_run = all_run
        self.order = order
        self.tally = _empty_tally()
        self._next_case = 0
        self.before = episode.begin(np.zeros(batch, dtype=np.int64))
        """The episodes when the last action was chosen."""
        self.episodes = self.before
        """The episodes as they are now."""
        self.observation = self._observe()

    def reset(
        self,
        case: NDArray[np.int64] | None = None,
        rows: NDArray[np.bool_] | None = None,
    ) -> Observation:
        """Start new episodes.

        Args:
            case: Case of each episode, shape (B,), `NEXT_CASE` where it is to be drawn; None draws
                all of them.
            rows: Which episodes to replace, shape (B,); None replaces all of them.
        """
        replaced = np.arange(self.batch) if rows is None else np.flatnonzero(rows)
        wanted = np.full(self.batch, NEXT_CASE) if case is None else case
        self.episodes = self.before = self._restart(self.episodes, replaced, wanted[replaced])
        self.observation = self._observe()
        return self.observation

    def rewind(self) -> None:
        """Let the sequential order begin anew with case 0."""
        self._next_case = 0

    def step(
        self,
        actions: NDArray[np.int64],
        *,
        restart: bool = True,
        truncate: NDArray[np.bool_] | None = None,
        idle: NDArray[np.bool_] | None = None,
    ) -> Step:
        """Act once in every episode.

        Args:
            actions: One action for each episode, shape (B,); an illegal one changes nothing.
            restart: Replace finished episodes at once by new ones.
            truncate: Episodes that are replaced even if they have not finished, shape (B,).
            idle: Episodes whose action is ignored: nothing changes, the reward is 0; shape (B,).

        Raises:
            IllegalActionError: An action lies outside the action space, or one is missing.
        """
        if actions.shape != (self.batch,):
            raise IllegalActionError(f"expected {self.batch} actions, got shape {actions.shape}")
        before, seen = self.episodes, self.observation
        mask = seen.action_mask
        if idle is not None:
            actions = np.where(idle, 0, actions)
            mask = np.where(idle[:, None], np.int8(0), mask)
        after = episode.advance(self.view.layout, before, actions, mask)
        pair = self.linked_pairs(after, seen)
        outcome = rewards.outcomes(
            self.view.layout, after.action, self._is_right(pair), self.cases.has_row[after.case]
        )
        terms = rewards.terms(self.view, before, after, outcome)
        if idle is not None:
            terms["illegal"][idle] = 0.0
        reward = self.weights.total(terms)
        self._count(reward, outcome, before, after, idle)
        self.before, self.episodes = before, after
        # Ending an episode changes nothing that is observed, so that a second observation is
        # needed only where episodes are truncated.
        final = seen
        if not restart or (truncate is not None and (truncate & ~after.done).any()):
            self.observation = final = self._observe()
        if restart:
            ended = np.flatnonzero(after.done if truncate is None else after.done | truncate)
            self.episodes = self._restart(after, ended, np.full(len(ended), NEXT_CASE))
            self.observation = self._observe()
        return Step(self.observation, reward, terms, outcome, after, final)

    def linked_pairs(self, episodes: Episodes, observation: Observation) -> NDArray[np.int64]:
        """Pair that each episode linked, -1 where it did not; shape (B,).

        Args:
            episodes: B episodes.
            observation: Their observation.
        """
        slots = self.view.layout.slots
        slot = np.clip(episodes.action, 0, slots - 1)
        pair = observation.slot_candidates[np.arange(len(slot)), slot]
        return np.where((episodes.action >= 0) & (episodes.action < slots), pair, -1)

    def clear_tally(self) -> Tally:
        """The totals so far; counting starts anew."""
        tally, self.tally = self.tally, _empty_tally()
        return tally

    def _is_right(self, pair: NDArray[np.int64]) -> NDArray[np.bool_]:
        if self.cases.pairs == 0:
            return np.zeros(len(pair), dtype=np.bool_)
        return (pair >= 0) & self.cases.is_right[np.maximum(pair, 0)]

    def _count(
        self,
        reward: NDArray[np.float32],
        outcome: NDArray[np.int8],
        before: Episodes,
        after: Episodes,
        idle: NDArray[np.bool_] | None,
    ) -> None:
        self.tally.outcomes += np.bincount(outcome, minlength=len(Outcome))
        self.tally.reward += float(reward.sum())
        self.tally.blockers += int((before.ran != after.ran).sum())
        self.tally.steps += len(reward) - (0 if idle is None else int(idle.sum()))

    def _draw(self, count: int) -> NDArray[np.int64]:
        if self.order == "random":
            return self.rng.integers(len(self.cases), size=count)
        drawn = (self._next_case + np.arange(count)) % len(self.cases)
        self._next_case = (self._next_case + count) % len(self.cases)
        return drawn

    def _restart(
        self, episodes: Episodes, rows: NDArray[np.int64], wanted: NDArray[np.int64]
    ) -> Episodes:
        """The episodes with those in `rows` replaced by new ones of the wanted cases."""
        if len(rows) == 0:
            return episodes
        chosen = wanted.copy()
        drawn = np.flatnonzero(wanted == NEXT_CASE)
        if len(drawn):
            chosen[drawn] = self._draw(len(drawn))
        ran = np.asarray(self.cases.available[chosen]) if self.all_run else None
        fresh = episode.begin(chosen, ran)
        case, ran, action = episodes.case.copy(), episodes.ran.copy(), episodes.action.copy()
        case[rows] = fresh.case
        ran[rows] = fresh.ran
        action[rows] = fresh.action
        return replace(episodes, case=case, ran=ran, action=action)

    def _observe(self) -> Observation:
        return self.view.observe(self.cases, self.episodes.case, self.episodes.ran)


def _empty_tally() -> Tally:
    return Tally(np.zeros(len(Outcome), dtype=np.int64))
