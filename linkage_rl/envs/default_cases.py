"""The cases of an environment that is made without any."""

from functools import cache

import numpy as np

from linkage_rl.decision.cases import CaseSet
from linkage_rl.envs.toy import ToyProblem


@cache
def default_cases() -> CaseSet:
    """A small seeded set of cases, built once and shared by all environments of the program."""
    return ToyProblem().draw(2_000, np.random.default_rng(0))
