"""Why a pair was linked or not, in words: its strongest agreements and conflicts."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from linkage_rl.features.matrix import PAIR_FEATURES

_SHOWN: Final = 3


@dataclass(frozen=True)
class Phrase:
    """A remark that holds when a feature is high, or low and its field not missing."""

    words: str
    feature: str
    holds: Literal["high", "low"]
    weight: float
    """How much the remark tells; the heaviest three are shown."""
    unless: str = ""
    """A feature that silences the remark when it is 1: a missing field or a stronger remark."""
    needs: str = ""
    """A feature that silences the remark when it is 0."""


PHRASES: Final = (
    Phrase("same corporate number", "corporate_equal", "high", 10),
    Phrase("corporate number differs", "corporate_equal", "low", 9.5, "corporate_missing"),
    Phrase("same phone", "phone_equal", "high", 8),
    Phrase("same web domain", "domain_equal", "high", 7.5),
    Phrase("same name", "name_equal", "high", 9),
    Phrase("same name but for the legal form", "core_equal", "high", 8.5, "name_equal"),
    Phrase("former name of the company", "former_name_equal", "high", 8.3, "core_equal"),
    Phrase("same name without branch or addition", "stem_equal", "high", 7, "core_equal"),
    Phrase("name spelt alike", "core_ratio", "high", 6, "core_equal"),
    Phrase("name differs", "core_ratio", "low", 8.2, "stem_equal", needs="core_length_ratio"),
    Phrase("same reading", "kana_equal", "high", 5, "core_equal"),
    Phrase("same address", "block_equal", "high", 7.2),
    Phrase("same town", "town_equal", "high", 5.5, "block_equal"),
    Phrase("same city", "city_equal", "high", 4.5, "town_equal"),
    Phrase("same prefecture", "prefecture_equal", "high", 3.5, "city_equal"),
    Phrase("prefecture differs", "prefecture_equal", "low", 5.2, "prefecture_missing"),
    Phrase("city differs", "city_equal", "low", 4.0, "city_missing"),
    Phrase("phone differs", "phone_equal", "low", 3.8, "phone_missing"),
    Phrase("web domain differs", "domain_equal", "low", 3.4, "domain_missing"),
    Phrase("legal form differs", "form_equal", "low", 4.2, "form_missing"),
    Phrase("many companies have this name", "company_name_frequency", "high", 4.8),
)
"""All remarks; features are those of `matrix.PAIR_FEATURES`."""

_COLUMN: Final = {name: place for place, name in enumerate(PAIR_FEATURES)}
_WEIGHTS: Final = np.array([phrase.weight for phrase in PHRASES], dtype=np.float32)
_WORDS: Final = np.array([*(phrase.words for phrase in PHRASES), ""], dtype=object)
_HIGH: Final = {"core_ratio": 0.8, "company_name_frequency": 0.3}
_LOW: Final = {"core_ratio": 0.6}
_SIGN: Final = np.array(
    [1 if phrase.holds == "high" else -1 for phrase in PHRASES], dtype=np.float32
)
_BOUND: Final = np.array(
    [
        _HIGH.get(phrase.feature, 1) if phrase.holds == "high" else -_LOW.get(phrase.feature, 0)
        for phrase in PHRASES
    ],
    dtype=np.float32,
)
"""A remark holds from this value of its signed feature on."""


def _columns(names: list[str], absent: int) -> NDArray[np.int64]:
    return np.array([_COLUMN[name] if name else absent for name in names])


_FEATURE: Final = _columns([phrase.feature for phrase in PHRASES], 0)
# a column of zeros and one of ones follow the features, for remarks that nothing silences
_UNLESS: Final = _columns([phrase.unless for phrase in PHRASES], len(_COLUMN))
_NEEDS: Final = _columns([phrase.needs for phrase in PHRASES], len(_COLUMN) + 1)


def reasons(features: NDArray[np.float32]) -> list[str]:
    """The three heaviest remarks on each of P pairs, joined by '; '.

    Args:
        features: Pair features, shape (P, F).
    """
    value = np.empty((len(features), len(_COLUMN) + 2), dtype=np.float32)
    value[:, :-2] = features
    value[:, -2] = 0
    value[:, -1] = 1
    holds = value[:, _FEATURE] * _SIGN >= _BOUND
    holds &= (value[:, _UNLESS] < 1) & (value[:, _NEEDS] > 0)
    strength = holds * _WEIGHTS
    best = np.argsort(-strength, axis=1, kind="stable")[:, :_SHOWN]
    held = strength[np.arange(len(best))[:, None], best] > 0
    shown = np.where(held, best, len(PHRASES))
    words = _WORDS[shown].tolist()
    return ["; ".join(filter(None, row)) for row in words]
