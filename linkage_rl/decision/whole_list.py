"""Decides a whole list, by its list stage or client by client, after the first pass over it."""

from dataclasses import fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.decision.assignment import decide_one_to_one
from linkage_rl.decision.decide import Decider, Thresholds
from linkage_rl.decision.first_pass import KEYS, FirstPass, list_keys
from linkage_rl.decision.list_stage import ListDecisions, ListStage, RankedCandidates, rank_list
from linkage_rl.decision.pool import LivePool
from linkage_rl.features.reasons import reason_codes
from linkage_rl.records import SHORTLIST, Decisions, Shortlist

FIRST_PASS: Final = np.dtype(
    [
        ("candidates", "<i4", (SHORTLIST,)),
        ("shares", "<f4", (SHORTLIST,)),
        ("tied", "<i2", (SHORTLIST,)),
        ("no_match", "<f4"),
        ("keys", "<u8", (len(KEYS),)),
        ("ran", "<u2"),
        ("reason", "u1", (4,)),
        ("kind", "i1"),
        ("candidate", "<i4"),
        ("confidence", "<f4"),
        ("candidate_tied", "<i2"),
    ]
)
"""A client after the first pass over its list, in 93 bytes; see `FirstPass`. The last
four are the policy's own decision on the client alone, see `Decisions`."""


def first_pass_of(pool: LivePool, raw: Decisions) -> NDArray[np.void]:
    """What a first pass leaves of N clients.

    Args:
        pool: The clients with their candidates.
        raw: The policy's own decisions, with the best candidates.

    Returns:
        Structured array of `FIRST_PASS`, shape (N,).
    """
    shortlist = raw.shortlist or Shortlist.empty(len(raw))
    first = np.zeros(len(raw), dtype=FIRST_PASS)
    first["candidates"], first["shares"] = shortlist.candidate, shortlist.share
    first["tied"], first["no_match"] = shortlist.tied, shortlist.no_match
    first["keys"] = list_keys(pool.found.clients.keys)
    first["ran"] = raw.ran
    first["kind"], first["candidate"] = raw.kind, raw.candidate
    first["confidence"], first["candidate_tied"] = raw.confidence, raw.tied
    best = shortlist.candidate[:, 0]
    present = np.flatnonzero(best >= 0)
    first["reason"][present] = reason_codes(pool.found.features_of(present, best[present]))
    return first


def decide_whole(
    first: NDArray[np.void],
    decider: Decider,
    stage: ListStage | None,
    shown: int = 0,
    one_to_one: bool = False,
) -> ListDecisions:
    """Decide a whole list.

    Args:
        first: Structured array of `FIRST_PASS`, shape (N,); may be memory-mapped.
        decider: Decides clients by themselves, where there is no list stage.
        stage: The list stage.
        shown: How many of the best companies of each client come with the decisions.
        one_to_one: Whether every company goes to one client at most; see `assignment`.

    Raises:
        ConfigError: SciPy is not installed, which one-to-one needs.
    """
    if one_to_one:
        ranked, own = _ranked(first, stage, shown), decider if stage is None else stage
        thresholds = own.thresholds or Thresholds(0.5)
        decisions = decide_one_to_one(ranked, own.calibration, thresholds)
        return replace(decisions, ranked=ranked) if shown else decisions
    if stage is None:
        return _decide_alone(first, decider, shown)
    return stage.decide(_as_first_pass(first), shown)


def _ranked(first: NDArray[np.void], stage: ListStage | None, shown: int) -> RankedCandidates:
    """The best candidates of the clients of a list."""
    if stage is None:
        return _ranked_alone(first)
    return rank_list(stage.scorer, _as_first_pass(first), slots=max(shown, SHORTLIST))


def _decide_alone(first: NDArray[np.void], decider: Decider, shown: int) -> ListDecisions:
    """The decisions on clients by themselves, from their first pass."""
    decided = decider.apply_thresholds(
        Decisions(
            kind=np.array(first["kind"]),
            candidate=first["candidate"].astype(np.int64),
            confidence=np.array(first["confidence"]),
            tied=np.array(first["candidate_tied"]),
            ran=np.array(first["ran"]),
            cost=np.zeros(len(first), dtype=np.float32),
        )
    )
    return ListDecisions(
        decided.kind,
        decided.candidate,
        decided.confidence,
        decided.tied,
        _ranked_alone(first) if shown else None,
    )


def _ranked_alone(first: NDArray[np.void]) -> RankedCandidates:
    """The best candidates of clients by themselves, as many as the first pass kept."""
    confidence = np.minimum(first["shares"] * first["tied"], 1).astype(np.float32)
    rows = first["candidates"].astype(np.int64)
    return RankedCandidates(rows, confidence, np.maximum(first["tied"], 1))


def _as_first_pass(first: NDArray[np.void]) -> FirstPass:
    """What the list stage reads of an array of `FIRST_PASS`."""
    names = [field.name for field in fields(FirstPass)]
    return FirstPass(*(np.ascontiguousarray(first[name]) for name in names))
