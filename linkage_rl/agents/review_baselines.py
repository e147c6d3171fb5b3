"""Ways to spend a budget of clicks on a list that learn nothing, for `linkage_rl/Review-v0`.

Each is a function of the observations of B reviews and returns one action for each, shape (B,).
`NoClicks`, `ExpectedGain` and `KnowledgeGradient` may stop; the others spend the whole budget.
"""

from collections.abc import Iterator, Mapping
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
        gain = np.where(_open(observation), _direct_gain(_strata(observation), self.rules), -np.inf)
        best: NDArray[np.int64] = gain.argmax(axis=1)
        worth = gain.max(axis=1) > self.rules.click_cost
        return np.where(worth, best, len(gain[0]))


@dataclass(frozen=True)
class KnowledgeGradient:
    """`ExpectedGain`, and what the answers are expected to teach about the rest of the stratum.

    A stratum is thought of as linked or not as a whole. The number of right candidates among the
    next answers has a beta-binomial distribution; the decision that follows is compared with the
    present one. Since a few answers alone seldom change a decision, the gain per click is that of
    the best number of actions ahead (Frazier and Powell 2010, "Paradoxes in learning and the
    marginal value of information").
    """

    rules: ReviewRules
    actions_ahead: tuple[int, ...] = (1, 3, 6)

    def act(self, observation: ReviewObservation) -> NDArray[np.int64]:
        """The stratum with the highest expected gain per click, or stop."""
        strata, whole = _strata(observation), observation["list"].astype(np.float64)
        left = np.maximum(np.rint(whole[:, :1] * self.rules.budget), 1)
        open_clients = strata["size"] * 10 ** (6 * whole[:, 2:]) * (1 - strata["answered"])
        gain = np.full(open_clients.shape, -np.inf)
        for ahead in self.actions_ahead:
            clicks = np.minimum(np.minimum(ahead * self.rules.clicks, left), open_clients)
            gain = np.maximum(gain, self._gain(strata, open_clients, np.maximum(clicks, 1)))
        gain = np.where(_open(observation), gain, -np.inf)
        worth = gain.max(axis=1) > self.rules.click_cost
        best: NDArray[np.int64] = gain.argmax(axis=1)
        return np.where(worth, best, len(gain[0]))

    def _gain(
        self,
        strata: dict[str, NDArray[np.float64]],
        open_clients: NDArray[np.float64],
        clicks: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Expected gain per click of asking that often, shape (B, S)."""
        estimate, draws = strata["estimate"], np.rint(clicks)
        answers = self._answers(strata, open_clients)
        right = answers * estimate
        later = np.zeros_like(estimate)
        for found, chance in enumerate(beta_binomial(right, answers - right, draws)):
            later += chance * self._value((right + found) / (answers + draws))
        rest = np.maximum(open_clients - clicks, 0)
        taught = rest * (later - self._value(estimate)) / clicks
        return _direct_gain(strata, self.rules) + taught

    def _answers(
        self, strata: dict[str, NDArray[np.float64]], open_clients: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Answers that the estimate rests on, those that the prior stands for included."""
        free = np.maximum(1 - strata["answered"], _SMALL)
        return self.rules.prior_clicks + open_clients / free * strata["answered"]

    def _value(self, right: NDArray[np.float64]) -> NDArray[np.float64]:
        """Worth of the better decision about a client whose candidate is right with this chance."""
        weights = self.rules.weights
        link = right * weights.correct_link + (1 - right) * weights.wrong_link
        none = right * weights.missed_link + (1 - right) * weights.correct_reject
        return np.maximum(link, none)


def baselines(rules: ReviewRules) -> Mapping[str, ReviewPolicy]:
    """Every baseline by its name."""
    return {
        "no clicks": NoClicks(),
        "uniform": Uniform(),
        "stratified": Stratified(),
        "uncertainty": Uncertainty(rules),
        "importance": Importance(),
        "expected gain": ExpectedGain(rules),
        "knowledge gradient": KnowledgeGradient(rules),
    }


def beta_binomial(
    right: NDArray[np.float64], wrong: NDArray[np.float64], draws: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    """Chance of 0, 1, 2, ... right ones among the next answers, each of the shape given.

    Each chance follows from the one before (Johnson, Kemp and Kotz 2005, section 6.2.2).

    Args:
        right: Right answers so far, those that the prior stands for included; above 0.
        wrong: Wrong answers likewise.
        draws: Number of next answers, whole numbers.

    >>> [float(chance[0]) for chance in beta_binomial(*np.ones((2, 1)), np.array([1.0]))]
    [0.5, 0.5]
    """
    most = int(draws.max())
    chance = np.ones_like(right)
    for place in range(most):
        chance *= np.where(place < draws, (wrong + place) / (right + wrong + place), 1)
    for found in range(most + 1):
        yield chance
        left = draws - found
        ratio = left * (right + found) / ((found + 1) * np.maximum(wrong + left - 1, _SMALL))
        chance = np.where(left > 0, chance * ratio, 0)


def _direct_gain(strata: dict[str, NDArray[np.float64]], rules: ReviewRules) -> NDArray[np.float64]:
    """What a click is expected to gain by the decision of its own client, shape (B, S)."""
    weights, linked, right = rules.weights, strata["linked"], strata["estimate"]
    undone = (1 - right) * (weights.correct_reject - weights.wrong_link)
    found = right * (weights.correct_link - weights.missed_link)
    return linked * undone + (1 - linked) * found


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
