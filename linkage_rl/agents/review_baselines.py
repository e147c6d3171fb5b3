"""Ways to spend a budget of clicks on a list that learn nothing, for `linkage_rl/Review-v0`.

Each is a function of the observations of B reviews and returns one action for each, shape (B,).
All but `NoClicks` and `ExpectedGain` ask until the budget is spent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from linkage_rl.envs.review_core import ReviewObservation
from linkage_rl.envs.review_process import FEATURES, ReviewRules

_SMALL: Final = 1e-9


class ReviewPolicy(Protocol):
    """Chooses what to ask about next."""

    def act(self, observation: ReviewObservation) -> NDArray[np.int64]:
        """A legal action for each of B reviews, shape (B,)."""


@dataclass(frozen=True)
class NoClicks:
    """Stops at once."""

    def act(self, observation: ReviewObservation) -> NDArray[np.int64]:
        """Stop."""
        mask = observation["action_mask"]
        return np.full(len(mask), mask.shape[1] - 1)


@dataclass(frozen=True)
class Uniform:
    """Asks about every client with the same chance: strata in proportion to their size."""

    def act(self, observation: ReviewObservation) -> NDArray[np.int64]:
        """The stratum of which the smallest share was asked about."""
        return _most_wanted(observation, -_strata(observation)["answered"])


@dataclass(frozen=True)
class Stratified:
    """Asks about every stratum equally often."""

    def act(self, observation: ReviewObservation) -> NDArray[np.int64]:
        """The stratum with the fewest answers."""
        strata = _strata(observation)
        return _most_wanted(observation, -strata["answered"] * strata["size"])


@dataclass(frozen=True)
class Uncertainty:
    """Asks where link and no match are worth most nearly the same (Lewis and Gale 1994)."""

    rules: ReviewRules

    def act(self, observation: ReviewObservation) -> NDArray[np.int64]:
        """The stratum whose estimate is nearest to the threshold of the rules."""
        doubt = np.abs(_strata(observation)["estimate"] - self.rules.threshold)
        return _most_wanted(observation, -doubt)


@dataclass(frozen=True)
class Importance:
    """Asks in proportion to size times standard deviation (Neyman 1934), as estimated so far."""

    def act(self, observation: ReviewObservation) -> NDArray[np.int64]:
        """The stratum that has the fewest answers for its weight."""
        strata = _strata(observation)
        estimate = np.clip(strata["estimate"], 0.005, 0.995)
        weight = strata["size"] * np.sqrt(estimate * (1 - estimate))
        asked = strata["answered"] * strata["size"]
        return _most_wanted(observation, -asked / np.maximum(weight, _SMALL))


@dataclass(frozen=True)
class ExpectedGain:
    """Asks where a click is worth most, and stops where none is worth its cost.

    A wrong link becomes no match, and a missed link becomes a link; what an answer teaches about
    the other clients of the stratum is left out of account.
    """

    rules: ReviewRules

    def act(self, observation: ReviewObservation) -> NDArray[np.int64]:
        """The stratum with the highest expected gain, or stop."""
        strata, weights = _strata(observation), self.rules.weights
        linked, right = strata["linked"], strata["estimate"]
        undone = (1 - right) * (weights.correct_reject - weights.wrong_link)
        found = right * (weights.correct_link - weights.missed_link)
        gain = np.where(_open(observation), linked * undone + (1 - linked) * found, -np.inf)
        best = gain.argmax(axis=1)
        worth = gain.max(axis=1) > self.rules.click_cost
        chosen: NDArray[np.int64] = np.where(worth, best, gain.shape[1])
        return chosen


def baselines(rules: ReviewRules) -> Mapping[str, ReviewPolicy]:
    """Every baseline by its name."""
    return {
        "no clicks": NoClicks(),
        "uniform": Uniform(),
        "stratified": Stratified(),
        "uncertainty": Uncertainty(rules),
        "importance": Importance(),
        "expected gain": ExpectedGain(rules),
    }


def _strata(observation: ReviewObservation) -> dict[str, NDArray[np.float64]]:
    """`FEATURES` by name, each of shape (B, S)."""
    strata = observation["strata"]
    columns = strata.reshape(len(strata), -1, len(FEATURES)).astype(np.float64)
    return {name: columns[:, :, place] for place, name in enumerate(FEATURES)}


def _open(observation: ReviewObservation) -> NDArray[np.bool_]:
    """Strata that can be asked about, shape (B, S)."""
    is_open: NDArray[np.bool_] = observation["action_mask"][:, :-1] > 0
    return is_open


def _most_wanted(observation: ReviewObservation, wish: NDArray[np.float64]) -> NDArray[np.int64]:
    """The open stratum with the highest wish, stop where none is open."""
    is_open = _open(observation)
    best = np.where(is_open, wish, -np.inf).argmax(axis=1)
    chosen: NDArray[np.int64] = np.where(is_open.any(axis=1), best, is_open.shape[1])
    return chosen
