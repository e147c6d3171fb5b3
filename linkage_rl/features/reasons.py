"""Why a pair was linked or not, in words: its strongest agreements and conflicts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.features import _reasons
from linkage_rl.features.history import TRADE_NAME
from linkage_rl.features.matrix import PAIR_FEATURES

_SHOWN: Final = 3
_NOTHING: Final = "no clear agreement or conflict"
"""Reason of a pair to which no phrase applies: its fields are missing or hardly comparable."""

_AGREES: Final = (1.0, np.inf)
"""Range of a feature that is 1 where the values agree."""
_CONFLICTS: Final = (-np.inf, 0.0)
"""Range of the same feature where the values differ."""
_SIMILAR: Final = float(np.float32(0.8))
_DIFFERENT: Final = float(np.float32(0.6))
_PARTLY: Final = (
    float(np.nextafter(np.float32(_DIFFERENT), np.float32(1))),
    float(np.nextafter(np.float32(_SIMILAR), np.float32(0))),
)
"""Range between a name that differs and one that is spelt alike, neither included."""

_OFTEN: Final = (0.3, np.inf)
"""Range of a frequency from 8 companies on."""


@dataclass(frozen=True)
class Phrase:
    """Words that apply to a pair while a feature lies in a range."""

    words: str
    feature: str
    """One of `matrix.PAIR_FEATURES`."""
    between: tuple[float, float]
    """Lowest and highest value of the feature to which the words apply, both included."""
    weight: float
    """Importance; the three heaviest phrases that apply make the reason."""
    unless: str = ""
    """Feature that suppresses the phrase where it is 1: a missing field, or a stronger phrase."""
    needs: str = ""
    """Feature that suppresses the phrase where it is 0."""


PHRASES: Final = (
    Phrase("same corporate number", "corporate_equal", _AGREES, 10),
    Phrase("corporate number differs", "corporate_equal", _CONFLICTS, 9.5, "corporate_missing"),
    Phrase("same phone", "phone_equal", _AGREES, 8),
    Phrase("same web domain", "domain_equal", _AGREES, 7.5),
    Phrase("same name", "name_equal", _AGREES, 9),
    Phrase("same name but for the legal form", "core_equal", _AGREES, 8.5, "name_equal"),
    Phrase("former name of the company", "former_name_equal", _AGREES, 8.3, "core_equal"),
    Phrase("trade name of the company", "former_name_equal", (TRADE_NAME, TRADE_NAME), 9),
    Phrase("same name without branch or addition", "stem_equal", _AGREES, 7, "core_equal"),
    Phrase(
        "same name without the company's addition", "company_stem_equal", _AGREES, 6.9, "stem_equal"
    ),
    Phrase("name spelt alike", "core_ratio", (_SIMILAR, np.inf), 6, "core_equal"),
    Phrase("name partly alike", "core_ratio", _PARTLY, 2, "stem_equal"),
    Phrase(
        "name differs", "core_ratio", (-np.inf, _DIFFERENT), 8.2, "stem_equal", "core_length_ratio"
    ),
    Phrase("same reading", "kana_equal", _AGREES, 5, "core_equal"),
    Phrase("same address", "block_equal", _AGREES, 7.2),
    Phrase("same town", "town_equal", _AGREES, 5.5, "block_equal"),
    Phrase("same city", "city_equal", _AGREES, 4.5, "town_equal"),
    Phrase("same prefecture", "prefecture_equal", _AGREES, 3.5, "city_equal"),
    Phrase("prefecture differs", "prefecture_equal", _CONFLICTS, 5.2, "prefecture_missing"),
    Phrase("city differs", "city_equal", _CONFLICTS, 4.0, "city_missing"),
    Phrase("phone differs", "phone_equal", _CONFLICTS, 3.8, "phone_missing"),
    Phrase("web domain differs", "domain_equal", _CONFLICTS, 3.4, "domain_missing"),
    Phrase("legal form differs", "form_equal", _CONFLICTS, 4.2, "form_missing"),
    Phrase("many companies have this name", "company_name_frequency", _OFTEN, 4.8),
    Phrase(
        "many companies have this phone", "company_phone_frequency", _OFTEN, 7.9, "", "phone_equal"
    ),
    Phrase(
        "many companies have this web domain",
        "company_domain_frequency",
        _OFTEN,
        7.4,
        "",
        "domain_equal",
    ),
    Phrase(
        "many companies have this corporate number",
        "company_corporate_number_frequency",
        _OFTEN,
        9.8,
        "",
        "corporate_equal",
    ),
)
"""All phrases."""

_COLUMN: Final = {name: place for place, name in enumerate(PAIR_FEATURES)}
_WORDS: Final = np.array([*(phrase.words for phrase in PHRASES), ""], dtype=object)


def _columns(names: Iterable[str]) -> NDArray[np.int64]:
    """Columns of these features, -1 for ''."""
    return np.array([_COLUMN[name] if name else -1 for name in names], dtype=np.int64)


_NAME_AGREES: Final = _columns(("core_equal", "stem_equal", "kana_equal"))
_ORDER: Final = sorted(range(len(PHRASES)), key=lambda at: -PHRASES[at].weight)
"""Positions in `PHRASES`, from the heaviest on."""
_RULES: Final = _reasons.Rules(
    np.array(_ORDER, dtype=np.uint8),
    _columns(PHRASES[at].feature for at in _ORDER),
    np.array([PHRASES[at].between for at in _ORDER], dtype=np.float32),
    _columns(PHRASES[at].unless for at in _ORDER),
    _columns(PHRASES[at].needs for at in _ORDER),
    # not said of a trade name, which says as much
    np.array(
        [PHRASES[at].words.startswith(("same name", "name ")) for at in _ORDER], dtype=np.uint8
    ),
    [PHRASES[at].words for at in _ORDER].index("trade name of the company"),
)


def reasons(features: NDArray[np.float32], tied: NDArray[np.integer] | None = None) -> list[str]:
    """The three heaviest phrases that apply to each of P pairs, joined by '; '; never ''.

    Where the client cannot tell several companies apart, their number comes first.

    Args:
        features: Pair features, shape (P, F).
        tied: Number of companies that fit the client as well as this one, itself included, shape
            (P,), see `Decisions.tied`; None where it is not known.
    """
    return in_words(reason_codes(features), tied)


def reason_codes(features: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The reasons of P pairs as numbers that `in_words` reads, shape (P, 4).

    Three positions in `PHRASES`, its length where there are fewer, then 1 where a name agrees.

    Args:
        features: Pair features in the order of `matrix.PAIR_FEATURES`, shape (P, F).

    Raises:
        ValueError: There are fewer features.
    """
    given = np.ascontiguousarray(features, dtype=np.float32)
    return _reasons.codes(_RULES, given, _NAME_AGREES, len(PHRASES))


def in_words(codes: NDArray[np.uint8], tied: NDArray[np.integer] | None = None) -> list[str]:
    """The reasons that `reason_codes` gave for P pairs; see `reasons`."""
    words = _WORDS[codes[:, :_SHOWN]].tolist()
    counts = np.ones(len(words), dtype=np.int64) if tied is None else tied
    for row in np.flatnonzero(counts > 1).tolist():
        what = "of this name" if codes[row, _SHOWN] else "that fit equally well"
        words[row] = [f"{counts[row]} companies {what}", *words[row][: _SHOWN - 1]]
    return ["; ".join(filter(None, row)) or _NOTHING for row in words]
