"""MaskablePPO for `linkage_rl/Review-v0`: the core as an environment of SB3, training, policy.

The agents of `agent=NAME` score candidates of a client and do not fit here: an observation is a
short row of numbers, for which the standard policy of Stable-Baselines3 is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv, VecNormalize
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from linkage_rl.agents.scorer_policy import one_thread
from linkage_rl.checks import COUNT, NOT_NEGATIVE, POSITIVE, SHARE, check_ranges
from linkage_rl.envs.review_core import ReviewCore, ReviewObservation, review_space
from linkage_rl.envs.review_lists import Lists
from linkage_rl.envs.review_process import ReviewRules
from linkage_rl.errors import ConfigError


class ReviewVecEnv(VecEnv):
    """B reviews of a core for the algorithms of Stable-Baselines3.

    Its spaces are those of `ReviewEnv`, so that a model trained here runs there. A review that is
    done is replaced at once; infos stay empty.
    """

    def __init__(self, core: ReviewCore) -> None:
        """Wrap a core."""
        self.core = core
        # the base class asks for it while it is being built
        self.render_mode = None
        super().__init__(
            core.batch, review_space(core.rules), gym.spaces.Discrete(core.rules.strata + 1)
        )
        self._actions = np.zeros(core.batch, dtype=np.int64)
        self._infos: list[dict[str, Any]] = [{} for _ in range(core.batch)]

    def reset(self) -> ReviewObservation:
        """Start B reviews; a seed that `seed` was given is used once."""
        if self._seeds[0] is not None:
            self.core.rng = np.random.default_rng(np.random.SeedSequence(self._seeds[0]))
        self._reset_seeds()
        self.core.reset()
        return self.core.observation()

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Keep the actions for `step_wait`."""
        self._actions = np.asarray(actions, dtype=np.int64).reshape(-1)

    def step_wait(self) -> VecEnvStepReturn:
        """Act once in every review."""
        step = self.core.step(self._actions)
        done = step.done.copy()
        self.core.replace_done()
        observation: Any = self.core.observation()
        return observation, step.reward, done, self._infos

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, shape (B, S + 1)."""
        return self.core.action_masks()

    def close(self) -> None:
        """Nothing to release."""

    def has_attr(self, attr_name: str) -> bool:
        """Whether the environment has this attribute."""
        return hasattr(self, attr_name)

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The attribute, repeated for each row in `indices`."""
        return [getattr(self, attr_name)] * len(self._rows(indices))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of the core; all rows share it."""
        setattr(self.core, attr_name, value)

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: VecEnvIndices = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """Call a method once; its result has a row per review."""
        result = getattr(self, method_name)(*method_args, **method_kwargs)
        return [result[row] for row in self._rows(indices)]

    def env_is_wrapped(
        self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: VecEnvIndices = None
    ) -> list[bool]:
        """No row is wrapped."""
        return [False] * len(self._rows(indices))

    def _rows(self, indices: VecEnvIndices) -> Sequence[int]:
        return list(self._get_indices(indices))


@dataclass(frozen=True)
class ReviewAgentConfig:
    """Settings of MaskablePPO (Schulman et al. 2017; Huang and Ontanon 2022)."""

    steps: int = 150_000
    """Actions to learn from, over all reviews."""
    n_envs: int = 64
    """Reviews side by side."""
    n_steps: int = 64
    """Actions of each between two updates."""
    batch_size: int = 512
    """Must divide n_envs * n_steps."""
    n_epochs: int = 6
    learning_rate: float = 1e-3
    """At the start; it falls linearly to 0."""
    ent_coef: float = 0.003
    """Weight of the entropy bonus in the loss."""
    gae_lambda: float = 0.95
    """Bias against variance of the advantages (Schulman et al. 2016)."""
    width: int = 64
    """Units of the two hidden layers of policy and value."""

    def __post_init__(self) -> None:
        check_ranges(
            "agent",
            self,
            {
                **dict.fromkeys(
                    ("steps", "n_envs", "n_steps", "batch_size", "n_epochs", "width"), COUNT
                ),
                "learning_rate": POSITIVE,
                "ent_coef": NOT_NEGATIVE,
                "gae_lambda": SHARE,
            },
        )
        if (self.n_envs * self.n_steps) % self.batch_size:
            raise ConfigError(
                "agent.batch_size must divide n_envs * n_steps = "
                f"{self.n_envs * self.n_steps}, got {self.batch_size}"
            )


@dataclass(frozen=True, eq=False)
class AgentReviewer:
    """The greedy policy of a trained model."""

    model: MaskablePPO

    def act(self, observation: ReviewObservation) -> NDArray[np.int64]:
        """The most probable legal action of each review, shape (B,)."""
        masks = observation["action_mask"].astype(np.bool_)
        with one_thread():
            actions, _ = self.model.predict(observation, deterministic=True, action_masks=masks)
        return np.asarray(actions, dtype=np.int64)

    def save(self, path: Path) -> None:
        """Write the model as Stable-Baselines3 does."""
        self.model.save(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote, on the CPU; such a file may run code, so read only your own."""
        return cls(MaskablePPO.load(path, device="cpu"))


def train_reviewer(
    lists: Lists, rules: ReviewRules, config: ReviewAgentConfig, seed: int
) -> AgentReviewer:
    """Learn to spend clicks on such lists.

    Args:
        lists: Lists to draw from, or what draws them.
        rules: Of the reviews.
        config: Settings of the algorithm.
        seed: Of lists, answers and learning.
    """
    rng = np.random.default_rng(seed)
    env = ReviewVecEnv(ReviewCore(lists, rules, batch=config.n_envs, rng=rng))
    # the value of a list grows with its size: only its rewards are scaled, not what is observed
    scaled = VecNormalize(env, norm_obs=False, norm_reward=True, gamma=1.0, clip_reward=20.0)
    model = MaskablePPO(
        "MultiInputPolicy",
        scaled,
        learning_rate=LinearSchedule(config.learning_rate, 0.0, 1.0),
        n_steps=config.n_steps,
        batch_size=config.batch_size,
        n_epochs=config.n_epochs,
        gamma=1.0,
        gae_lambda=config.gae_lambda,
        ent_coef=config.ent_coef,
        policy_kwargs={"net_arch": [config.width, config.width]},
        seed=seed,
        device="cpu",
    )
    with one_thread():
        model.learn(config.steps)
    return AgentReviewer(model)
