"""Weights of n-grams over all companies that are alive, whichever segment they are in.

A document is a name, so the weights change when a name comes or goes, and not when a company of a
known name does. They are exactly those of an index that is built from scratch.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates import _grams
from linkage_rl.candidates.encode import GRAM_BUCKETS, Documents, document_keys
from linkage_rl.candidates.narrow import numbers_at
from linkage_rl.candidates.parts import Part
from linkage_rl.candidates.segment import inverse_document_frequency

DEAD_NORM: Final = np.float32(1e6)
"""Norm of a name that no company has any more: among the names that share n-grams with a client's
it comes last, so it takes the place of no other."""


def reweighted(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts with the n-gram weights of all companies that are alive."""
    base, *later = parts
    living = _living_documents(base)
    frequency = np.diff(base.segment.gram_starts).astype(np.int64)
    frequency -= _occurrences(base.segment.documents, np.flatnonzero(~living))
    count = int(living.sum())
    for part in later:
        new = _new_documents(part, base, living)
        frequency += _occurrences(part.segment.documents, new)
        count += len(new)
    idf = inverse_document_frequency(frequency, count)
    return tuple(_weighted(part, idf) for part in parts)


def _weighted(part: Part, idf: NDArray[np.float32]) -> Part:
    documents = part.segment.documents
    norms = _grams.document_norms(documents.gram_offsets, documents.grams, idf)
    norms[~_living_documents(part)] = DEAD_NORM
    return part.with_segment(part.segment.with_weights(idf, norms))


def _living_documents(part: Part) -> NDArray[np.bool_]:
    """Whether any company that is alive has each document, shape (M,)."""
    living = np.zeros(len(part.segment.documents), dtype=np.bool_)
    living[part.segment.rows["doc"][part.alive == 1]] = True
    return living


def _new_documents(part: Part, base: Part, living: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Documents of a later part that are alive, and that the base has not or only dead ones of."""
    own = np.flatnonzero(_living_documents(part))
    places = _find(document_keys(part.segment.documents.texts(own)), base.segment.documents)
    known = np.zeros(len(own), dtype=np.bool_)
    known[places >= 0] = living[places[places >= 0]]
    return own[~known]


def _find(keys: NDArray[np.uint64], documents: Documents) -> NDArray[np.int64]:
    """The document of each key, -1 where there is none; documents come in the order of keys."""
    low = np.zeros(len(keys), dtype=np.int64)
    high = np.full(len(keys), len(documents), dtype=np.int64)
    while len(open_ := np.flatnonzero(low < high)):
        middle = (low[open_] + high[open_]) // 2
        below = document_keys(documents.texts(middle)) < keys[open_]
        low[open_[below]] = middle[below] + 1
        high[open_[~below]] = middle[~below]
    found = np.flatnonzero(low < len(documents))
    found = found[document_keys(documents.texts(low[found])) == keys[found]]
    places = np.full(len(keys), -1, dtype=np.int64)
    places[found] = low[found]
    return places


def _occurrences(documents: Documents, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each n-gram bucket is in the lists of these documents, shape (GRAM_BUCKETS,)."""
    begins = documents.gram_offsets[3 * chosen].astype(np.int64)
    sizes = documents.gram_offsets[3 * chosen + 3] - begins
    shift = np.repeat(begins - (np.cumsum(sizes) - sizes), sizes)
    grams = numbers_at(documents.grams, np.arange(len(shift)) + shift)
    return np.bincount(grams, minlength=GRAM_BUCKETS)
