"""Linked lists for the review environment: drawn ones, and parts of real ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from experiments.suite.click_lists import ClickLists, open_lists, without_moved
from experiments.suite.run_on_lists import LISTS
from experiments.suite.systems import RANKER
from linkage_rl.agents.scorer import load_scorer
from linkage_rl.agents.scorer_policy import ScorerPolicy
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.decide import Decider, PreparedPool
from linkage_rl.envs.review_lists import DrawnReviewLists, ReviewList

CLIENTS: Final = 1_000
"""Clients of a part of a real list."""
DRAWN: Final = "drawn"
MOVED: Final = "moves"
"""The list of which many clients name a former address."""


def drawn_lists(count: int, seed: int) -> list[ReviewList]:
    """Lists as the environment draws them."""
    rng = np.random.default_rng(seed)
    return [DrawnReviewLists().draw(rng) for _ in range(count)]


def real_lists(
    run: Path, folder: Path, count: int, seed: int, part: str = "valid"
) -> Iterator[tuple[str, list[ReviewList]]]:
    """By the name of a real list, random parts of it; parts of one list share clients.

    One has the truth of a customer for whom a company in another city is another one.

    Args:
        run: Finished training run whose ranker links the lists with every blocker.
        folder: Where `experiments.suite.clicks` keeps the cases of this run.
        count: Parts of each list.
        seed: Of the parts.
        part: 'valid', whose clients judge, or 'stream' of train clients.
    """
    lists = open_lists(run, folder)
    for number, name in enumerate(LISTS):
        every: CaseSet = getattr(lists, part)
        cases = every.take(np.flatnonzero(np.asarray(every.dataset) == number))
        yield name, parts_of(linked(run, lists, cases), count, seed)
        if name == MOVED:
            other = linked(run, lists, without_moved(cases))
            yield f"{name}, companies that moved not linked", parts_of(other, count, seed)


def linked(run: Path, lists: ClickLists, cases: CaseSet) -> ReviewList:
    """What the ranker of a run says of cases, beside the truth; its confidence stays raw."""
    every = tuple(range(len(lists.view.costs)))
    decider = Decider(ScorerPolicy(load_scorer(run / RANKER)), lists.view, plan=every)
    decisions = decider.decide_raw(PreparedPool(cases, lists.view), len(cases), shortlist=True)
    assert decisions.shortlist is not None
    shown = decisions.shortlist.candidate
    right = (shown >= 0) & cases.is_right[np.maximum(shown, 0)]
    best = decisions.candidate
    is_right = (best >= 0) & cases.is_right[np.maximum(best, 0)]
    confidence = np.where(best >= 0, decisions.confidence, 0).astype(np.float32)
    return ReviewList(confidence, is_right, right.any(axis=1) | is_right, np.array(cases.has_row))


def parts_of(whole: ReviewList, count: int, seed: int) -> list[ReviewList]:
    """Random parts of `CLIENTS` clients, or of all where there are fewer."""
    rng = np.random.default_rng(seed)
    size = min(CLIENTS, len(whole))
    return [whole.take(rng.permutation(len(whole))[:size]) for _ in range(count)]
