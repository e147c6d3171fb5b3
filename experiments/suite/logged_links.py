"""A log in which people judged links alone, as a linker that is in use would have it."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from experiments.suite.click_log import Logged
from linkage_rl.decision_log.evidence import LoggedCases
from linkage_rl.decision_log.rows import SHOWN
from linkage_rl.feedback.answers import Judged, Says, allowed_answers, judged


@dataclass(frozen=True, eq=False)
class LoggedLinks:
    """N links that were made and judged: right or wrong, and no more."""

    cases: LoggedCases
    shares: NDArray[np.float64]
    """Of the logging policy: slots, then no match; shape (N, K + 1)."""
    slot: NDArray[np.int64]
    """The linked candidate, shape (N,)."""
    right: NDArray[np.bool_]
    """Shape (N,)."""
    propensity: NDArray[np.float64]
    """Chance with which this link was made, in (0, 1], shape (N,)."""

    def __len__(self) -> int:
        return len(self.slot)

    def first(self, count: int) -> "LoggedLinks":
        """The first links of the log."""
        parts = (getattr(self, one.name) for one in fields(self) if one.name != "cases")
        return LoggedLinks(self.cases.take(np.arange(count)), *(part[:count] for part in parts))

    def as_judged(self, rejects: Says | None, weighted: bool = False) -> Judged:
        """The links as answers to learn from.

        Args:
            rejects: What a wrong link says; None leaves wrong links out.
            weighted: Whether a link counts by one over its propensity.
        """
        says = np.where(self.right, Says.RIGHT, Says.NOTHING if rejects is None else rejects)
        named = np.arange(self.cases.candidates.shape[1]) == self.slot[:, None]
        allowed = allowed_answers(self.cases, says.astype(np.int8), named, SHOWN)
        weights = 1 / self.propensity if weighted else None
        return judged(self.cases, allowed, weights)[0]


def log_links(
    logged: Logged,
    clients: NDArray[np.int64],
    threshold: float,
    exploration: float,
    count: int,
    rng: np.random.Generator,
) -> LoggedLinks:
    """Link clients one after the other until enough links are judged.

    With the chance `exploration` a link to one of the shown candidates is made, drawn by the
    shares among these; otherwise the best one is linked from the threshold on. Without an
    exploring draw, clients below the threshold leave no link and no verdict.

    Args:
        logged: What the policy says of the stream.
        clients: Positions in the order in which they come.
        threshold: Confidence from which on the best candidate is linked.
        exploration: Share of clients with an exploring draw, in [0, 1).
        count: Judged links that are wanted; fewer come where the clients end.
        rng: Draws.
    """
    shown, rights = _shown(logged, clients)
    links = logged.confidence[clients] >= threshold
    total = shown.sum(axis=1, keepdims=True)
    explored = exploration * shown / np.maximum(total, 1e-12)
    chances = explored.copy()
    chances[:, 0] += (1 - exploration) * links
    none = 1 - chances.sum(axis=1, keepdims=True)
    ends = np.concatenate([chances, none], axis=1).cumsum(axis=1)
    slot = (rng.random((len(clients), 1)) >= ends[:, :-1]).sum(axis=1)
    kept = np.flatnonzero(slot < shown.shape[1])[:count]
    cases, slot = logged.logged_cases(clients[kept]), slot[kept]
    return LoggedLinks(
        cases,
        _all_shares(logged, clients[kept], cases.candidates.shape[1]),
        slot,
        rights[kept, slot],
        chances[kept, slot],
    )


def _shown(
    logged: Logged, clients: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Shares of the shown candidates, and whether each is right; 0 and false for none, (N, 5)."""
    shares = _all_shares(logged, clients, SHOWN)[:, :SHOWN]
    rights = np.zeros(shares.shape, dtype=np.bool_)
    for row, own in enumerate(logged.shown_right(clients)):
        rights[row, : len(own)] = own
    return shares, rights


def _all_shares(logged: Logged, clients: NDArray[np.int64], slots: int) -> NDArray[np.float64]:
    """Shares of the first slots, then of no match; shape (N, slots + 1)."""
    evidence = logged.evidence
    ends = evidence.counts.cumsum()
    shares = np.zeros((len(clients), slots + 1))
    for row, client in enumerate(clients.tolist()):
        begin = ends[client] - evidence.counts[client]
        own = evidence.shares[begin : min(ends[client], begin + slots)]
        shares[row, : len(own)] = own
    shares[:, slots] = evidence.no_match[clients]
    return shares
