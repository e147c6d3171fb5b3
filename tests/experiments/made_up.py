"""Invented answers and suites, for tests of tables and pages."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.tools.records import JudgedCell, Record, Result
from experiments.tools.settings import Condition, SuiteSettings
from linkage_rl.decision.rewards import RewardWeights
from linkage_rl.evaluation.answers import Answers
from linkage_rl.records import DecisionKind


def answers(links: str, clients: int = 1_000) -> Answers:
    """A tenth of the clients per letter: 'r' sure and right, 'w' sure and wrong, '-' unsure."""
    letters = np.repeat(list(links), clients // len(links))
    right = letters == "r"
    sure = letters != "-"
    return Answers(
        kind=np.where(sure, DecisionKind.LINK, DecisionKind.NO_MATCH).astype(np.int8),
        has_candidate=np.ones(clients, dtype=np.bool_),
        pair=np.arange(clients),
        confidence=np.where(sure, 0.9, 0.1).astype(np.float32),
        tied=np.ones(clients, dtype=np.int16),
        right=right,
        has_row=np.ones(clients, dtype=np.bool_),
        ran=np.ones(clients, dtype=np.uint16),
        cost=np.full(clients, 0.01, dtype=np.float32),
        dataset=np.zeros(clients, dtype=np.int16),
    )


def judged_cell(condition: str, system: str, seed: int, links: str, error: str = "") -> JudgedCell:
    """A finished cell whose valid and test answers are those of `answers`."""
    record = Record(
        condition, system, system, seed, ("list",), fit_cpu_s=2.0, peak_mb=300.0, error=error
    )
    given = None if error else answers(links)
    result = Result(record, Path(f"{system}-{seed}"), given, given)
    return JudgedCell(condition, RewardWeights(), "f1", result)


def with_result(cell: JudgedCell, record: dict[str, Any], **changes: Any) -> JudgedCell:
    """The cell with changes of its record and of its result."""
    changed = replace(cell.result.record, **record)
    return replace(cell, result=replace(cell.result, record=changed, **changes))


def suite(**settings: object) -> SuiteSettings:
    plain: dict[str, object] = {
        "name": "tried",
        "conditions": {"easy": Condition(), "hard": Condition(against="easy")},
        "systems": ["rules", "ranker"],
        "resamples": 200,
    }
    return SuiteSettings(**(plain | settings))  # type: ignore[arg-type]
