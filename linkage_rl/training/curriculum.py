"""Letting wrong links cost little at first, so that a policy dares to link at all."""

from dataclasses import dataclass, replace

from stable_baselines3.common.callbacks import BaseCallback

from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.envs.core import LinkageCore
from linkage_rl.errors import ConfigError


@dataclass(frozen=True)
class WrongLinkCurriculum:
    """From a mild cost of a wrong link to the true one, on a line."""

    start: float = -0.1
    fraction: float = 0.3
    """Share of the training after which the true cost holds."""

    def __post_init__(self) -> None:
        if not 0 < self.fraction <= 1:
            raise ConfigError(
                f"training.curriculum.fraction must lie in (0, 1], got {self.fraction}"
            )

    def at(self, progress: float, target: float) -> float:
        """Cost of a wrong link after this share of the training.

        >>> [WrongLinkCurriculum().at(done, -4.0) for done in (0.0, 0.15, 0.3, 1.0)]
        [-0.1, -2.05, -4.0, -4.0]
        """
        done = min(progress / self.fraction, 1.0)
        return self.start + done * (target - self.start)


class CurriculumCallback(BaseCallback):
    """Sets the cost of a wrong link in the training core before each rollout."""

    def __init__(
        self, core: LinkageCore, target: RewardWeights, curriculum: WrongLinkCurriculum, steps: int
    ) -> None:
        """Follow a curriculum.

        Args:
            core: Whose weights are exchanged.
            target: The true weights.
            curriculum: The way there.
            steps: Length of the whole training.
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
