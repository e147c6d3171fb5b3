"""How alike the names of a pair are spelt; each feature runs over all pairs at once."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from rapidfuzz.distance import Indel, JaroWinkler, Levenshtein, Postfix, Prefix

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.routes import Clients
from linkage_rl.text.likeness import marks, read_alike

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

    Namesakes share a name, so that each client is compared with each name once.
    """
    names = index.documents(rows)
    pairs = (client_of_pair << 32) | names
    _, first, place = np.unique(pairs, return_index=True, return_inverse=True)
    return _compared(index, clients, client_of_pair[first], rows[first])[place]


def _compared(
    index: CompanyIndex,
    clients: Clients,
    client_of_pair: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> NDArray[np.float32]:
    core = _spread(clients.canonical.core, client_of_pair)
    stem = _spread(clients.canonical.stem, client_of_pair)
    kana = _spread(clients.canonical.kana, client_of_pair)
    latin = _spread(clients.canonical.latin, client_of_pair)
    company_core = index.texts("core", rows)
    company_kana = index.texts("kana", rows)
    company_latin = index.texts("latin", rows)
    # rapidfuzz finds two empty texts alike
    named = _present(core) & _present(company_core)
    read = _present(kana) & _present(company_kana)
    romanised = _present(latin) & _present(company_latin)
    loose, company_loose = read_alike(core), read_alike(company_core)
    shorter = np.maximum(np.minimum(_lengths(core), _lengths(company_core)), 1)
    columns = [
        named * _distance(core, company_core, Indel.normalized_similarity),
        named * _distance(core, company_core, JaroWinkler.normalized_similarity),
        _distance(core, company_core, Prefix.similarity) / shorter,
        _distance(core, company_core, Postfix.similarity) / shorter,
        named * _distance(core, company_core, fuzz.partial_ratio) / 100,
        named * _distance(stem, company_core, Indel.normalized_similarity),
        _length_ratio(core, company_core),
        named / (1 + _distance(loose, company_loose, Levenshtein.distance)),
        named & _equal(loose, company_loose),
        named & ~_equal(marks(core), marks(company_core)),
        read * _distance(kana, company_kana, Indel.normalized_similarity),
        read * _distance(kana, company_kana, JaroWinkler.normalized_similarity),
        ~read,
        romanised * _distance(latin, company_latin, Indel.normalized_similarity),
        *index.compare_names(clients, client_of_pair, rows).T,
    ]
    return np.array(columns, dtype=np.float32).T


def _spread(texts: list[str], client_of_pair: NDArray[np.int64]) -> list[str]:
    """Each pair's client text, gathered without a Python loop."""
    spread: list[str] = np.array(texts, dtype=object)[client_of_pair].tolist()
    return spread


def _distance(
    left: list[str], right: list[str], scorer: Callable[..., float]
) -> NDArray[np.float32]:
    scores: NDArray[np.float32] = process.cpdist(left, right, scorer=scorer, dtype=np.float32)
    return scores


def _equal(left: list[str], right: list[str]) -> NDArray[np.bool_]:
    equal: NDArray[np.bool_] = np.array(left, dtype=object) == np.array(right, dtype=object)
    return equal


def _present(texts: Sequence[str]) -> NDArray[np.bool_]:
    present: NDArray[np.bool_] = _lengths(texts) > 0
    return present


def _lengths(texts: Sequence[str]) -> NDArray[np.int64]:
    return np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


def _length_ratio(left: Sequence[str], right: Sequence[str]) -> NDArray[np.float64]:
    """Shorter over longer length in characters; 0 where a name is missing."""
    a, b = _lengths(left), _lengths(right)
    ratio: NDArray[np.float64] = np.minimum(a, b) / np.maximum(np.maximum(a, b), 1)
    return ratio
