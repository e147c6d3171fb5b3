"""What a scorer says of logged cases: shares of the answers, and the confidence in the best one."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linkage_rl.agents.scorer import MASKED, CandidateScorer
from linkage_rl.agents.scorer_policy import one_thread
from linkage_rl.decision_log.evidence import LoggedCases

_CHUNK = 2048

Inputs = tuple[Tensor, Tensor, Tensor, Tensor]
"""Candidates, query, state and action mask of a batch."""


def inputs_of(cases: LoggedCases) -> Inputs:
    """The cases as what a scorer takes, sharing memory with them where possible."""
    return (
        torch.from_numpy(cases.candidates),
        torch.from_numpy(cases.query),
        torch.from_numpy(cases.state),
        torch.from_numpy(cases.action_mask()),
    )


def stop_logits(scorer: CandidateScorer, inputs: Inputs) -> Tensor:
    """Logits of the links and no match, shape (B, K + 1); those of empty slots are -1e8."""
    candidates, _, _, mask = inputs
    pooled = scorer.pool(*inputs)
    return _masked(scorer, pooled, mask[:, : candidates.shape[1] + 1] > 0)


class FilledSlots:
    """N cases without their empty slots, from which batches are taken again and again."""

    def __init__(self, cases: LoggedCases) -> None:
        """Gather the features of the filled slots once."""
        filled = np.arange(cases.candidates.shape[1]) < cases.filled[:, None]
        self._filled = filled
        self._first = cases.filled.cumsum() - cases.filled
        self._rows = torch.from_numpy(cases.candidates[filled])
        self._query, self._state = torch.from_numpy(cases.query), torch.from_numpy(cases.state)

    def logits(self, scorer: CandidateScorer, batch: NDArray[np.int64]) -> Tensor:
        """As `stop_logits`, of the cases at B positions; shape (B, K + 1)."""
        filled = self._filled[batch]
        place = np.flatnonzero(filled)
        client, slot = np.divmod(place, filled.shape[1])
        rows = torch.from_numpy(self._first[batch][client] + slot)
        chosen = torch.from_numpy(batch)
        pooled = scorer.pool_rows(
            self._rows.index_select(0, rows),
            torch.from_numpy(place),
            torch.from_numpy(filled).unsqueeze(2).to(self._rows.dtype),
            self._query.index_select(0, chosen),
            self._state.index_select(0, chosen),
        )
        return _masked(
            scorer, pooled, torch.from_numpy(np.pad(filled, ((0, 0), (0, 1)), constant_values=True))
        )


def _masked(scorer: CandidateScorer, pooled: tuple[Tensor, Tensor], legal: Tensor) -> Tensor:
    """Logits of links and no match, -1e8 where illegal; shape (B, K + 1)."""
    stops = scorer.stops(*pooled).mean(dim=2) / scorer.config.temperature
    return stops.masked_fill(~legal, MASKED)


def answer_shares(scorer: CandidateScorer, cases: LoggedCases) -> NDArray[np.float32]:
    """Softmax weight of each slot and of no match, shape (N, K + 1)."""
    inputs = inputs_of(cases)
    shares = np.empty((len(cases), cases.candidates.shape[1] + 1), dtype=np.float32)
    with torch.inference_mode(), one_thread():
        for begin in range(0, len(cases), _CHUNK):
            end = begin + _CHUNK
            batch = inputs[0][begin:end], inputs[1][begin:end], inputs[2][begin:end]
            logits = stop_logits(scorer, (*batch, inputs[3][begin:end]))
            shares[begin:end] = torch.softmax(logits, dim=1).numpy()
    return shares


def best_slots(
    shares: NDArray[np.float32], cases: LoggedCases
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Best slot, raw confidence in it and those tied with it, and their number; shape (N,) each.

    As `decision.decide.raw_confidence`. A client without candidates has confidence 0.

    Args:
        shares: From `answer_shares`.
        cases: The same cases.
    """
    links = shares[:, :-1]
    slot = links.argmax(axis=1)
    tied = (cases.ties == cases.ties[np.arange(len(slot)), slot][:, None]) & (cases.ties >= 0)
    confidence = np.where(tied, links, 0).sum(axis=1, dtype=np.float32)
    return slot, np.minimum(confidence, 1), np.maximum(tied.sum(axis=1), 1)
