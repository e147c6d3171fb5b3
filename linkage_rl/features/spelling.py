"""How similar the names of a pair are; each feature is computed for all pairs at once.

The core is a name without its legal form, the stem a core without branch or department.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Clients
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.features import _spelling
from linkage_rl.text.likeness import LIKENESS

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


class Spelling:
    """Names of N clients, read once and compared with those of any companies."""

    def __init__(self, clients: Clients) -> None:
        own = clients.canonical
        self._ends, self._codes = _spelling.code_points((own.core, own.stem, own.kana, own.latin))
        self._encoded = clients.encoded

    def compare(
        self,
        index: CompanyIndex,
        client_of_pair: NDArray[np.int64],
        companies: NDArray[np.void],
        rows: NDArray[np.int64],
        out: NDArray[np.float32],
    ) -> None:
        """Write the spelling features of P pairs, in [0, 1]; they stay 0 where a name is missing.

        Ratios are Levenshtein's without substitution ("indel"), over the characters of both texts.
        Where the client's name has lost characters, such as the 〓 of 山〓製作所, and the company's
        has one for each, the names are compared as if they had been the same.

        Args:
            index: The company table.
            client_of_pair: Client of each pair, shape (P,), not decreasing.
            companies: Packed company of each pair, shape (P,).
            rows: Index row from which each pair's company has its name, shape (P,).
            out: Written, 0 before: the first len(NAMES) of its columns, shape (P, F).
        """
        for part in index.parts:
            segment = part.segment
            documents = segment.documents
            _spelling.spell(
                LIKENESS,
                self._ends,
                self._codes,
                self._encoded.gram_offsets,
                self._encoded.grams,
                client_of_pair,
                companies,
                rows,
                part.first_row,
                part.first_row + len(segment),
                (documents.core, documents.kana, documents.latin),
                documents.gram_offsets,
                documents.grams,
                segment.idf,
                out,
            )
