"""The environment of one client at a time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.episode import blocker_cost
from linkage_rl.decision.rewards import Outcome, RewardWeights
from linkage_rl.envs.build import (
    ObservationDict,
    action_space,
    as_dict,
    build_core,
    observation_space,
)
from linkage_rl.envs.core import LinkageCore, Order, Step
from linkage_rl.envs.rendering import describe
from linkage_rl.errors import ConfigError, IllegalActionError


class CandidateSelectionEnv(gym.Env[ObservationDict, int | np.int64]):
    """Link a client to its company, say that there is none, or run another blocker first.

    ## Action Space
    `Discrete(K + 2 + R)`: link slot 0..K-1, no match, review, or run blocker 0..R-1. An action that
    `action_mask` forbids costs a penalty and changes nothing.

    ## Observation Space
    `Dict`: candidates (K * F,), query (Q,), state (R + 2,), action_mask (K + 2 + R,); empty slots
    are 0. Candidates lie slot after slot; `flat=False` gives them as (K, F), of which the checker
    of Stable-Baselines3 disapproves. State holds the blockers run, the share of slots filled, and
    the cost so far.

    ## Rewards
    `RewardWeights` times the terms of `rewards.terms`; unit: one correct link.

    ## Episode End
    Terminates on a link, no match or review. Truncation is left to the registered time limit.

    ## Info
    `client_id` and `case`, after each step `reward_terms`, and at the end `outcome`,
    `is_success`, `company_id` ('' unless linked), `blockers_used` (names) and `cost`.
    """

    # Gymnasium declares it per instance and reads it from the class.
    metadata: dict[str, Any] = {  # noqa: RUF012
        "render_modes": ["ansi", "human"],
        "render_fps": 1,
    }

    def __init__(
        self,
        cases: CaseSet | Path | str | None = None,
        *,
        max_candidates: int = 20,
        costs: Sequence[float] | None = None,
        allow_review: bool = False,
        weights: RewardWeights | Mapping[str, float] | None = None,
        all_run: bool = False,
        order: Order = "random",
        flat: bool = True,
        render_mode: str | None = None,
    ) -> None:
        """Arguments as in `build_core` and `as_dict`; without `cases` a small sample is built.

        Raises:
            ConfigError: A value makes no sense; the message names it.
        """
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ConfigError(
                f"expected render_mode among {self.metadata['render_modes']}, got {render_mode!r}"
            )
        self.core: LinkageCore = build_core(
            cases,
            max_candidates=max_candidates,
            costs=costs,
            allow_review=allow_review,
            weights=weights,
            all_run=all_run,
            order=order,
        )
        self.render_mode = render_mode
        self.flat = flat
        space: gym.Space[Any] = observation_space(self.core.cases, self.core.view, flat=flat)
        self.observation_space = space
        self.action_space = action_space(self.core.view)
        self._last: tuple[int, Outcome] | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[ObservationDict, dict[str, Any]]:
        """Start with the next client, or with `options={"case": position}`.

        Raises:
            ConfigError: The position lies outside the cases.
        """
        super().reset(seed=seed)
        self.core.rng = self.np_random
        self.core.reset(self._chosen(options or {}))
        self._last = None
        self._show()
        return self._observation(), self._identity()

    def step(
        self, action: int | np.int64
    ) -> tuple[ObservationDict, float, bool, bool, dict[str, Any]]:
        """Apply one action; a masked one costs its penalty and changes nothing.

        Raises:
            IllegalActionError: The action lies outside the action space.
        """
        if not self.action_space.contains(action):
            raise IllegalActionError(f"expected an action in {self.action_space}, got {action!r}")
        step = self.core.step(np.array([action], dtype=np.int64), restart=False)
        self._last = (int(action), Outcome(int(step.outcome[0])))
        info = self._identity()
        info["reward_terms"] = {name: float(value[0]) for name, value in step.terms.items()}
        done = bool(step.done[0])
        if done:
            info.update(self._ending(step))
        self._show()
        return self._observation(), float(step.reward[0]), done, False, info

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, shape (A,); the name is the one that sb3-contrib asks."""
        masks: NDArray[np.bool_] = self.core.observation.action_mask[0].astype(np.bool_)
        return masks

    def render(self) -> str | None:
        """The client, its candidates and the last action, as text."""
        if self.render_mode != "ansi":
            return None
        return self._text()

    def _text(self) -> str:
        action, outcome = self._last if self._last is not None else (None, Outcome.RUNNING)
        return describe(
            self.core.cases,
            self.core.view,
            self.core.observation,
            int(self.core.episodes.case[0]),
            action,
            outcome,
        )

    def _show(self) -> None:
        if self.render_mode == "human":
            print(self._text(), end="\n\n")  # noqa: T201 - printing is what this mode is for

    def _chosen(self, options: Mapping[str, Any]) -> NDArray[np.int64] | None:
        if "case" not in options:
            return None
        case = int(options["case"])
        if not 0 <= case < len(self.core.cases):
            raise ConfigError(f"expected a case in 0..{len(self.core.cases) - 1}, got {case}")
        return np.array([case], dtype=np.int64)

    def _observation(self) -> ObservationDict:
        batch = as_dict(self.core.observation, flat=self.flat)
        return {name: value[0] for name, value in batch.items()}

    def _identity(self) -> dict[str, Any]:
        case = self.core.episodes.case
        return {"client_id": self.core.cases.clients.take(case)[0], "case": int(case[0])}

    def _ending(self, step: Step) -> dict[str, Any]:
        cases, ran = self.core.cases, int(step.after.ran[0])
        costs = np.asarray(self.core.view.costs, dtype=np.float32)
        outcome = Outcome(int(step.outcome[0]))
        return {
            "outcome": outcome.name.lower(),
            "is_success": outcome in (Outcome.CORRECT_LINK, Outcome.CORRECT_REJECT),
            "company_id": cases.company_ids(self.core.linked_pairs(step.after))[0],
            "blockers_used": [name for bit, name in enumerate(cases.blockers) if ran >> bit & 1],
            "cost": 0.0 if self.core.all_run else float(blocker_cost(step.after.ran, costs)[0]),
        }
