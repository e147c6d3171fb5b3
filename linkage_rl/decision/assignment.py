"""One-to-one assignment: every company goes to one client of a list at most.

It is for lists in which no company occurs twice. Over all clients the sum of the log-odds of their
companies against no match is the highest that is possible, which is the likeliest assignment of the
whole list. SciPy's sparse assignment solves it, some thousands of clients at a time: clients that
share no candidate, even through others, do not compete. What a client is left with is then
likelier than it was: its confidence is that of its company given what the other clients have.
"""

import importlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.decide import Thresholds
from linkage_rl.decision.list_stage import ListDecisions, RankedCandidates
from linkage_rl.errors import ConfigError
from linkage_rl.records import DecisionKind

LOST_TO: Final = "lost_to"
CLAIMED_BY: Final = "claimed_by"
"""Columns of `ListDecisions`, see `decide_one_to_one` and `claims`."""

_FLOOR: Final = 1e-6
"""Probability that no match has at least."""
_LEAST: Final = 0.01
"""Probability from which on a candidate is assigned; weaker ones would only make every client
compete with every other."""
_EARLIER: Final = 1e-9
"""What the last client of a part has less than the first one, of equal weights."""
_TOGETHER: Final = 2048
"""Clients that are assigned by one call, more only where that many compete with each other."""


@dataclass(frozen=True)
class Assignment:
    """Which company each of N clients gets; arrays of shape (N,)."""

    slot: NDArray[np.int64]
    """Position of the company among the client's candidates, -1 where it gets none."""
    lost_to: NDArray[np.int64]
    """The client that got the best candidate of this one, -1 where none did."""
    confidence: NDArray[np.float32]
    """Probability of the company given what the other clients get, in [0, 1], 0 without one."""


def assign(candidate: NDArray[np.int64], probability: NDArray[np.floating]) -> Assignment:
    """The likeliest assignment in which every company is taken once at most.

    A client takes a candidate only where that is likelier than no match. Of clients whose claims
    are equal the earlier one in the list has the company.

    Args:
        candidate: Companies that come into question for N clients, -1 where there are no more;
            shape (N, S).
        probability: Probability of each to be the right one, in [0, 1], shape (N, S).

    Raises:
        ConfigError: SciPy is not installed.
    """
    nothing = np.maximum(1 - probability.sum(axis=1, dtype=np.float64), _FLOOR)
    weight = np.log(np.maximum(probability, _FLOOR) / nothing[:, None])
    client, slot = np.nonzero((candidate >= 0) & (probability >= _LEAST) & (weight > 0))
    chosen = best_matching(client, candidate[client, slot], weight[client, slot])
    client, slot = client[chosen], slot[chosen]
    holder = _holders(candidate, client, candidate[client, slot])
    taken = np.full(len(candidate), -1, dtype=np.int64)
    taken[client] = slot
    own = np.zeros(len(candidate), dtype=np.float64)
    own[client] = probability[client, slot]
    gone = np.where(holder >= 0, probability * own[holder], 0).sum(axis=1)
    confidence = np.minimum(own / np.maximum(1 - gone, _FLOOR), 1).astype(np.float32)
    return Assignment(taken, holder[:, 0], confidence)


def _holders(
    candidate: NDArray[np.int64], client: NDArray[np.int64], company: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The other client that has each candidate, -1 where there is none; shape (N, S).

    Args:
        candidate: Companies that come into question for N clients, shape (N, S).
        client: Clients that have a company.
        company: The company of each, no two the same.
    """
    holder = np.full(candidate.shape, -1, dtype=np.int64)
    if len(company):
        order = np.argsort(company)
        company, client = company[order], client[order]
        place = np.minimum(np.searchsorted(company, candidate), len(company) - 1)
        other = client[place] != np.arange(len(candidate))[:, None]
        holder = np.where((company[place] == candidate) & other, client[place], -1)
    return holder


def best_matching(
    client: NDArray[np.int64], company: NDArray[np.int64], weight: NDArray[np.floating]
) -> NDArray[np.int64]:
    """Pairs of the highest total weight with every client and every company once at most.

    Args:
        client: Client of each of P pairs, ascending, shape (P,).
        company: Company of each pair, shape (P,).
        weight: Above 0, shape (P,).

    Returns:
        Positions of the chosen pairs, ascending.

    Raises:
        ConfigError: SciPy is not installed.
    """
    if not len(client):
        return np.zeros(0, dtype=np.int64)
    own = np.unique(client, return_inverse=True)[1]
    their = np.unique(company, return_inverse=True)[1]
    component = _components(own, their)
    order = np.argsort(component, kind="stable")
    # components one after the other, cut where enough clients have come together
    firsts = np.flatnonzero(np.diff(component[order], prepend=-1))
    clients = np.add.reduceat(np.diff(own[order], prepend=-1) != 0, firsts)
    group = (np.cumsum(clients) - clients) // _TOGETHER
    cuts = firsts[np.flatnonzero(np.diff(group, prepend=-1))]
    found = [
        part[_match(own[part], their[part], weight[part])] for part in np.split(order, cuts[1:])
    ]
    return np.sort(np.concatenate(found))


def _match(
    client: NDArray[np.int64], company: NDArray[np.int64], weight: NDArray[np.floating]
) -> NDArray[np.int64]:
    """`best_matching` of one part of the pairs, in one call.

    Beside the companies every client has a place of its own of weight 0, so that all of them can
    be assigned; costs are above 0, since SciPy takes a 0 for a pair that is missing. Of clients
    whose claims are equal the earlier one is preferred.
    """
    clients, row = np.unique(client, return_inverse=True)
    companies, column = np.unique(company, return_inverse=True)
    every = np.arange(len(clients))
    weight = weight - _EARLIER * row / len(clients)
    highest = weight.max() + 1
    costs = _scipy("scipy.sparse").csr_array(
        (
            np.concatenate([highest - weight, np.full(len(clients), highest)]),
            (np.concatenate([row, every]), np.concatenate([column, len(companies) + every])),
        )
    )
    matched = _scipy("scipy.sparse.csgraph").min_weight_full_bipartite_matching(costs)
    assigned = np.empty(len(clients), dtype=np.int64)
    assigned[matched[0]] = matched[1]
    return np.flatnonzero(assigned[row] == column)


def _components(client: NDArray[np.int64], company: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of the connected component of each pair, shape (P,)."""
    clients = int(client.max()) + 1
    total = clients + int(company.max()) + 1
    graph = _scipy("scipy.sparse").coo_array(
        (np.ones(len(client), dtype=np.int8), (client, clients + company)), shape=(total, total)
    )
    labels = _scipy("scipy.sparse.csgraph").connected_components(graph, directed=False)[1]
    return np.asarray(labels[client], dtype=np.int64)


def decide_one_to_one(
    ranked: RankedCandidates, calibration: Calibration | None, thresholds: Thresholds
) -> ListDecisions:
    """Decide for every client of a list in which every company occurs once at most.

    A client that gets none keeps its best candidate and the confidence in it for the reader, and is
    not linked: it is reviewed where its confidence is high enough for that, whoever has the
    company.

    Args:
        ranked: The best companies of N clients.
        calibration: Maps their confidence to a probability; None leaves it raw.
        thresholds: From which confidence on a client is linked, or reviewed.

    Returns:
        The decisions, with a column `lost_to`: the row of the list, from 1, of the client that got
        the best candidate of this one.

    Raises:
        ConfigError: SciPy is not installed.
    """
    probability = ranked.calibrated(calibration)
    assignment = assign(ranked.candidate, probability)
    every, slot = np.arange(len(assignment.slot)), np.maximum(assignment.slot, 0)
    gets = assignment.slot >= 0
    confidence = np.where(gets, assignment.confidence, probability[:, 0])
    kind = thresholds.kinds(confidence, gets)
    kind[~gets & (confidence >= thresholds.review)] = DecisionKind.REVIEW
    return ListDecisions(
        kind,
        ranked.candidate[every, slot],
        confidence,
        ranked.tied[every, slot],
        columns={LOST_TO: assignment.lost_to + 1},
    )


def claims(kind: NDArray[np.int8], candidate: NDArray[np.int64]) -> NDArray[np.int64]:
    """Clients of the list that are linked to the same company as this one, shape (N,).

    It is counted itself, and 0 where a client is not linked.

    >>> link, no_match = DecisionKind.LINK, DecisionKind.NO_MATCH
    >>> claims(np.array([link, link, link, no_match]), np.array([7, 5, 7, 7])).tolist()
    [2, 1, 2, 0]
    """
    linked = np.flatnonzero(kind == DecisionKind.LINK)
    counts = np.zeros(len(kind), dtype=np.int64)
    _, company, number = np.unique(candidate[linked], return_inverse=True, return_counts=True)
    counts[linked] = number[company]
    return counts


def _scipy(name: str) -> Any:
    """A module of SciPy, which is an extra.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise ConfigError(
            "assignment=one_to_one needs SciPy, which is not installed; "
            "pip install 'linkage_rl[assignment]', or leave assignment= out"
        ) from None
