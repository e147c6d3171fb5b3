import numpy as np
import pytest

from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.envs.core import LinkageCore
from linkage_rl.errors import ConfigError
from linkage_rl.training.curriculum import CurriculumCallback, WrongLinkCurriculum
from tests.cases_factory import DRAWN_VIEW, synthetic_cases


def test_the_core_pays_the_penalty_of_the_current_step() -> None:
    core = LinkageCore(synthetic_cases(5, np.random.default_rng(0)), DRAWN_VIEW)
    target = RewardWeights(wrong_link=-3.0, review=0.2)
    callback = CurriculumCallback(
        core, target, WrongLinkCurriculum(start=-1.0, fraction=0.5), steps=100
    )

    costs = []
    for callback.num_timesteps in (0, 25, 50, 100):
        callback.on_rollout_start()
        costs.append(core.weights.wrong_link)

    assert costs == [-1.0, -2.0, -3.0, -3.0]
    assert core.weights == target


def test_a_curriculum_needs_a_length() -> None:
    with pytest.raises(
        ConfigError, match=r"training.curriculum.fraction must lie in \(0, 1\], got 0"
    ):
        WrongLinkCurriculum(fraction=0.0)
