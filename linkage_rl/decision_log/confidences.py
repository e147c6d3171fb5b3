"""Reads of many decisions the few values that a sample of them is drawn by."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from linkage_rl.decision_log.rows import Selection
from linkage_rl.decision_log.schema import DECISIONS
from linkage_rl.decision_log.store import DecisionLog

_PAGE: Final = 50_000


@dataclass(frozen=True)
class Confidences:
    """N decisions in the order of their ids."""

    decision_id: list[str]
    confidence: NDArray[np.float64]
    """Calibrated confidence in [0, 1], shape (N,)."""

    def __len__(self) -> int:
        return len(self.decision_id)

    def without(self, decision_ids: Set[str]) -> "Confidences":
        """Those that are not among these."""
        kept = [place for place, one in enumerate(self.decision_id) if one not in decision_ids]
        return Confidences([self.decision_id[place] for place in kept], self.confidence[kept])


def confidences(log: DecisionLog, selection: Selection) -> Confidences:
    """The confidences of the selected decisions."""
    ids: list[str] = []
    values: list[float] = []
    column = DECISIONS.c
    while True:
        statement = (
            select(column.decision_id, column.confidence)
            .where(column.decision_id > (ids[-1] if ids else ""), *log.where(selection))
            .order_by(column.decision_id)
            .limit(_PAGE)
        )
        with log.reading("read confidences") as connection:
            found = connection.execute(statement).all()
        ids += [row.decision_id for row in found]
        values += [row.confidence for row in found]
        if len(found) < _PAGE:
            return Confidences(ids, np.array(values, dtype=np.float64))
