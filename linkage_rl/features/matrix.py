"""All features of a batch of pairs, and of the clients alone."""

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.routes import Clients
from linkage_rl.features import context, history, mentions, places, spelling, structure
from linkage_rl.text.legal_forms import KINDS

PAIR_FEATURES: Final = (
    *spelling.NAMES,
    *structure.NAMES,
    *places.NAMES,
    *mentions.NAMES,
    *context.NAMES,
    *history.NAMES,
)
"""Names of the F pair features, in order."""
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

_SCRIPTS: Final = tuple(re.compile(pattern) for pattern in ("[㐀-鿿々]", "[ぁ-ヿ]", "[a-z0-9]"))
_LONGEST: Final = 20
_HEAVIEST: Final = 40.0


def pair_features(
    index: CompanyIndex,
    clients: Clients,
    client_of_pair: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Features of P pairs, shape (P, F), in [0, 1]; pure in client and company, not in the route.

    Args:
        index: The company table.
        clients: N clients.
        client_of_pair: Client of each pair, shape (P,).
        rows: Index row of each pair, shape (P,).
    """
    if len(rows) == 0:
        return np.zeros((0, len(PAIR_FEATURES)), dtype=np.float32)
    packed = index.rows(rows)
    present = np.zeros(len(clients), dtype=np.bool_)
    present[client_of_pair] = True
    asked = np.flatnonzero(present)
    place = (np.cumsum(present) - 1)[client_of_pair]
    return np.concatenate(
        [
            spelling.spelling(index, clients, client_of_pair, rows),
            structure.structure(clients, client_of_pair, packed),
            places.places(index, clients, client_of_pair, packed),
            mentions.mentions(clients, asked, place, packed),
            context.context(index, clients, asked, place, rows),
            history.history(index, clients, asked, place, rows),
        ],
        axis=1,
    )


def query_features(index: CompanyIndex, clients: Clients) -> NDArray[np.float32]:
    """Features of N clients, shape (N, Q), in [0, 1]."""
    rows = clients.encoded.rows
    core = clients.canonical.core
    length = np.fromiter(map(len, core), dtype=np.int64, count=len(core))
    columns = [
        rows["kana"] != 0,
        rows["prefecture"] != 0,
        rows["city"] != 0,
        rows["town"] != 0,
        rows["block"][:, 0] != 0,
        rows["postal"] >= 0,
        rows["phone"] != 0,
        rows["domain"] != 0,
        rows["corporate"] != 0,
        rows["form"] != 0,
        rows["side"] == 1,
        np.minimum(length / _LONGEST, 1),
        *(_script_share(core, length, script) for script in _SCRIPTS),
        clients.keys["core"][0] != clients.keys["core"][1],
        np.minimum(_name_mass(index, clients) / _HEAVIEST, 1),
        *structure.kinds_of(rows),
    ]
    return np.array(columns, dtype=np.float32).T


def _name_mass(index: CompanyIndex, clients: Clients) -> NDArray[np.float64]:
    """Summed idf of the grams of each core, one by one: a batch must not change the rounding."""
    documents = clients.encoded
    weights = index.base.idf[documents.grams]
    lists = np.repeat(np.arange(3 * len(documents)), np.diff(documents.gram_offsets))
    masses = np.bincount(lists, weights, minlength=3 * len(documents)).astype(np.float64)
    return masses[::3]


def _script_share(
    texts: list[str], length: NDArray[np.int64], script: re.Pattern[str]
) -> NDArray[np.float64]:
    """Share of the characters of each text that belong to a script, counted in one pass."""
    marked = script.sub("\0", "\n".join(texts)).encode("utf-32-le", "surrogatepass")
    codes = np.frombuffer(marked, dtype=np.uint32)
    ends = np.cumsum(length)
    hits = np.concatenate([[0], np.cumsum(codes == 0)])
    begins = ends - length + np.arange(len(length))
    share: NDArray[np.float64] = (hits[begins + length] - hits[begins]) / np.maximum(length, 1)
    return share
