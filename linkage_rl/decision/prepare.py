"""Cases for training and evaluation: every blocker run for every client, once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from linkage_rl.candidates.blockers import Blocker
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.sorted_sets import distinct, is_among
from linkage_rl.candidates.strings import StringColumn
from linkage_rl.decision.cases import CaseSet
from linkage_rl.decision.first_pass import KEYS, list_keys
from linkage_rl.decision.pool import LiveCandidates, Pairs
from linkage_rl.features.matrix import PAIR_FEATURES, QUERY_FEATURES
from linkage_rl.records import RecordBatch
from linkage_rl.threads import spread

_CHUNK = 4096


def prepare_cases(
    index: CompanyIndex,
    blockers: Sequence[Blocker],
    records: RecordBatch,
    truth: Sequence[str],
    limit: int = 20,
    title: str = "cases",
    progress: bool = True,
) -> CaseSet:
    """Run every blocker for N clients and keep all candidates with their features.

    Args:
        index: The company table.
        blockers: R blockers, at most 16.
        records: The clients.
        truth: Company ids that are right for each client, joined by '|'; '' for no row.
        limit: Candidates kept per client and blocker.
        title: Label of the progress bar.
        progress: Whether to draw a bar where there are many clients.
    """
    keys = np.zeros((len(records), len(KEYS)), dtype=np.uint64)
    chunks = [slice(begin, begin + _CHUNK) for begin in range(0, len(records), _CHUNK)]

    def prepared(chunk: slice) -> tuple[Pairs, NDArray[np.bool_]]:
        some = records.take(range(len(records))[chunk])
        return _prepare_chunk(index, blockers, some, truth[chunk], limit, keys[chunk])

    parts = list(
        tqdm(
            spread(prepared, chunks),
            desc=title,
            total=len(chunks),
            unit="chunk",
            disable=not progress or len(records) < _CHUNK,
        )
    )
    pairs = [part for part, _ in parts]
    sizes = [np.diff(part.starts) for part in pairs]
    starts = np.concatenate([[0], np.cumsum(np.concatenate([np.zeros(0, np.int64), *sizes]))])
    rows, pair_company = np.unique(_joined(pairs, "rows", np.int64), return_inverse=True)
    return CaseSet(
        blockers=tuple(blocker.name for blocker in blockers),
        feature_names=PAIR_FEATURES,
        query_names=QUERY_FEATURES,
        starts=starts.astype(np.int64),
        pair_blockers=_joined(pairs, "pair_blockers", np.uint16),
        retrieval_score=_joined(pairs, "retrieval_score", np.float32),
        features=np.concatenate(
            [
                np.zeros((0, len(PAIR_FEATURES)), np.float32),
                *(part.features[part.feature_rows] for part in pairs),
            ]
        ),
        is_right=np.concatenate([np.zeros(0, dtype=bool), *(right for _, right in parts)]),
        pair_company=pair_company.astype(np.int64),
        query=np.concatenate(
            [np.zeros((0, len(QUERY_FEATURES)), np.float32), *(part.query for part in pairs)]
        ),
        available=_joined(pairs, "available", np.uint16),
        has_row=np.array([text != "" for text in truth], dtype=bool),
        dataset=np.zeros(len(records), dtype=np.int16),
        keys=keys,
        clients=StringColumn.from_texts(records.ids),
        client_texts=StringColumn.from_texts(display_texts(records)),
        truth=StringColumn.from_texts(list(truth)),
        companies=StringColumn.from_texts(index.company_ids(rows)),
        company_texts=StringColumn.from_texts(display_texts(index.records(rows))),
    )


def display_texts(records: RecordBatch) -> list[str]:
    """One readable line per record: name, place, reading, postal code, phone and URL."""
    place = zip(*(records.column(name) for name in ("prefecture", "city", "street")), strict=True)
    others = zip(
        *(records.column(name) for name in ("name_kana", "postal_code", "phone", "url")),
        strict=True,
    )
    return [
        " / ".join(text for text in (name, "".join(where), *rest) if text)
        for name, where, rest in zip(records.column("name"), place, others, strict=True)
    ]


def _joined(pairs: Sequence[Pairs], name: str, dtype: type[np.generic]) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, dtype=dtype), *(getattr(part, name) for part in pairs)])


def _prepare_chunk(
    index: CompanyIndex,
    blockers: Sequence[Blocker],
    records: RecordBatch,
    truth: Sequence[str],
    limit: int,
    keys: NDArray[np.uint64],
) -> tuple[Pairs, NDArray[np.bool_]]:
    """Pairs, and whether each is right; the keys of the clients are written into `keys`."""
    found = LiveCandidates.of(index, blockers, records, limit)
    found.run_all()
    keys[:] = list_keys(found.clients.keys)
    return found.pairs, _is_right(index, found.pairs, truth)


def _is_right(index: CompanyIndex, pairs: Pairs, truth: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each pair's company is a right one for its client, shape (P,)."""
    client = np.array(
        [row for row, text in enumerate(truth) for _ in text.split("|")], dtype=np.int64
    )
    rows = index.find([company_id for text in truth for company_id in text.split("|")])
    known = rows >= 0
    right = (client[known] << 32) | rows[known]
    return is_among((pairs.client << 32) | pairs.rows, distinct(right))
