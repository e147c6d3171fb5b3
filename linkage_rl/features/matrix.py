"""All features of a batch of pairs, and of the clients alone."""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.blockers import Clients
from linkage_rl.candidates.encode import ROW
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


_BEGINS: Final = {
    group: PAIR_FEATURES.index(names[0])
    for group, names in (
        ("structure", structure.NAMES),
        ("places", places.NAMES),
        ("mentions", mentions.NAMES),
        ("context", context.NAMES),
        ("history", history.NAMES),
    )
}
"""First column of each module; those of `spelling` come first of all."""
_OF_CLIENT: Final = _BEGINS["context"] + len(context.OF_COMPANY)
_MENTIONS: Final = slice(_BEGINS["mentions"], _BEGINS["mentions"] + len(mentions.NAMES))


class Comparison:
    """Compares N clients with companies; what depends on a client only is computed once."""

    def __init__(self, index: CompanyIndex, clients: Clients) -> None:
        self._index = index
        self._clients = clients
        self._spelling = spelling.Spelling(clients)
        self._mentioned = mentioned_prefectures(clients.canonical.core)
        self._frequencies = context.client_frequencies(index, clients)
        self._renamed = index.has_former_names
        if self._renamed:
            self._former_names = history.former_name_frequencies(index, clients)[:, None]

    def features(
        self, client_of_pair: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Features of P pairs, shape (P, F), in [0, 1]; the same whichever blocker found a pair.

        A company with several sites is compared by those that fit the client best.

        Args:
            client_of_pair: Client of each pair, shape (P,), equal ones side by side.
            rows: Index row of each pair's company, its head row, shape (P,).

        Raises:
            IndexError: There is no such client, or no such row in the index.
        """
        out = np.zeros((len(rows), len(PAIR_FEATURES)), dtype=np.float32)
        if len(rows) == 0:
            return out
        index, clients, past = self._index, self._clients, _BEGINS["history"]
        last = index.parts[-1]
        _fields.check_pairs(client_of_pair, rows, len(clients), last.first_row + len(last.segment))
        if self._renamed:
            out[:, past] = index.had_name(clients, client_of_pair, rows)
            _fields.spread(self._former_names, client_of_pair, out, past + 1)
        if index.has_sites:
            fit = index.fit(clients, client_of_pair, rows)
            history.write_trade_names(index, clients, client_of_pair, fit, out, past)
            packed, named = fit.packed, fit.of("name")
            context.write_site_frequencies(index, fit, out, _BEGINS["context"])
        else:
            packed, named = _packed(index, rows), rows
            context.write_frequencies(index, rows, out, _BEGINS["context"])
        self._spelling.compare(index, client_of_pair, packed, named, out)
        _fields.compare(
            clients.encoded.rows,
            client_of_pair,
            packed,
            structure.KIND,
            places.KEYS,
            places.POINTS,
            index.offices.keys,
            index.offices.shares,
            out,
            _BEGINS["structure"],
            _BEGINS["places"],
        )
        _fields.spread(self._frequencies, client_of_pair, out, _OF_CLIENT)
        mentioned = self._mentioned[client_of_pair]
        # few names mention a prefecture
        pairs = np.flatnonzero(mentioned)
        if len(pairs):
            out[pairs, _MENTIONS] = mentions.mentions(mentioned[pairs], packed[pairs])
        return out


def _packed(index: CompanyIndex, rows: NDArray[np.int64]) -> NDArray[np.void]:
    """Packed rows, shape (P,)."""
    packed = np.empty(len(rows), dtype=ROW)
    for part in index.parts:
        _fields.take_rows(part.segment.rows, rows, part.first_row, packed)
    return packed


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
