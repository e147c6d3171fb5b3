"""What `reset` and `step` return besides observations: always the same keys, types and shapes.

Recorders of experience (Minari, TorchRL) take the first info as the form of all others.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.episode import Episodes, blocker_cost
from linkage_rl.decision.rewards import TERMS, Outcome
from linkage_rl.envs.core import LinkageCore
from linkage_rl.records import Observation

Infos = dict[str, Any]
"""Arrays of shape (B,) by key; `blockers_used` and `reward_terms` are dicts of such arrays."""

_OUTCOMES: Final = np.array([outcome.name.lower() for outcome in Outcome], dtype=object)
_SUCCESSES: Final = (Outcome.CORRECT_LINK, Outcome.CORRECT_REJECT)


def infos_of(
    core: LinkageCore,
    episodes: Episodes,
    observation: Observation,
    outcome: NDArray[np.int8] | None = None,
    terms: Mapping[str, NDArray[np.float32]] | None = None,
) -> Infos:
    """The infos of B episodes, arrays of shape (B,) by key.

    Args:
        core: Knows cases and costs.
        episodes: B episodes.
        observation: Their observation.
        outcome: `Outcome` of each; None where none has ended.
        terms: Reward terms of the step that led here; None where there was no step.
    """
    cases, size = core.cases, len(episodes.case)
    outcome = np.zeros(size, dtype=np.int8) if outcome is None else outcome
    cost = blocker_cost(episodes.ran, core.view.cost_row)
    clients = np.empty(size, dtype=object)
    clients[:] = cases.clients.take(episodes.case)
    companies = np.empty(size, dtype=object)
    companies[:] = cases.company_ids(core.linked_pairs(episodes, observation))
    zeros = np.zeros(size, dtype=np.float32)
    return {
        "client_id": clients,
        "case": episodes.case.copy(),
        "outcome": _OUTCOMES[outcome],
        "is_success": np.isin(outcome, _SUCCESSES),
        "company_id": companies,
        "blockers_used": {
            name: (episodes.ran >> bit) & 1 > 0 for bit, name in enumerate(cases.blockers)
        },
        "cost": np.zeros_like(cost) if core.all_run else cost,
        "reward_terms": {
            name: zeros.copy() if terms is None else terms[name].copy() for name in TERMS
        },
    }


def first_row(infos: Infos) -> dict[str, Any]:
    """The info of the first episode, as plain Python values."""
    return {
        key: first_row(value) if isinstance(value, dict) else np.asarray(value).tolist()[0]
        for key, value in infos.items()
    }


def with_masks(infos: Infos, mask: NDArray[np.bool_]) -> Infos:
    """The infos, each key with the mask `_key` of the rows that have a value.

    This is the layout of Gymnasium's vector environments; rows outside the mask are emptied.
    """
    masked: Infos = {}
    for key, value in infos.items():
        if isinstance(value, dict):
            masked[key] = with_masks(value, mask)
        else:
            empty = None if value.dtype == object else value.dtype.type(0)
            masked[key] = np.where(mask, value, empty)
        masked[f"_{key}"] = mask.copy()
    return masked
