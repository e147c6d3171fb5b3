"""Reads of many decisions the few values that a sample of them is drawn by."""

from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any, Final

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
    client_hash: list[str] = field(default_factory=list)
    """Keyed hash of each client's fields; empty unless it was asked for."""

    def __len__(self) -> int:
        return len(self.decision_id)

    def without(self, decision_ids: Set[str]) -> "Confidences":
        """Those that are not among these."""
        return self.take(
            [place for place, one in enumerate(self.decision_id) if one not in decision_ids]
        )

    def take(self, places: list[int]) -> "Confidences":
        """The decisions at these positions, in this order."""
        return Confidences(
            [self.decision_id[place] for place in places],
            self.confidence[places],
            [self.client_hash[place] for place in places] if self.client_hash else [],
        )


def confidences(log: DecisionLog, selection: Selection, with_clients: bool = False) -> Confidences:
    """The confidences of the selected decisions.

    Args:
        log: The log.
        selection: Which decisions.
        with_clients: Whether the hashes of the clients are read, too.
    """
    ids: list[str] = []
    values: list[float] = []
    clients: list[str] = []
    column = DECISIONS.c
    columns: list[Any] = [column.decision_id, column.confidence]
    columns += [column.client_hash] if with_clients else []
    while True:
        statement = (
            select(*columns)
            .where(column.decision_id > (ids[-1] if ids else ""), *log.where(selection))
            .order_by(column.decision_id)
            .limit(_PAGE)
        )
        with log.reading("read confidences") as connection:
            found = connection.execute(statement).all()
        ids += [row.decision_id for row in found]
        values += [row.confidence for row in found]
        clients += [row.client_hash for row in found] if with_clients else []
        if len(found) < _PAGE:
            return Confidences(ids, np.array(values, dtype=np.float64), clients)
