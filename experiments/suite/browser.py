"""Clients for the error browser: what was visible, what was decided, what was right, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.suite.cells import Cell, judged_cell
from experiments.suite.conditions import build_condition
from experiments.suite.summary import Group, group_results
from experiments.tools.problem import right_is_visible
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.observation import View
from linkage_rl.evaluation.answers import Answers
from linkage_rl.features.reasons import reasons
from linkage_rl.records import DecisionKind

KINDS: Final = (
    "wrong link",
    "link without a row",
    "missed, company visible",
    "missed, company not visible",
    "right link",
    "right no match",
)
"""Possible outcomes of a client; review counts as no link."""
_RIGHT: Final = KINDS[4:]
_SHOWN: Final = 5
"""Candidates listed of each client, besides the chosen one and the right one."""
_DIGITS: Final = 2


@dataclass(frozen=True)
class Browsed:
    """What the browser knows of one system on one list, fit for JSON."""

    list_name: str
    title: str
    seed: int
    threshold: float | None
    features: tuple[str, ...]
    """Names of the pair features."""
    blockers: tuple[str, ...]
    clients: list[dict[str, Any]]
    """See `_client`."""
    counts: dict[str, int]
    """Number of clients of the list in each of `KINDS`."""


def browse(cell: Cell, limit: int) -> list[Browsed]:
    """The clients of a finished cell, list by list; meant to run in a process of its own.

    Args:
        cell: A cell of the library's own systems.
        limit: Largest number of clients of each list; of every kind of error equally many.
    """
    groups, _ = group_results([judged_cell(cell)])
    problem = build_condition(cell.settings, cell.condition, learns=False)
    browsed = []
    for place, dataset in enumerate(problem.datasets):
        group = next(group for group in groups if group.dataset == dataset)
        rows = np.flatnonzero(np.array(problem.test.dataset) == place)
        cases = problem.test.take(rows)
        best = _renumbered(group.runs[0].answers, problem.test, rows, cases)
        browsed.append(_browsed(group, best, cases, problem.view, limit))
    return browsed


def _renumbered(
    answers: Answers, every: CaseSet, rows: NDArray[np.int64], cases: CaseSet
) -> NDArray[np.int64]:
    """The best candidates of the answers as the taken cases number them, shape (N,)."""
    pair = answers.pair - every.starts[rows] + cases.starts[:-1]
    best: NDArray[np.int64] = np.where(answers.pair >= 0, pair, -1)
    return best


def _browsed(
    group: Group, best: NDArray[np.int64], cases: CaseSet, view: View, limit: int
) -> Browsed:
    """What the browser knows of the first seed of a group.

    Args:
        group: A system on one list.
        best: Its best candidate of each case, shape (N,).
        cases: The cases of the list.
        view: How cases are shown.
        limit: Largest number of clients.
    """
    run = group.runs[0]
    answers = run.answers
    kinds = kinds_of(answers, right_is_visible(cases, view, answers.ran))
    chosen = _chosen(kinds, answers.confidence, limit)
    return Browsed(
        group.list_name,
        group.title,
        group.seeds[0],
        run.threshold,
        cases.feature_names,
        cases.blockers,
        [_client(row, KINDS[kinds[row]], answers, best, cases, view) for row in chosen.tolist()],
        {name: int((kinds == place).sum()) for place, name in enumerate(KINDS)},
    )


def kinds_of(answers: Answers, visible: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Position in `KINDS` of each client, (N,); `visible`: its right company was in a slot."""
    linked = answers.kind == DecisionKind.LINK
    wrong = np.where(answers.has_row, 0, 1)
    missed = np.where(visible, 2, 3)
    unlinked = np.where(answers.has_row, missed, 5)
    kinds: NDArray[np.int64] = np.where(linked, np.where(answers.right, 4, wrong), unlinked)
    return kinds


def _chosen(
    kinds: NDArray[np.int64], confidence: NDArray[np.float32], limit: int
) -> NDArray[np.int64]:
    """Equally many of every kind of error, the most confident first, and a few right decisions."""
    share = max(limit // (len(KINDS) - 1), 1)
    parts = []
    for place, name in enumerate(KINDS):
        rows = np.flatnonzero(kinds == place)
        rows = rows[np.argsort(-confidence[rows], kind="stable")]
        few = share // 2 if name in _RIGHT else share
        parts.append(
            rows[np.linspace(0, len(rows) - 1, min(few, len(rows))).astype(np.int64)]
            if name in _RIGHT
            else rows[:few]
        )
    return np.concatenate(parts)


def _client(
    row: int, kind: str, answers: Answers, best: NDArray[np.int64], cases: CaseSet, view: View
) -> dict[str, Any]:
    """One client with its candidates, short keys: the page holds thousands of them."""
    seen = view.observe(cases, np.array([row]), answers.ran[row : row + 1]).slot_candidates[0]
    visible = seen[seen >= 0].tolist()
    own = range(int(cases.starts[row]), int(cases.starts[row + 1]))
    right = [pair for pair in own if cases.is_right[pair]]
    wanted = dict.fromkeys(
        [*visible[:_SHOWN], *([int(best[row])] if best[row] >= 0 else []), *right]
    )
    pairs = np.array(list(wanted), dtype=np.int64)
    texts = cases.company_texts.take(cases.pair_company[pairs])
    why = reasons(cases.features[pairs]) if len(pairs) else []
    return {
        "id": cases.clients.take(np.array([row]))[0],
        "text": cases.client_texts.take(np.array([row]))[0],
        "kind": kind,
        "decision": DecisionKind(int(answers.kind[row])).name.lower(),
        "confidence": round(float(answers.confidence[row]), 4),
        "ran": [name for bit, name in enumerate(cases.blockers) if answers.ran[row] >> bit & 1],
        "cost": round(float(answers.cost[row]), 4),
        "truth": _truth(bool(cases.has_row[row]), bool(right)),
        "candidates": [
            {
                "text": text,
                "right": bool(cases.is_right[pair]),
                "best": pair == int(best[row]),
                "slot": visible.index(pair) + 1 if pair in visible else 0,
                "why": reason,
                "features": np.round(cases.features[pair].astype(float), _DIGITS).tolist(),
            }
            for pair, text, reason in zip(pairs.tolist(), texts, why, strict=True)
        ],
    }


def _truth(has_row: bool, proposed: bool) -> str:
    if not has_row:
        return "no row in the table"
    return "among the candidates" if proposed else "in the table, but no blocker proposes it"


def browsed_cells(cells: Sequence[Cell], systems: Sequence[str]) -> list[Cell]:
    """The first seed of each of these systems under the first condition that has it."""
    chosen = []
    for system in systems:
        own = [cell for cell in cells if cell.system == system and _has_answers(cell.folder)]
        chosen += own[:1]
    return chosen


def _has_answers(folder: Path) -> bool:
    return (folder / "test.npz").exists()
