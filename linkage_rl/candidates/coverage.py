"""How often the blockers propose the right company: no policy can link more clients than that."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Blocker, Clients
from linkage_rl.candidates.index import CompanyIndex


@dataclass(frozen=True)
class Coverage:
    """Recall of one blocker, or of all together, on clients whose company is in the table."""

    blocker: str
    """Blocker name, or 'all'."""
    recall: dict[int, float]
    """k to the share of clients whose right company is among the first k, in [0, 1]."""
    applicable: float
    """Share of the clients that have the field which the blocker needs, in [0, 1]."""
    per_client: float
    """Mean number of candidates of a client that has the field."""


def coverage(
    index: CompanyIndex,
    blockers: Sequence[Blocker],
    clients: Clients,
    truth: Sequence[str],
    at: Sequence[int] = (1, 5, 10, 20, 30),
) -> list[Coverage]:
    """Recall@k of each blocker, and of all blockers merged by retrieval score.

    Recall@k is the share of clients whose right company is among the first k candidates.

    Args:
        index: The company table.
        blockers: The blockers to measure.
        clients: N clients.
        truth: Right company id of each, '' for none; clients without one are left out.
        at: The numbers of candidates k, ascending.
    """
    right = index.find(truth)
    chosen = np.flatnonzero(right >= 0)
    right = right[chosen]
    found = [index.propose(blocker, clients, chosen, max(at)) for blocker in blockers]
    reports = []
    for blocker, some in zip(blockers, found, strict=True):
        applies = blocker.applies_to(clients)[chosen]
        reports.append(_report(blocker.name, some.rows, right, at, applies))
    rows = np.concatenate([some.rows for some in found], axis=1)
    retrieval_score = np.concatenate([some.retrieval_score for some in found], axis=1)
    best = np.argsort(-retrieval_score, axis=1, kind="stable")
    merged = _without_repeats(np.take_along_axis(rows, best, axis=1))
    reports.append(_report("all", merged, right, at, np.ones(len(chosen), dtype=bool)))
    return reports


def _without_repeats(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each row of each client once, at its first place; later ones move up, -1 fills the end."""
    order = np.argsort(rows, axis=1, kind="stable")
    ordered = np.take_along_axis(rows, order, axis=1)
    repeated = np.zeros_like(rows, dtype=bool)
    np.put_along_axis(repeated, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    kept = np.where(repeated, -1, rows)
    front = np.argsort(kept < 0, axis=1, kind="stable")
    return np.take_along_axis(kept, front, axis=1)


def _report(
    name: str,
    rows: NDArray[np.int64],
    right: NDArray[np.int64],
    at: Sequence[int],
    applies: NDArray[np.bool_],
) -> Coverage:
    hit = rows == right[:, None]
    recall = {k: float(hit[:, :k].any(axis=1).mean()) if len(right) else 0.0 for k in at}
    own = rows[applies]
    per_client = float((own >= 0).sum(axis=1).mean()) if len(own) else 0.0
    return Coverage(name, recall, float(applies.mean()) if len(applies) else 0.0, per_client)
