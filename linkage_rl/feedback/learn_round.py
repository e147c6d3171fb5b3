"""One round of learning: from verdicts to a candidate bundle and the questions of its gate."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from linkage_rl.decision_log.rows import DecisionRows, Selection
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.feedback.candidate_bundle import BaseBundle, mark_of, write_candidate
from linkage_rl.feedback.customers import Odd, contradicting
from linkage_rl.feedback.gate import UNKNOWN, Difference, Family, disagreement_queue
from linkage_rl.feedback.learned import Learned, learn_policy
from linkage_rl.feedback.learning import LearningConfig
from linkage_rl.feedback.logged import (
    LoggedVerdicts,
    check_some,
    read_sample,
    read_unjudged,
    read_verdicts,
)

CLIENTS: Final = 4_000
"""Logged clients on which the threshold is chosen."""
COMPARED: Final = 20_000
"""Logged clients without a verdict that both bundles decide."""


@dataclass(frozen=True, eq=False)
class Round:
    """What was learned, before its gate."""

    learned: Learned
    verdicts: LoggedVerdicts
    """Those that were learned."""
    odd: Sequence[Odd] = field(default_factory=tuple)
    """Customers that were left out."""


def learn_round(
    log: DecisionLog,
    base: BaseBundle,
    selection: Selection,
    config: LearningConfig,
    seed: int,
    keeps_thresholds: bool = False,
) -> Round:
    """Learn the verdicts of a log.

    Without a customer the policy is shared: customers who contradict the others are left out.

    Args:
        log: The log.
        base: The bundle that learns.
        selection: Whose verdicts, and clients for the threshold.
        config: How to learn.
        seed: Decides the order of the verdicts.
        keeps_thresholds: Whether the thresholds stay as they are.

    Raises:
        SchemaError: There is nothing to learn.
    """
    verdicts = read_verdicts(log, selection, base.format)
    check_some(verdicts, log, base.folder)
    start, odd = base.weights.origin, []
    left_out: set[str] = set()
    if not selection.customer:
        odd = contradicting(start, verdicts.judged, verdicts.customers, config, seed)
        left_out = {one.customer for one in odd}
        kept = [row for row, one in enumerate(verdicts.customers) if one not in left_out]
        verdicts = verdicts.take(np.array(kept, dtype=np.int64))
    learned = learn_policy(
        start,
        verdicts.judged,
        read_sample(log, selection, base.format, CLIENTS, left_out),
        base.start_calibration,
        base.settings.thresholds,
        config,
        seed,
        keeps_thresholds,
    )
    return Round(learned, verdicts, tuple(odd))


def write_round(base: BaseBundle, found: Round, folder: Path, seed: int) -> str:
    """Write what was learned as a bundle; returns its mark."""
    origin = {
        "learned_from": base.mark,
        "learned_verdicts": str(len(found.verdicts)),
        "learned_seed": str(seed),
    }
    write_candidate(base, found.learned, folder, origin)
    return mark_of(folder)


def ask_about_differences(
    log: DecisionLog,
    incumbent: BaseBundle,
    family: Family,
    found: Round,
    settings: Mapping[str, str],
    seed: int,
) -> str:
    """Make the queue of the gate; '' where both bundles decide every client alike.

    Args:
        log: The log.
        incumbent: The bundle in use.
        family: Whose gate it is; says whose clients are asked about.
        found: What the new one decides with.
        settings: Kept with the queue.
        seed: Of the order.
    """
    selection = Selection(customer=family.customer, list_id=family.list_id)
    rows, cases = read_unjudged(log, selection, incumbent.format, COMPARED)
    left_out = {one.customer for one in found.odd}
    if not len(rows):
        return ""
    old, new = incumbent.answers(cases), found.learned.answers(cases)
    differ = [
        row for row in np.flatnonzero(old != new).tolist() if rows.customer[row] not in left_out
    ]
    if not differ:
        return ""
    differences = [
        Difference(_company(rows, row, int(old[row])), _company(rows, row, int(new[row])))
        for row in differ
    ]
    return disagreement_queue(
        log,
        family,
        [rows.decision_id[row] for row in differ],
        {**settings, "compared": len(rows), "differ": len(differ)},
        differences,
        seed,
    )


def _company(rows: DecisionRows, row: int, slot: int) -> str:
    """Company in a slot of a logged decision, '' for no slot."""
    if slot < 0:
        return ""
    shown = json.loads(rows.shown[row])
    return str(shown[slot][0]) if slot < len(shown) else UNKNOWN
