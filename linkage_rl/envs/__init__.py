"""The environment family, registered with Gymnasium on import."""

import gymnasium as gym

from linkage_rl.decision.rewards import Outcome, RewardWeights
from linkage_rl.envs.candidate_selection import CandidateSelectionEnv
from linkage_rl.envs.core import LinkageCore
from linkage_rl.envs.vector import CandidateSelectionVectorEnv

__all__ = [
    "CandidateSelectionEnv",
    "CandidateSelectionVectorEnv",
    "LinkageCore",
    "Outcome",
    "RewardWeights",
]

# A client is decided after R blockers and one stop; 18 leaves room for the 16 blockers that a
# blocker set can hold, and one mistake.
_GUARD_STEPS = 18

for _name, _all_run in (("CandidateSelection-v0", False), ("Select-v0", True)):
    gym.register(
        id=f"linkage_rl/{_name}",
        entry_point="linkage_rl.envs.candidate_selection:CandidateSelectionEnv",
        vector_entry_point="linkage_rl.envs.vector:CandidateSelectionVectorEnv",
        max_episode_steps=_GUARD_STEPS,
        kwargs={"all_run": _all_run},
    )
