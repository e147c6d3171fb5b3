"""Which site of its company each linked client was compared with, in words."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Clients
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.features.sites import matched_sites
from linkage_rl.linked_batch import placed
from linkage_rl.records import DecisionKind, RecordBatch
from linkage_rl.text.canonical import canonicalise

_CHUNK: Final = 4096
_LINK: Final = np.int8(DecisionKind.LINK)
_NOBODY: Final = np.zeros(0, dtype=np.int64)


def linked_sites(
    index: CompanyIndex,
    records: RecordBatch,
    rows: NDArray[np.int64],
    kind: NDArray[np.int8],
    clients: Clients | None = None,
) -> list[str]:
    """Site of each linked company that fits its client best; see `LinkedBatch.sites`.

    Args:
        index: The company table.
        records: N clients.
        rows: Index row of the best candidate of each, a head row, -1 for none; shape (N,).
        kind: `DecisionKind` of each, shape (N,).
        clients: The clients encoded; None encodes those whose company has several sites.
    """
    linked = np.flatnonzero(kind == _LINK) if index.has_sites else _NOBODY
    several = linked[index.has_several_rows(rows[linked])]
    texts: list[str] = []
    for begin in range(0, len(several), _CHUNK):
        some = several[begin : begin + _CHUNK]
        if clients is not None:
            texts += matched_sites(index, clients, some, rows[some])
            continue
        own = Clients.of(canonicalise(records.take(some.tolist())))
        texts += matched_sites(index, own, np.arange(len(some)), rows[some])
    return placed(texts, several, len(rows))
