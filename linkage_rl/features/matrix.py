"""All features of a batch of pairs, and of the clients alone."""

from functools import cache, cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Clients
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.features import _fields, context, history, mentions, places, spelling, structure
from linkage_rl.text.legal_forms import KINDS
from linkage_rl.text.municipalities import mentioned_prefectures

PAIR_FEATURES: Final = (
    *spelling.NAMES,
    *structure.NAMES,
    *places.NAMES,
    *mentions.NAMES,
    *context.NAMES,
    *history.NAMES,
)
"""Names of the F pair features, in order."""
COMPANY_ONLY: Final = frozenset(
    name
    for name in PAIR_FEATURES
    if name in context.OF_COMPANY or name.startswith(("company_is_", "office_"))
)
"""Pair features that hardly depend on what the client says. Candidates that are equal in all others
are *tied*: the client cannot tell them apart."""
QUERY_FEATURES: Final = (
    "has_kana",
    "has_prefecture",
    "has_city",
    "has_town",
    "has_block",
    "has_postal_code",
    "has_phone",
    "has_domain",
    "has_corporate_number",
    "has_form",
    "form_leads",
    "core_length",
    "kanji_share",
    "kana_share",
    "latin_share",
    "stem_differs",
    "name_mass",
    *(f"is_{kind}" for kind in KINDS),
)
"""Names of the Q client features, in order."""


@cache
def evidence_columns(names: tuple[str, ...]) -> NDArray[np.int64]:
    """Positions of the features that depend on what the client says: those not `COMPANY_ONLY`."""
    columns = [place for place, name in enumerate(names) if name not in COMPANY_ONLY]
    return np.array(columns, dtype=np.int64)


class Comparison:
    """Compares N clients with companies; what depends on a client only is computed once."""

    def __init__(self, index: CompanyIndex, clients: Clients) -> None:
        self._index = index
        self._clients = clients

    @cached_property
    def _mentioned(self) -> NDArray[np.int8]:
        return mentioned_prefectures(self._clients.canonical.core)

    @cached_property
    def _client_frequencies(self) -> NDArray[np.float32]:
        return context.client_frequencies(self._index, self._clients)

    @cached_property
    def _former_name_frequencies(self) -> NDArray[np.float32]:
        return history.former_name_frequencies(self._index, self._clients)

    def features(
        self, client_of_pair: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Features of P pairs, shape (P, F), in [0, 1]; the same whichever blocker found a pair.

        A company with several sites is compared by those that fit the client best.

        Args:
            client_of_pair: Client of each pair, shape (P,).
            rows: Index row of each pair's company, its head row, shape (P,).
        """
        index, clients = self._index, self._clients
        if len(rows) == 0:
            return np.zeros((0, len(PAIR_FEATURES)), dtype=np.float32)
        past = history.history(index, clients, client_of_pair, rows, self._former_name_frequencies)
        if index.has_sites:
            fit = index.fit(clients, client_of_pair, rows)
            trade = history.trade_names(index, clients, client_of_pair, fit)
            past[trade, 0] = np.maximum(past[trade, 0], history.TRADE_NAME)
            packed, named = fit.packed, fit.of("name")
            frequencies = context.site_frequencies(index, fit)
        else:
            packed, named = index.rows(rows), rows
            frequencies = context.company_frequencies(index, rows)
        return np.concatenate(
            [
                spelling.spelling(index, clients, client_of_pair, named),
                structure.structure(clients, client_of_pair, packed),
                places.places(index, clients, client_of_pair, packed),
                mentions.mentions(self._mentioned[client_of_pair], packed),
                frequencies,
                self._client_frequencies[client_of_pair],
                past,
            ],
            axis=1,
        )


def pair_features(
    index: CompanyIndex,
    clients: Clients,
    client_of_pair: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> NDArray[np.float32]:
    """`Comparison.features` of one batch of pairs."""
    return Comparison(index, clients).features(client_of_pair, rows)


def query_features(index: CompanyIndex, clients: Clients) -> NDArray[np.float32]:
    """Features of N clients, shape (N, Q), in [0, 1]."""
    encoded, cores = clients.encoded, clients.keys["core"]
    return _fields.describe(
        encoded.rows,
        clients.canonical.core,
        cores[0],
        cores[1],
        encoded.gram_offsets,
        encoded.grams,
        index.base.idf,
        structure.KIND,
        len(KINDS),
    )
