"""Linked lists whose truth is known, for audits: simulated ones, and real ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.suite.click_lists import open_lists
from experiments.suite.review_lists import linked

_LEAST: Final = 500
"""Links of a real list whose precision is taken."""


@dataclass(frozen=True, eq=False)
class AuditedList:
    """The links of a list, N of them."""

    confidence: NDArray[np.float64]
    """As it was logged, in [0, 1], shape (N,)."""
    wrong: NDArray[np.float64]
    """1 for wrong links, 0 for right ones, shape (N,)."""

    @property
    def precision(self) -> float:
        """Share of right links."""
        return 1 - float(self.wrong.mean())

    def surest(self, precision: float) -> "AuditedList | None":
        """As many of its surest links as are this precise together; None for too few of them."""
        order = np.argsort(-self.confidence, kind="stable")
        right = (1 - self.wrong[order]).cumsum() / np.arange(1, len(order) + 1)
        enough = np.flatnonzero(right >= precision)
        if not len(enough) or enough[-1] < _LEAST:
            return None
        chosen = order[: enough[-1] + 1]
        return AuditedList(self.confidence[chosen], self.wrong[chosen])


def simulated_list(
    links: int, precision: float, rng: np.random.Generator, spread: float = 0.3, over: float = 0.0
) -> AuditedList:
    """Links whose errors follow a beta distribution on [0, 1/2].

    Args:
        links: How many.
        precision: Share of right links; the nearest number of links is right.
        rng: Source of the draw.
        spread: First parameter of the distribution; the smaller, the better the confidences tell
            wrong links from right ones.
        over: How much too sure the logged confidences are: their logits are 1 + `over` times those
            of the true chances; negative for too unsure ones.
    """
    mean = 2 * (1 - precision)
    error = 0.5 * rng.beta(spread, spread / mean - spread, links)
    wrong = np.zeros(links)
    wrong[(rng.random(links) - error).argsort()[: round((1 - precision) * links)]] = 1.0
    logit = np.log((1 - error) / error.clip(1e-9))
    return AuditedList(1 / (1 + np.exp(-(1 + over) * logit)), wrong)


def any_list(rng: np.random.Generator, precision: float) -> AuditedList:
    """A simulated list of 300 to 30,000 links with confidences of any quality."""
    links = int(300 * 100 ** rng.random())
    return simulated_list(links, precision, rng, 2 ** rng.uniform(-3, 1), rng.uniform(-0.4, 0.8))


def real_list(run: Path, folder: Path) -> AuditedList:
    """Every best candidate of the real valid lists and the stream, with the truth.

    Args:
        run: Finished training run whose ranker links the lists with every blocker.
        folder: Where `experiments.suite.clicks` keeps the cases of this run.
    """
    lists = open_lists(run, folder)
    parts = [linked(run, lists, cases) for cases in (lists.valid, lists.stream)]
    confidence = np.concatenate([part.confidence for part in parts]).astype(np.float64)
    wrong = 1.0 - np.concatenate([part.right for part in parts]).astype(np.float64)
    has_candidate = confidence > 0
    return AuditedList(confidence[has_candidate], wrong[has_candidate])
