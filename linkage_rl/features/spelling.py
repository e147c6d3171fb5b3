"""How similar the names of a pair are; each feature is computed for all pairs at once.

The core is a name without its legal form, the stem a core without branch or department.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from rapidfuzz.distance import Indel, JaroWinkler, Levenshtein

from linkage_rl.candidates.blockers import Clients
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.features import _spelling
from linkage_rl.text.likeness import complete_lost, marks, read_alike, without_marks

NAMES: Final = (
    "core_ratio",
    "core_jaro_winkler",
    "core_prefix",
    "core_postfix",
    "core_partial",
    "stem_ratio",
    "core_length_ratio",
    "core_edits",
    "read_alike",
    "marks_differ",
    "only_marks_differ",
    "kana_ratio",
    "kana_jaro_winkler",
    "kana_missing",
    "latin_ratio",
    "core_cosine",
    "kana_cosine",
    "latin_cosine",
    "client_cover",
    "company_cover",
)
"""Features of this module, in their order."""


def spelling(
    index: CompanyIndex,
    clients: Clients,
    client_of_pair: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Spelling features of P pairs, shape (P, len(NAMES)), in [0, 1]; 0 where a name is missing.

    Companies of one name are compared with a client once.

    Args:
        index: The company table.
        clients: N clients.
        client_of_pair: Client of each pair, shape (P,), not decreasing.
        rows: Index row of each pair's company, shape (P,).
    """
    first, place = _spelling.distinct(client_of_pair, index.documents(rows))
    return _compared(index, clients, client_of_pair[first], rows[first])[place]


def _compared(
    index: CompanyIndex,
    clients: Clients,
    client_of_pair: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> NDArray[np.float32]:
    client, own = client_of_pair.tolist(), clients.canonical
    company_core = index.texts("core", rows)
    core = complete_lost(_of_pairs(own.core, client), company_core)
    stem = complete_lost(_of_pairs(own.stem, client), company_core)
    kana, latin = _of_pairs(own.kana, client), _of_pairs(own.latin, client)
    missing = [""] * len(rows)
    company_kana = index.texts("kana", rows) if any(kana) else missing
    company_latin = index.texts("latin", rows) if any(latin) else missing
    distinct = list(dict.fromkeys([*core, *company_core]))
    loose = dict(zip(distinct, read_alike(distinct), strict=True))
    mark = dict(zip(distinct, marks(distinct), strict=True))
    bare = dict(zip(distinct, without_marks(distinct), strict=True))
    loose_company = [loose[text] for text in company_core]
    loose_core = [loose[text] for text in core]
    similarity = np.zeros((8, len(rows)), dtype=np.float32)
    similarity[0] = _distance(core, company_core, Indel.normalized_similarity)
    similarity[1] = _distance(core, company_core, JaroWinkler.normalized_similarity)
    similarity[2] = _distance(core, company_core, fuzz.partial_ratio)
    similarity[3] = _distance(stem, company_core, Indel.normalized_similarity)
    similarity[4] = _distance(loose_core, loose_company, Levenshtein.distance)
    if any(kana):
        similarity[5] = _distance(kana, company_kana, Indel.normalized_similarity)
        similarity[6] = _distance(kana, company_kana, JaroWinkler.normalized_similarity)
    if any(latin):
        similarity[7] = _distance(latin, company_latin, Indel.normalized_similarity)
    return _spelling.spell(
        core,
        company_core,
        loose_core,
        loose_company,
        [mark[text] for text in core],
        [mark[text] for text in company_core],
        [bare[text] for text in core],
        [bare[text] for text in company_core],
        kana,
        company_kana,
        latin,
        company_latin,
        similarity,
        index.compare_names(clients, client_of_pair, rows),
    )


def _of_pairs(texts: list[str], client_of_pair: list[int]) -> list[str]:
    """The text of each pair's client."""
    return [texts[client] for client in client_of_pair]


def _distance(
    left: list[str], right: list[str], scorer: Callable[..., float]
) -> NDArray[np.float32]:
    scores: NDArray[np.float32] = process.cpdist(left, right, scorer=scorer, dtype=np.float32)
    return scores
