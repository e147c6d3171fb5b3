"""A wrong-link penalty that rises during training.

At the full penalty a policy that knows nothing yet learns to link no client at all, and then never
sees a link again; at a mild one it first learns which links are right.
"""

from dataclasses import dataclass, replace

from stable_baselines3.common.callbacks import BaseCallback

from linkage_rl.checks import FINITE, Range, check_ranges
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.envs.core import LinkageCore


@dataclass(frozen=True)
class WrongLinkCurriculum:
    """Linear annealing of the wrong-link penalty from a mild to the true one."""

    start: float = -0.1
    """Reward of a wrong link at the beginning."""
    fraction: float = 0.3
    """Share of the training after which the true penalty holds, in (0, 1]."""

    def __post_init__(self) -> None:
        check_ranges(
            "training.curriculum",
            self,
            {"start": FINITE, "fraction": Range(0, 1, open_low=True)},
        )

    def at(self, progress: float, target: float) -> float:
        """Reward of a wrong link after this share of the training; `target` is the true one.

        >>> [WrongLinkCurriculum().at(done, -4.0) for done in (0.0, 0.15, 0.3, 1.0)]
        [-0.1, -2.05, -4.0, -4.0]
        """
        done = min(progress / self.fraction, 1.0)
        return self.start + done * (target - self.start)


class CurriculumCallback(BaseCallback):
    """Sets the wrong-link reward of the training core before each rollout."""

    def __init__(
        self, core: LinkageCore, target: RewardWeights, curriculum: WrongLinkCurriculum, steps: int
    ) -> None:
        """Follow a curriculum.

        Args:
            core: Steps the training episodes; its reward weights are replaced.
            target: The true weights.
            curriculum: How the penalty rises.
            steps: Environment steps of the training in all.
        """
        super().__init__()
        self._core = core
        self._target = target
        self._curriculum = curriculum
        self._steps = steps

    def _on_rollout_start(self) -> None:
        wrong_link = self._curriculum.at(self.num_timesteps / self._steps, self._target.wrong_link)
        self._core.weights = replace(self._target, wrong_link=wrong_link)

    def _on_step(self) -> bool:
        return True
