"""The environment of one client at a time; its docstring is its reference page."""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from linkage_rl.decision.rewards import Outcome, RewardWeights
from linkage_rl.envs.build import (
    Cases,
    ObservationDict,
    action_space,
    as_dict,
    build_core,
    check_render_mode,
    observation_space,
)
from linkage_rl.envs.core import LinkageCore, Order, Step
from linkage_rl.envs.infos import first_row, infos_of
from linkage_rl.envs.options import chosen_cases
from linkage_rl.envs.picture import draw
from linkage_rl.envs.rendering import LastStep, as_text, scene_of
from linkage_rl.errors import IllegalActionError


class CandidateSelectionEnv(gym.Env[ObservationDict, int | np.int64]):
    """Link a client to its company, say that the table lacks it, or look further.

    ## Description

    A *client* is a record to link: a name, perhaps an address, a phone number and more, often
    stale, abbreviated or misspelt. A table holds *companies*. The task is to link the client to the
    row of its company, or to say that the table has no row for it. Each wrong link costs more than
    a missed one.

    An episode is one client. At first nothing of the table is visible. The agent runs *blockers*:
    a blocker is one way to look candidates up (splink: blocking rule), such as "same phone number"
    or "similar name", and costs something. A *candidate* is a company that a blocker that has run
    proposed. The agent stops by linking a candidate, by declaring *no match*, or, where it is
    offered, by asking for *review*: a person then decides.

    Two ids are registered when `linkage_rl.envs` is imported:

    | Id | Episode |
    | --- | --- |
    | `linkage_rl/CandidateSelection-v0` | starts with no blocker run; several steps |
    | `linkage_rl/Select-v0` | starts with every blocker run, at no cost; one step |

    ```python
    import gymnasium as gym
    import linkage_rl.envs

    env = gym.make("linkage_rl/CandidateSelection-v0", render_mode="rgb_array")
    observation, info = env.reset(seed=1)
    observation, reward, terminated, truncated, info = env.step(22)  # run blocker 0
    ```

    ## Action Space

    `Discrete(K + 2 + R)`: with the default K = 20 slots and R = 9 blockers, 31 actions. A *slot*
    is a place for one visible candidate; the candidates with the highest retrieval scores fill the
    slots from 0 on.

    | Action | Default | Meaning |
    | --- | --- | --- |
    | k = 0..K-1 | 0..19 | link the client to the candidate in slot k |
    | K | 20 | no match |
    | K + 1 | 21 | review, legal with `allow_review=True` only |
    | K + 2 + r | 22..30 | run blocker r |

    An action is illegal if its slot is empty, its blocker has run already, or its blocker does not
    apply because the client lacks the field. An illegal action costs a penalty and has no other
    effect. The legal ones are in the observation (`action_mask`), and `action_masks()` gives them
    as booleans under the name that sb3-contrib's MaskablePPO looks for. No match is always legal.

    ## Observation Space

    `Dict` of four `Box` spaces. With the default cases a slot has F = 94 features and the client
    has Q = 23.

    | Key | Shape | Type | Min | Max | Content |
    | --- | --- | --- | --- | --- | --- |
    | `candidates` | (K * F,) | float32 | 0 | 1 | features of slot 0, then slot 1, ...; 0 if empty |
    | `query` | (Q,) | float32 | 0 | 1 | features of the client: which fields it has, how long |
    | `state` | (R + 2,) | float32 | 0 | 1 | R flags, share of slots filled, cost so far up to 1 |
    | `action_mask` | (K + 2 + R,) | int8 | 0 | 1 | 1 where the action is legal |

    The R flags of `state` are 1 for the blockers that have run. The features of a slot are the pair
    features of client and candidate (similarity of names, agreement of address, phone and so on,
    frequency of the name in the table), one flag per run blocker that proposed the candidate, its
    retrieval score, its lead over the best other visible candidate, and its share of the best
    retrieval score. `env.unwrapped.core.view.candidate_features(env.unwrapped.core.cases)` names
    them. With `flat=False` the candidates are a table of shape (K, F), which the environment
    checker of Stable-Baselines3 advises against.

    To observe something else, wrap the environment in `gymnasium.wrappers.TransformObservation`; to
    give every agent one more pair feature, add it to a module of `linkage_rl.features`.

    ## Rewards

    The sum of the terms below, each times its weight. The unit is the value of one correct link.

    | Term | Default weight | When |
    | --- | --- | --- |
    | `correct_link` | +1.0 | linked to a right company |
    | `wrong_link` | -4.0 | linked to any other company |
    | `correct_reject` | +0.5 | no match, and the table has no row for the client |
    | `missed_link` | -0.5 | no match, but the table has a row for the client |
    | `review` | +0.1 | review |
    | `illegal` | -0.05 | an illegal action |
    | `blocker_cost` | -1.0 | times the cost of the blocker that was run |

    The default blockers cost 0.0005 to 0.016. `linkage_rl.envs.RewardWeights.from_costs` turns
    amounts of money into weights. With the default weights the expected reward of a link is at
    least that of no match if it is right with a probability of 0.75 or more (Chow, 1970).

    ## Starting State

    The next client with no blocker run, or with all of them run if `all_run=True`. Clients are
    drawn at random with replacement, or one after the other with `order="sequential"`; a `seed`
    restarts either order. `reset(options={"case": 5})` starts with the client at position 5.

    ## Episode End

    * Termination: the client was linked, declared no match, or handed to a person.
    * Truncation: after 18 steps, by the `TimeLimit` wrapper that `gymnasium.make` adds. An episode
      of legal actions has at most R + 1 steps, and R is at most 16, so that only illegal actions
      get there.

    ## Information

    `reset` and `step` return an info with the same keys, each of the same type and shape.

    | Key | Value |
    | --- | --- |
    | `client_id` | id of the client |
    | `case` | its position among the cases |
    | `outcome` | `running`, or one of the first five reward terms once the episode has ended |
    | `is_success` | whether the outcome is `correct_link` or `correct_reject` |
    | `company_id` | id of the linked company, `''` where none is linked |
    | `blockers_used` | dict of every blocker: whether it has run |
    | `cost` | summed cost of the blockers that have run |
    | `reward_terms` | dict of every term of the last reward, before weights |

    ## Arguments

    | Argument | Default | Meaning |
    | --- | --- | --- |
    | `cases` | `None` | prepared cases, or the folder of saved ones; None draws a small sample |
    | `max_candidates` | `20` | slots K, at least 1 |
    | `costs` | `None` | cost of each blocker of the cases; None takes the default settings |
    | `allow_review` | `False` | whether review is legal |
    | `weights` | `None` | `RewardWeights`, or a dict of those that differ from the default |
    | `all_run` | `False` | start with every blocker run, at no cost |
    | `order` | `"random"` | `"random"` or `"sequential"` |
    | `flat` | `True` | candidates as (K * F,) instead of (K, F) |
    | `render_mode` | `None` | `"rgb_array"` (720 x 1280), `"ansi"` (text), `"human"` (prints) |

    A value that makes no sense raises `linkage_rl.errors.ConfigError`, which names it.

    ## Vectorized environment

    `gymnasium.make_vec` builds `linkage_rl.envs.CandidateSelectionVectorEnv`, which steps all
    episodes at once in numpy. Stable-Baselines3's `make_vec_env` works as well; its native
    counterpart is `linkage_rl.agents.sb3_env.LinkageVecEnv`.

    ## Version History

    * v0: initial version.

    ## References

    * C. K. Chow, "On optimum recognition error and reject tradeoff", IEEE Transactions on
      Information Theory, 1970.
    * J. Janisch, T. Pevny and V. Lisy, "Classification with Costly Features using Deep
      Reinforcement Learning", AAAI 2019.
    """

    # Gymnasium declares it per instance and reads it from the class.
    metadata: dict[str, Any] = {  # noqa: RUF012
        "render_modes": ["rgb_array", "ansi", "human"],
        "render_fps": 1,
    }

    def __init__(
        self,
        cases: Cases | None = None,
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
        """Build the environment; arguments as in the docstring of the class.

        Raises:
            ConfigError: A value makes no sense; the message names it.
        """
        check_render_mode(render_mode, self.metadata["render_modes"])
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
        self._last = LastStep()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[ObservationDict, dict[str, Any]]:
        """Start with the next client, or with `options={"case": position}`.

        Args:
            seed: Restarts the order in which clients are drawn; None goes on with it.
            options: Only "case" is known.

        Raises:
            ConfigError: The position lies outside the cases, or another option was given.
        """
        case = chosen_cases(options, 1, len(self.core.cases))
        super().reset(seed=seed)
        self.core.rng = self.np_random
        if seed is not None:
            self.core.rewind()
        self.core.reset(case)
        self._last = LastStep()
        self._print()
        return self._observation(), self._info()

    def step(
        self, action: int | np.int64
    ) -> tuple[ObservationDict, float, bool, bool, dict[str, Any]]:
        """Apply one action; an illegal one costs its penalty and changes nothing.

        Raises:
            IllegalActionError: The action lies outside the action space.
            ResetNeeded: The episode has ended.
        """
        if not self.action_space.contains(action):
            raise IllegalActionError(f"expected an action in {self.action_space}, got {action!r}")
        if self.core.episodes.done[0]:
            raise ResetNeeded("the episode has ended; call reset() before the next step()")
        step = self.core.step(np.array([action], dtype=np.int64), restart=False)
        self._last = LastStep(int(action), Outcome(int(step.outcome[0])))
        self._print()
        reward, done = float(step.reward[0]), bool(step.done[0])
        return self._observation(), reward, done, False, self._info(step)

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, shape (A,); sb3-contrib looks for this name."""
        masks: NDArray[np.bool_] = self.core.observation.action_mask[0].astype(np.bool_)
        return masks

    def render(self) -> Any:
        """The client, its candidates and the last action.

        Returns:
            A picture of shape (720, 1280, 3) for "rgb_array", text for "ansi"; None otherwise,
            since "human" prints after each reset and step.
        """
        if self.render_mode == "rgb_array":
            return draw(scene_of(self.core, last=self._last))
        if self.render_mode == "ansi":
            return as_text(scene_of(self.core, last=self._last))
        return None

    def _print(self) -> None:
        if self.render_mode == "human":
            text = as_text(scene_of(self.core, last=self._last))
            print(text, end="\n\n")  # noqa: T201 - printing is what this mode is for

    def _observation(self) -> ObservationDict:
        batch = as_dict(self.core.observation, flat=self.flat)
        return {name: value[0] for name, value in batch.items()}

    def _info(self, step: Step | None = None) -> dict[str, Any]:
        core = self.core
        if step is None:
            return first_row(infos_of(core, core.episodes, core.observation))
        return first_row(infos_of(core, step.after, step.final, step.outcome, step.terms))
