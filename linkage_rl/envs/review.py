"""The environment of reviewing a linked list; its docstring is its reference page."""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.envs.build import check_render_mode, reward_weights
from linkage_rl.envs.review_core import ReviewCore, ReviewObservation, review_space
from linkage_rl.envs.review_lists import DrawnReviewLists, ReviewList
from linkage_rl.envs.review_process import EDGES, FEATURES, OUTCOMES, TERMS, ReviewRules
from linkage_rl.errors import ConfigError, IllegalActionError


class ReviewEnv(gym.Env[ReviewObservation, int | np.int64]):
    """Spend a budget of clicks where they make most decisions of a list right, or stop.

    ## Description

    A linker has decided every client of a list: linked it to its best candidate where the stated
    confidence reaches a threshold, and to none elsewhere. A person can be asked about clients; each
    answer is a *click* and costs something. The list is divided into *strata* by confidence. An
    episode is one list: each action asks about a few random clients of one stratum, or stops.

    A click does two things. The decision of the client becomes right, if the reviewer is shown the
    right company. And it says how far the confidence of its stratum can be trusted on this list:
    the estimate of the stratum moves from the stated confidence towards the share of right
    candidates among the answers (beta distribution with a prior of `prior_clicks` answers), the
    confidence of its other clients is corrected by the difference, and they are decided again.

    ```python
    import gymnasium as gym
    import linkage_rl.envs

    env = gym.make("linkage_rl/Review-v0")
    observation, info = env.reset(seed=1)
    observation, reward, terminated, truncated, info = env.step(3)  # ask about 10 clients
    ```

    ## Action Space

    `Discrete(S + 1)`: with the default S = 8 strata, 9 actions.

    | Action | Default | Meaning |
    | --- | --- | --- |
    | s = 0..S-1 | 0..7 | ask about the next `clicks` open clients of stratum s |
    | S | 8 | stop |

    Asking is illegal in a stratum without open clients. An illegal action costs a penalty and has
    no other effect. The legal ones are in the observation (`action_mask`), and `action_masks()`
    gives them as booleans under the name that sb3-contrib's MaskablePPO looks for.

    ## Observation Space

    `Dict` of three `Box` spaces. What only the reviewer knows is not observed.

    | Key | Shape | Type | Min | Max | Content |
    | --- | --- | --- | --- | --- | --- |
    | `strata` | (S * 6,) | float32 | 0 | 1 | six numbers of stratum 0, then of stratum 1, ... |
    | `list` | (3,) | float32 | 0 | 1 | budget left, as a share of it and per client; size |
    | `action_mask` | (S + 1,) | int8 | 0 | 1 | 1 where the action is legal |

    The six numbers are the share of the list's clients, the mean stated confidence, the share of
    its clients that were asked about, the share of right candidates among these, the estimate, and
    the share of its open clients that are linked. The size of the list is log10 of its clients
    over 6.

    ## Rewards

    The change in the number of decisions of each kind on the whole list, times its weight, minus
    the clicks. The unit is the value of one correct link; the rewards of an episode add up to what
    the list is worth after the review, minus what it was worth before, minus the clicks.

    | Term | Default weight | Change in the number of |
    | --- | --- | --- |
    | `correct_link` | +1.0 | clients linked to their company |
    | `wrong_link` | -4.0 | clients linked to another company |
    | `correct_reject` | +0.5 | clients linked to none, and the table has no row for them |
    | `missed_link` | -0.5 | clients linked to none, but the table has a row for them |
    | `clicks` | -0.1 | clicks of this step (weight: minus `click_cost`) |
    | `illegal` | -0.05 | 1 for an illegal action |

    ## Starting State

    A list that is drawn: by default from `DrawnReviewLists`, which resemble the real lists of this
    library's experiments, with confidences that can be trusted more or less; with
    `lists=[ReviewList, ...]` one of these. `reset(options={"list": 2})` takes the list at position
    2. No client has been asked about.

    ## Episode End

    * Termination: stop, the budget is spent, or no client is open.
    * Truncation: after 500 steps, by the `TimeLimit` wrapper that `gymnasium.make` adds.

    ## Information

    `reset` and `step` return an info with the same keys.

    | Key | Value |
    | --- | --- |
    | `clients` | clients of the list |
    | `clicks` | clicks so far |
    | `f1` | F1 of the links as they are now |
    | `f1_before` | F1 of the links before the review |
    | `decisions` | dict of the four kinds of decisions: how many the list has now |
    | `reward_terms` | dict of every term of the last reward, before weights |

    ## Arguments

    | Argument | Default | Meaning |
    | --- | --- | --- |
    | `lists` | `None` | a sequence of `ReviewList`, or `DrawnReviewLists`; None for its defaults |
    | `edges` | 0.1, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99 | confidences that bound the strata |
    | `budget` | `200` | clicks that may be spent |
    | `clicks` | `10` | clicks of one action |
    | `click_cost` | `0.1` | unit: one correct link |
    | `prior_clicks` | `5.0` | answers that the stated confidence of a stratum weighs as much as |
    | `weights` | `None` | `RewardWeights`, or a dict of those that differ from the default |
    | `render_mode` | `None` | `"ansi"` for a table of the strata |

    A value that makes no sense raises `linkage_rl.errors.ConfigError`, which names it.

    ## Version History

    * v0: initial version.

    ## References

    * B. Settles, "Active Learning Literature Survey", University of Wisconsin-Madison, 2009.
    * N. G. Marchant and B. I. P. Rubinstein, "In Search of an Entity Resolution OASIS: Optimal
      Asymptotic Sequential Importance Sampling", VLDB 2017.
    """

    # Gymnasium declares it per instance and reads it from the class.
    metadata: dict[str, Any] = {"render_modes": ["ansi"], "render_fps": 1}  # noqa: RUF012

    def __init__(
        self,
        lists: Sequence[ReviewList] | DrawnReviewLists | None = None,
        *,
        edges: Sequence[float] = EDGES,
        budget: int = 200,
        clicks: int = 10,
        click_cost: float = 0.1,
        prior_clicks: float = 5.0,
        weights: RewardWeights | Mapping[str, float] | None = None,
        render_mode: str | None = None,
    ) -> None:
        """Build the environment; arguments as in the docstring of the class.

        Raises:
            ConfigError: A value makes no sense; the message names it.
        """
        check_render_mode(render_mode, self.metadata["render_modes"])
        rules = ReviewRules(
            tuple(edges), budget, clicks, click_cost, prior_clicks, reward_weights(weights)
        )
        self.core = ReviewCore(DrawnReviewLists() if lists is None else lists, rules)
        self.render_mode = render_mode
        self.action_space = spaces.Discrete(rules.strata + 1)
        space: gym.Space[Any] = review_space(rules)
        self.observation_space = space
        self._running = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[ReviewObservation, dict[str, Any]]:
        """Start with a list that is drawn, or with `options={"list": position}`.

        Args:
            seed: Restarts the draws; None goes on with them.
            options: Only "list" is known.

        Raises:
            ConfigError: There is no such list, or another option was given.
        """
        if unknown := sorted(set(options or {}) - {"list"}):
            raise ConfigError(f"expected reset options among ['list'], got {unknown}")
        super().reset(seed=seed)
        self.core.rng = self.np_random
        self.core.reset((options or {}).get("list"))
        self._running = True
        return self._observation(), self._info()

    def step(
        self, action: int | np.int64
    ) -> tuple[ReviewObservation, float, bool, bool, dict[str, Any]]:
        """Ask or stop; an illegal action costs its penalty and changes nothing.

        Raises:
            IllegalActionError: The action lies outside the action space.
            ResetNeeded: The episode has ended.
        """
        if not self.action_space.contains(action):
            raise IllegalActionError(f"expected an action in {self.action_space}, got {action!r}")
        if not self._running:
            raise ResetNeeded("the episode has ended; call reset() before the next step()")
        step = self.core.step(np.array([action], dtype=np.int64))
        self._running = not step.done[0]
        terms = {name: float(term[0]) for name, term in step.terms.items()}
        reward, done = float(step.reward[0]), bool(step.done[0])
        return self._observation(), reward, done, False, self._info(terms)

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, shape (S + 1,); sb3-contrib looks for this name."""
        masks: NDArray[np.bool_] = self.core.action_masks()[0]
        return masks

    def render(self) -> str | None:
        """A table of the strata, one line each; None without a render mode."""
        if self.render_mode is None:
            return None
        strata = self._observation()["strata"].reshape(-1, len(FEATURES)).astype(np.float64)
        sizes = self.core.lists.sizes[0].tolist()
        lines = ["stratum  clients  " + "  ".join(f"{name:>10}" for name in FEATURES[1:])]
        for number, values in enumerate(strata.tolist()):
            shown = "  ".join(f"{value:10.3f}" for value in values[1:])
            lines.append(f"{number:7d}  {sizes[number]:7d}  {shown}")
        return "\n".join([*lines, f"clicks left: {self.core.state.left[0]}"])

    def _observation(self) -> ReviewObservation:
        return {name: value[0] for name, value in self.core.observation().items()}

    def _info(self, terms: Mapping[str, float] | None = None) -> dict[str, Any]:
        core = self.core
        return {
            "clients": int(core.lists.sizes.sum()),
            "clicks": int(core.rules.budget - core.state.left[0]),
            "f1": float(core.f1()[0]),
            "f1_before": float(core.f1_before()[0]),
            "decisions": dict(zip(OUTCOMES, core.counts[0].tolist(), strict=True)),
            "reward_terms": dict(terms or dict.fromkeys(TERMS, 0.0)),
        }
