"""The environment family, registered with Gymnasium on import."""

import gymnasium as gym

from linkage_rl.decision.rewards import Outcome, RewardWeights
from linkage_rl.envs.candidate_selection import CandidateSelectionEnv
from linkage_rl.envs.core import LinkageCore
from linkage_rl.envs.review import ReviewEnv
from linkage_rl.envs.review_lists import DrawnReviewLists, ReviewList
from linkage_rl.envs.vector import CandidateSelectionVectorEnv

__all__ = [
    "CandidateSelectionEnv",
    "CandidateSelectionVectorEnv",
    "DrawnReviewLists",
    "LinkageCore",
    "Outcome",
    "ReviewEnv",
    "ReviewList",
    "RewardWeights",
]

# An episode of legal actions runs at most 16 blockers and then stops; 18 steps leave room for one
# illegal action.
_MAX_EPISODE_STEPS = 18

for _name, _all_run in (("CandidateSelection-v0", False), ("Select-v0", True)):
    gym.register(
        id=f"linkage_rl/{_name}",
        entry_point="linkage_rl.envs.candidate_selection:CandidateSelectionEnv",
        vector_entry_point="linkage_rl.envs.vector:CandidateSelectionVectorEnv",
        max_episode_steps=_MAX_EPISODE_STEPS,
        kwargs={"all_run": _all_run},
    )

gym.register(
    id="linkage_rl/Review-v0",
    entry_point="linkage_rl.envs.review:ReviewEnv",
    # any sensible budget is spent or refused long before
    max_episode_steps=500,
)
