"""Callbacks of the training: evaluation, checkpoints, the collapse guard, progress."""

import io
from pathlib import Path
from typing import Any, Final

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from tqdm.auto import tqdm

from linkage_rl.agents.algorithms import to_policy
from linkage_rl.agents.checkpoint import save_checkpoint, save_model
from linkage_rl.agents.scorer import save_scorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.atomic import replace_bytes, replacing
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, PreparedPool
from linkage_rl.decision.observation import View
from linkage_rl.decision.rewards import Outcome, RewardWeights, decision_outcomes, decision_rewards
from linkage_rl.envs.core import LinkageCore
from linkage_rl.errors import CollapsedPolicyError
from linkage_rl.records import DecisionKind

CURVE: Final = "evaluations.npz"
"""Every evaluation of a run, case by case."""
BEST_MODEL: Final = "best_model.zip"
"""The best model so far, as Stable-Baselines3 saves it."""
BEST_SCORER: Final = "best_scorer.pt"
"""The network of the best model, as `save_scorer` saves it."""

_RESULTS: Final = ("timesteps", "results", "ep_lengths", "successes", "linkage_rates")


class EvaluationCallback(BaseCallback):
    """Evaluates the greedy policy on fixed cases with the true rewards and keeps the best model.

    Writes into its folder `evaluations.npz` in the form of Stable-Baselines3 (timesteps, results,
    ep_lengths, successes, one column per case) with the linkage rates besides, `best_model.zip`
    and `best_scorer.pt`. A resumed run continues the files that the folder holds, and overwrites
    its best model only by a better one. Each file is replaced atomically.
    """

    def __init__(
        self,
        cases: CaseSet,
        view: View,
        weights: RewardWeights,
        folder: Path,
        every: int,
        guard_from: int,
        collapse_rate: float = 0.01,
    ) -> None:
        """Evaluate at the start, then every `every` steps, and at the end.

        Args:
            cases: Labelled cases, always the same ones in the same order.
            view: How a policy observes them.
            weights: The true reward weights.
            folder: Where the files go.
            every: Steps between two evaluations.
            guard_from: Steps after which a collapsed policy ends the training.
            collapse_rate: Linkage rate below which a policy has collapsed: it links no client.
        """
        super().__init__()
        self._cases = cases
        self._view = view
        self._weights = weights
        self._folder = folder
        self._every = every
        self._guard_from = guard_from
        self._collapse_rate = collapse_rate
        self._history: dict[str, list[Any]] = {name: [] for name in _RESULTS}
        self.best_mean_reward = -np.inf
        """Highest mean reward of a case so far."""
        self._next = 0

    def _on_training_start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        earlier = self._folder / CURVE
        if earlier.is_file():
            with np.load(earlier) as saved:
                self._continue({name: list(saved[name]) for name in _RESULTS})
        self._evaluate()

    def _continue(self, history: dict[str, list[Any]]) -> None:
        """Take over an earlier curve, without what followed the checkpoint that is resumed."""
        best = max((float(np.mean(row)) for row in history["results"]), default=-np.inf)
        if all((self._folder / name).is_file() for name in (BEST_MODEL, BEST_SCORER)):
            self.best_mean_reward = best
        kept = int(np.searchsorted(history["timesteps"], self.num_timesteps, side="right"))
        self._history = {name: rows[:kept] for name, rows in history.items()}

    def _on_step(self) -> bool:
        if self.num_timesteps >= self._next:
            self._evaluate()
        return True

    def _on_training_end(self) -> None:
        if self._history["timesteps"][-1] != self.num_timesteps:
            self._evaluate()

    def _evaluate(self) -> None:
        self._next = self.num_timesteps + self._every
        policy = to_policy(self.model)
        decider = Decider(policy, self._view)
        decisions = decider.decide(PreparedPool(self._cases, self._view), len(self._cases))
        rewards = decision_rewards(decisions, self._cases, self._weights)
        outcome = decision_outcomes(decisions, self._cases)
        rate = float(np.mean(decisions.kind == DecisionKind.LINK))
        success = np.isin(outcome, (Outcome.CORRECT_LINK, Outcome.CORRECT_REJECT))
        lengths = 1 + np.bitwise_count(decisions.ran)
        row = (self.num_timesteps, rewards, lengths.astype(np.int64), success, rate)
        for name, value in zip(_RESULTS, row, strict=True):
            self._history[name].append(value)
        self._record(float(rewards.mean()), float(success.mean()), float(lengths.mean()), rate)
        self._keep_if_best(policy, float(rewards.mean()))
        columns: dict[str, Any] = {name: np.array(values) for name, values in self._history.items()}
        # after the best model: a run that is killed in between finds one that is at least as good
        content = io.BytesIO()
        np.savez(content, **columns)
        replace_bytes(self._folder / CURVE, content.getvalue())
        self._guard()

    def _record(self, reward: float, success: float, length: float, rate: float) -> None:
        self.logger.record("eval/mean_reward", reward)
        self.logger.record("eval/success_rate", success)
        self.logger.record("eval/mean_ep_length", length)
        self.logger.record("eval/linkage_rate", rate)
        self.logger.record("time/total_timesteps", self.num_timesteps, exclude="tensorboard")
        self.logger.dump(self.num_timesteps)

    def _keep_if_best(self, policy: ScorerPolicy, reward: float) -> None:
        if reward <= self.best_mean_reward:
            return
        self.best_mean_reward = reward
        save_model(self.model, self._folder / BEST_MODEL)
        with replacing(self._folder / BEST_SCORER) as path:
            save_scorer(policy.scorer, path)

    def _guard(self) -> None:
        recent = self._history["linkage_rates"][-2:]
        guarded = self.num_timesteps >= self._guard_from and len(recent) == 2
        if guarded and max(recent) < self._collapse_rate:
            raise CollapsedPolicyError(
                f"the policy links {recent[-1]:.1%} of the clients after {self.num_timesteps} "
                f"steps, expected at least {self._collapse_rate:.0%}; start from the ranker "
                "(training.start=warm) or with a mild penalty (training.start=curriculum), or make "
                "reward.wrong_link less negative"
            )


class CheckpointCallback(BaseCallback):
    """Saves the model at regular steps and at the end, so that a killed run can be resumed."""

    def __init__(self, folder: Path, every: int) -> None:
        """Save into `folder` each time `every` steps have passed."""
        super().__init__()
        self._folder = folder
        self._every = every
        self._next = every

    def _on_training_start(self) -> None:
        self._next = self.num_timesteps + self._every

    def _on_step(self) -> bool:
        if self.num_timesteps >= self._next:
            self._next = self.num_timesteps + self._every
            save_checkpoint(self.model, self._folder)
        return True

    def _on_training_end(self) -> None:
        save_checkpoint(self.model, self._folder)


class TallyCallback(BaseCallback):
    """Records the outcomes of the training episodes, which the environment counts."""

    def __init__(self, core: LinkageCore, every: int) -> None:
        """Record `core.tally` each time `every` steps have passed."""
        super().__init__()
        self._core = core
        self._every = every
        self._next = every

    def _on_step(self) -> bool:
        if self.num_timesteps >= self._next:
            self._next = self.num_timesteps + self._every
            tally = self._core.clear_tally()
            episodes = max(int(tally.outcomes[1:].sum()), 1)
            self.logger.record("rollout/ep_rew_mean", tally.reward / episodes)
            self.logger.record("rollout/blockers_mean", tally.blockers / episodes)
            for outcome in list(Outcome)[1:]:
                share = int(tally.outcomes[outcome]) / episodes
                self.logger.record(f"rollout/{outcome.name.lower()}", share)
        return True


class ProgressCallback(BaseCallback):
    """A progress bar over the steps, with the reward of the last evaluation."""

    def __init__(self, steps: int, evaluation: EvaluationCallback, label: str) -> None:
        """Show a bar that ends at `steps`."""
        super().__init__()
        self._steps = steps
        self._evaluation = evaluation
        self._label = label
        self._bar: tqdm[Any] | None = None

    def _on_training_start(self) -> None:
        self._bar = tqdm(
            total=self._steps, initial=self.num_timesteps, desc=self._label, unit="step"
        )

    def _on_step(self) -> bool:
        if self._bar is not None:
            self._bar.set_postfix(best=f"{self._evaluation.best_mean_reward:.4f}", refresh=False)
            self._bar.update(self.num_timesteps - self._bar.n)
        return True

    def _on_training_end(self) -> None:
        self.close()

    def close(self) -> None:
        """End the bar; also called when training is cut short."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
