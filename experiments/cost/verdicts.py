"""Processor time of learning from verdicts, and of writing what was learned as weights and graph.

The cases are random ones of the usual sizes. The scorer that learns is drawn too, and the verdicts
are drawn from its own shares: it is a good start, as a trained policy is.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from experiments.tools.measure import Clock
from linkage_rl.agents.policy_weights import PolicyWeights, save_weights
from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision_log.evidence import LoggedCases
from linkage_rl.exporting.onnx import export_policy
from linkage_rl.features.matrix import PAIR_FEATURES, QUERY_FEATURES
from linkage_rl.feedback.answers import Judged
from linkage_rl.feedback.learned import learn_policy
from linkage_rl.feedback.learning import LearningConfig
from linkage_rl.feedback.scoring import answer_shares

_SLOTS: Final = 30
_BLOCKERS: Final = 8
_UNJUDGED: Final = 2_000
"""Clients on which the threshold is chosen."""
_SHARPNESS: Final = 30.0
"""The lower the temperature, the surer a drawn scorer is."""


@dataclass(frozen=True)
class Costs:
    """CPU seconds, the least of the rounds."""

    verdicts: int
    learn: float
    export: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a line per number of verdicts."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.cost verdicts", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--verdicts", type=int, nargs="+", default=[100, 300, 1_000, 3_000])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args(arguments)
    for verdicts in asked.verdicts:
        found = measure(verdicts, asked.rounds)
        sys.stdout.write(
            f"{verdicts:6,} verdicts: learning {found.learn:.2f} CPU-s, "
            f"weights and graph {found.export:.2f} CPU-s\n"
        )
    return 0


def measure(verdicts: int, rounds: int) -> Costs:
    """Learn as `linkage-rl learn` does, and export.

    Args:
        verdicts: Judged clients.
        rounds: How often; the least time counts.
    """
    start = drawn_scorer()
    said, clients = drawn_verdicts(start, verdicts, 1), drawn_cases(_UNJUDGED, 2)
    learning, exporting = [], []
    for seed in range(rounds):
        with Clock() as clock:
            learned = learn_policy(
                start, said, clients, Calibration.identity(), None, LearningConfig(), seed
            )
        learning.append(clock.cpu_s)
        with tempfile.TemporaryDirectory() as folder, Clock() as clock:
            weights = PolicyWeights(learned.scorer, None, start)
            save_weights(weights, Path(folder) / "weights.npz")
            export_policy(weights.graph(), start.config, Path(folder) / "policy.onnx")
        exporting.append(clock.cpu_s)
    return Costs(verdicts, min(learning), min(exporting))


def drawn_scorer() -> CandidateScorer:
    """A scorer of the usual sizes."""
    sizes = (len(PAIR_FEATURES), len(QUERY_FEATURES), _BLOCKERS)
    config = ScorerConfig(*sizes, temperature=1 / _SHARPNESS)
    return CandidateScorer(config, torch.Generator().manual_seed(1))


def drawn_cases(clients: int, seed: int) -> LoggedCases:
    """Random clients, half of whose slots are filled on average."""
    rng = np.random.default_rng(seed)
    filled = rng.integers(1, _SLOTS + 1, clients)
    empty = np.arange(_SLOTS) >= filled[:, None]
    candidates = rng.random((clients, _SLOTS, len(PAIR_FEATURES)), dtype=np.float32)
    candidates[empty] = 0
    return LoggedCases(
        candidates,
        rng.random((clients, len(QUERY_FEATURES)), dtype=np.float32),
        rng.random((clients, _BLOCKERS + 2), dtype=np.float32),
        np.where(empty, -1, np.arange(_SLOTS)).astype(np.int8),
        filled,
    )


def drawn_verdicts(scorer: CandidateScorer, verdicts: int, seed: int) -> Judged:
    """Verdicts that the scorer expects: each names one answer, drawn by its share."""
    cases = drawn_cases(verdicts, seed)
    reached = answer_shares(scorer, cases).cumsum(axis=1)
    drawn = np.random.default_rng(seed).random((verdicts, 1)) * reached[:, -1:]
    answer = (reached > drawn).argmax(axis=1)
    allowed = np.arange(_SLOTS + 1) == answer[:, None]
    return Judged(cases, allowed, np.ones(verdicts, dtype=np.float32))
