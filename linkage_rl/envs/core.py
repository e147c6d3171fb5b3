"""The batched environment core; the three faces (Env, VectorEnv, VecEnv) only translate it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision import episode, rewards
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.episode import Episodes
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import Outcome, RewardWeights
from linkage_rl.errors import ConfigError
from linkage_rl.records import Observation

Order = Literal["random", "sequential"]


@dataclass(frozen=True)
class Step:
    """What one action in each of B episodes led to."""

    observation: Observation
    """What is seen next: of a finished episode's successor where the core restarts."""
    reward: NDArray[np.float32]
    """Shape (B,)."""
    terms: Mapping[str, NDArray[np.float32]]
    """Named terms of the reward, each of shape (B,)."""
    outcome: NDArray[np.int8]
    """`Outcome`, shape (B,)."""
    after: Episodes
    """The episodes after the action, before any restart."""
    final: Observation
    """What is seen in the episodes `after`, before any restart."""

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
    steps: int = 0


class LinkageCore:
    """B episodes side by side over prepared cases; stepping gathers arrays and nothing else."""

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
            weights: Value of the outcomes; may be exchanged between steps.
            batch: Episodes side by side, B.
            rng: Draws the cases; a fresh one if None.
            all_run: Start with every blocker that the client can ask, at no cost.
            order: Draw cases at random with replacement, or one after the other, again and again.

        Raises:
            ConfigError: There are no cases, or the costs do not fit their blockers.
        """
        if len(cases) == 0:
            raise ConfigError("an environment needs at least one case, got none")
        if len(view.costs) != len(cases.blockers):
            raise ConfigError(
                f"expected {len(cases.blockers)} costs, one per blocker {list(cases.blockers)}, "
                f"got {len(view.costs)}"
            )
        self.cases = cases
        self.view = view
        self.weights = RewardWeights() if weights is None else weights
        self.batch = batch
        self.rng = np.random.default_rng() if rng is None else rng
        self.all_run = all_run
        self.order = order
        self.tally = Tally(np.zeros(len(Outcome), dtype=np.int64))
        self._next_case = 0
        self.before = episode.begin(np.zeros(batch, dtype=np.int64))
        """The episodes when the last action was chosen."""
        self.episodes = self.before
        """The episodes as they stand now."""
        self.observation = self._observe()

    def reset(self, case: NDArray[np.int64] | None = None) -> Observation:
        """Start B episodes, of these cases or of newly drawn ones."""
        if case is None:
            if self.order == "sequential":
                self._next_case = 0
            case = self._draw(self.batch)
        self.episodes = self.before = self._begin(case)
        self.observation = self._observe()
        return self.observation

    def step(
        self,
        actions: NDArray[np.int64],
        *,
        restart: bool = True,
        overdue: NDArray[np.bool_] | None = None,
    ) -> Step:
        """Act once in every episode.

        Args:
            actions: One action for each episode, shape (B,); an illegal one changes nothing.
            restart: Replace finished episodes at once by new ones.
            overdue: Episodes that are replaced even if they have not finished, shape (B,).

        Raises:
            IllegalActionError: An action lies outside the action space.
        """
        before, seen = self.episodes, self.observation
        after = episode.advance(self.view.layout, before, actions, seen.action_mask)
        outcome = rewards.outcomes(
            self.view.layout, after.action, self._is_right(after), self.cases.has_row[after.case]
        )
        terms = rewards.terms(self.view, before, after, outcome)
        reward = self.weights.total(terms)
        self._count(reward, outcome, before, after)
        self.before, self.episodes = before, after
        # A stop changes nothing that is seen, so only episodes cut short are looked at again.
        final = seen
        if not restart or (overdue is not None and (overdue & ~after.done).any()):
            self.observation = final = self._observe()
        if restart:
            ended = after.done if overdue is None else after.done | overdue
            self.episodes = self._restart(after, np.flatnonzero(ended))
            self.observation = self._observe()
        return Step(self.observation, reward, terms, outcome, after, final)

    def linked_pairs(self, episodes: Episodes) -> NDArray[np.int64]:
        """Pair that each episode linked, -1 where it did not; shape (B,)."""
        slots = self.view.layout.slots
        slot = np.clip(episodes.action, 0, slots - 1)
        pair = self.observation.slot_pairs[np.arange(len(slot)), slot]
        return np.where((episodes.action >= 0) & (episodes.action < slots), pair, -1)

    def clear_tally(self) -> Tally:
        """The totals so far; counting starts anew."""
        tally, self.tally = self.tally, Tally(np.zeros(len(Outcome), dtype=np.int64))
        return tally

    def _is_right(self, after: Episodes) -> NDArray[np.bool_]:
        pair = self.linked_pairs(after)
        if self.cases.pairs == 0:
            return np.zeros(len(pair), dtype=np.bool_)
        return (pair >= 0) & self.cases.is_right[np.maximum(pair, 0)]

    def _count(
        self,
        reward: NDArray[np.float32],
        outcome: NDArray[np.int8],
        before: Episodes,
        after: Episodes,
    ) -> None:
        self.tally.outcomes += np.bincount(outcome, minlength=len(Outcome))
        self.tally.reward += float(reward.sum())
        self.tally.blockers += int((before.ran != after.ran).sum())
        self.tally.steps += len(reward)

    def _draw(self, count: int) -> NDArray[np.int64]:
        if self.order == "random":
            return self.rng.integers(len(self.cases), size=count)
        drawn = (self._next_case + np.arange(count)) % len(self.cases)
        self._next_case = (self._next_case + count) % len(self.cases)
        return drawn

    def _begin(self, case: NDArray[np.int64]) -> Episodes:
        ran = np.asarray(self.cases.available[case]) if self.all_run else None
        return episode.begin(case, ran)

    def _restart(self, after: Episodes, finished: NDArray[np.int64]) -> Episodes:
        if len(finished) == 0:
            return after
        fresh = self._begin(self._draw(len(finished)))
        case, ran, action = after.case.copy(), after.ran.copy(), after.action.copy()
        case[finished] = fresh.case
        ran[finished] = fresh.ran
        action[finished] = fresh.action
        return replace(after, case=case, ran=ran, action=action)

    def _observe(self) -> Observation:
        return self.view.observe(self.cases, self.episodes.case, self.episodes.ran)
