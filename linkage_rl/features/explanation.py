"""What each field says for or against a candidate: how far it agrees, and its weight for a policy.

The weight is a Shapley value (Shapley 1953; Lundberg and Lee 2017): the change of the candidate's
log-odds when the client has the field, averaged over all orders in which its fields are added. A
field is taken away by setting its features, and those of the client alone, to what they are where
a client lacks it. The weights of a client add up to what all of its fields change; a field that
says the same as another, as a postal code beside an address, shares the weight with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

from linkage_rl.features import mentions
from linkage_rl.features.matrix import PAIR_FEATURES, QUERY_FEATURES
from linkage_rl.protocols import Policy
from linkage_rl.records import Observation
from linkage_rl.text.legal_forms import KINDS

_ALL_SCRIPTS: Final = ("kanji_share", "kana_share", "latin_share")


@dataclass(frozen=True)
class Level:
    """Words for a field while a feature is at least this high."""

    words: str
    feature: str
    """One of `matrix.PAIR_FEATURES`."""
    least: float = 1.0


@dataclass(frozen=True)
class ComparedField:
    """A field of client and company, with the features that compare it."""

    columns: tuple[str, ...]
    """Fields of `records.FIELDS` that its text is joined from."""
    pair: tuple[str, ...]
    """Its features among `matrix.PAIR_FEATURES`; 0 where the client lacks it."""
    client: tuple[str, ...]
    """Its features among `matrix.QUERY_FEATURES`; 0 where the client lacks it."""
    levels: tuple[Level, ...]
    """Ways to agree, the closest first; without any of them the field differs."""
    missing: tuple[str, ...] = ()
    """Features that are 1 where one of the two lacks it; the first says that nothing is compared.
    """


FIELDS: Final[Mapping[str, ComparedField]] = {
    "name": ComparedField(
        ("name", "name_en"),
        (
            *(name for name in PAIR_FEATURES if name.startswith(("core_", "stem_", "latin_"))),
            *("read_alike", "marks_differ", "only_marks_differ", "client_cover", "company_cover"),
            *("name_equal", "written_equal", "company_stem_equal", *mentions.NAMES),
            *("client_name_frequency", "client_core_frequency"),
            *("client_core_city_frequency", "client_core_prefecture_frequency"),
            *("former_name_equal", "former_name_frequency"),
        ),
        ("core_length", *_ALL_SCRIPTS, "stem_differs", "name_mass"),
        (
            Level("same name", "name_equal"),
            Level("same name but for the legal form", "core_equal"),
            Level("former name of the company", "former_name_equal"),
            Level("same name without branch or addition", "stem_equal"),
            Level("same name without the company's addition", "company_stem_equal"),
            Level("spelt alike", "core_ratio", 0.8),
            Level("partly alike", "core_ratio", 0.6),
        ),
    ),
    "legal_form": ComparedField(
        (),
        ("form_equal", "side_equal"),
        ("has_form", "form_leads", *(f"is_{kind}" for kind in KINDS)),
        (Level("same legal form", "form_equal"),),
        ("form_missing",),
    ),
    "name_kana": ComparedField(
        ("name_kana",),
        (
            *("kana_ratio", "kana_jaro_winkler", "kana_cosine", "kana_equal", "reading_equal"),
            "client_kana_frequency",
        ),
        ("has_kana",),
        (
            Level("same reading", "kana_equal"),
            Level("read alike", "kana_ratio", 0.8),
            Level("partly alike", "kana_ratio", 0.6),
        ),
        ("kana_missing",),
    ),
    "address": ComparedField(
        ("prefecture", "city", "street"),
        (
            *("prefecture_equal", "city_equal", "town_equal", "block_first_equal", "block_equal"),
            *("building_equal", "address_equal", "close_at_10_km", "close_at_100_km"),
            *("office_in_client_city", "client_address_frequency", "client_core_city_frequency"),
            *("client_core_prefecture_frequency", "client_site_frequency"),
            "client_city_frequency",
        ),
        ("has_prefecture", "has_city", "has_town", "has_block"),
        (
            Level("same address", "block_equal"),
            Level("same town", "town_equal"),
            Level("same city", "city_equal"),
            Level("same prefecture", "prefecture_equal"),
        ),
        (
            *("prefecture_missing", "city_missing", "town_missing", "block_missing"),
            *("building_missing", "place_missing"),
        ),
    ),
    "postal_code": ComparedField(
        ("postal_code",),
        ("postal_equal", "postal_district_equal"),
        ("has_postal_code",),
        (
            Level("same postal code", "postal_equal"),
            Level("same district", "postal_district_equal"),
        ),
        ("postal_missing",),
    ),
    "phone": ComparedField(
        ("phone",),
        ("phone_equal", "phone_area_equal", "client_phone_frequency"),
        ("has_phone",),
        (Level("same phone", "phone_equal"), Level("same area code", "phone_area_equal")),
        ("phone_missing",),
    ),
    "url": ComparedField(
        ("url",),
        ("domain_equal", "page_equal", "page_differs", "client_domain_frequency"),
        ("has_domain",),
        (
            Level("same web domain", "domain_equal"),
            Level("another page of the same domain", "page_differs"),
        ),
        ("domain_missing",),
    ),
    "corporate_number": ComparedField(
        ("corporate_number",),
        ("corporate_equal", "client_corporate_number_frequency"),
        ("has_corporate_number",),
        (Level("same corporate number", "corporate_equal"),),
        ("corporate_missing",),
    ),
}
"""The fields that are explained, in the order of their display."""

_PAIR: Final = {name: place for place, name in enumerate(PAIR_FEATURES)}
_QUERY: Final = {name: place for place, name in enumerate(QUERY_FEATURES)}
_LARGEST: Final = np.float64(1e30)


def agreement_levels(features: NDArray[np.float32]) -> list[list[str]]:
    """How far each of `FIELDS` of P pairs agrees, in words: P lists of them.

    '' where one of the two lacks the field, so that nothing is compared.

    Args:
        features: Pair features, shape (P, F).
    """
    columns = []
    for field in FIELDS.values():
        words = np.full(len(features), "differs", dtype=object)
        for level in reversed(field.levels):
            # features are float32, in which 0.8 is a little more than 0.8
            high = features[:, _PAIR[level.feature]] >= np.float32(level.least)
            words[high] = level.words
        nothing = [features[:, _PAIR[name]] > 0 for name in field.missing[:1]]
        if field is FIELDS["name"]:
            nothing = [features[:, _PAIR["core_length_ratio"]] == 0]
        for missing in nothing:
            words[missing] = ""
        columns.append(words.tolist())
    return [list(words) for words in zip(*columns, strict=True)]


def field_weights(
    policy: Policy, observation: Observation, slot: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log-odds of a candidate of B clients, and the weight of each of `FIELDS` in them.

    Log-odds are those of the candidate against the other candidates and no match. What is left of
    them without the weights is what the policy would say of a client without any field. The policy
    runs once for each set of fields that a client has: 16 times for one with four.

    Args:
        policy: Decides.
        observation: Of B clients.
        slot: The candidate of each, shape (B,).

    Returns:
        Log-odds, shape (B,), and weights, shape (B, len(FIELDS)); a positive weight speaks for the
        candidate, and a field that the client lacks weighs 0.
    """
    known = _known(observation)
    bits = (known << np.arange(len(FIELDS))).sum(axis=1)
    values = np.zeros((len(slot), 1 << len(FIELDS)), dtype=np.float64)
    for subset in range(1 << len(FIELDS)):
        chosen = np.flatnonzero((subset & ~bits) == 0)
        if len(chosen):
            seen = _with_fields(observation, chosen, known[chosen], subset)
            values[chosen, subset] = _log_odds(policy, seen, slot[chosen])
    return values[np.arange(len(slot)), bits], _shapley_values(values, bits)


def _shapley_values(values: NDArray[np.float64], known: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean change by each field over all orders in which the known ones are added; (B, fields).

    Args:
        values: Value of each set of fields, one bit per field, shape (B, 2 ** fields).
        known: Set of the fields that each client has, shape (B,).
    """
    fields = len(FIELDS)
    sets = np.arange(1 << fields)
    sizes = np.bitwise_count(sets)
    have = np.bitwise_count(known)
    # share of the orders of n fields in which exactly these s of them come before a field
    share = np.zeros((fields + 1, fields), dtype=np.float64)
    for size in range(1, fields + 1):
        share[size, :size] = [1 / (size * comb(size - 1, before)) for before in range(size)]
    weights = np.zeros((len(known), fields), dtype=np.float64)
    for field in range(fields):
        without = sets[(sets >> field) & 1 == 0]
        inside = ((without | 1 << field) & ~known[:, None]) == 0
        change = values[:, without | 1 << field] - values[:, without]
        weights[:, field] = (change * share[have[:, None], sizes[without]] * inside).sum(axis=1)
    return weights


def _known(observation: Observation) -> NDArray[np.bool_]:
    """Which of `FIELDS` each client has, shape (B, fields)."""
    return np.stack(
        [
            (observation.query[:, [_QUERY[name] for name in field.client]] != 0).any(axis=1)
            for field in FIELDS.values()
        ],
        axis=1,
    )


def _with_fields(
    observation: Observation,
    chosen: NDArray[np.int64],
    known: NDArray[np.bool_],
    subset: int,
) -> Observation:
    """What a policy would see of these clients if they had no other fields than those of a set.

    Candidates, their order and what they have in common with each other stay as they are.
    """
    seen = Observation(
        observation.candidates[chosen],
        observation.query[chosen],
        observation.state[chosen],
        observation.action_mask[chosen],
        observation.slot_candidates[chosen],
        observation.ties[chosen],
    )
    filled = (seen.slot_candidates >= 0)[:, :, None]
    for place, field in enumerate(FIELDS.values()):
        if subset >> place & 1:
            continue
        rows = np.flatnonzero(known[:, place])
        candidates, query = seen.candidates[rows], seen.query[rows]
        candidates[:, :, _columns(field.pair)] = 0
        candidates[:, :, _columns(field.missing)] = filled[rows]
        query[:, [_QUERY[name] for name in field.client]] = 0
        seen.candidates[rows], seen.query[rows] = candidates, query
    return seen


def _columns(names: tuple[str, ...]) -> list[int]:
    return [_PAIR[name] for name in names]


def _log_odds(
    policy: Policy, observation: Observation, slot: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Log-odds of one slot against the other slots and no match, shape (B,)."""
    slots = observation.slot_candidates.shape[1]
    terminal = policy.logits(observation)[:, : slots + 1].astype(np.float64)
    every = np.arange(len(slot))
    own = terminal[every, slot]
    terminal[every, slot] = -_LARGEST
    highest = terminal.max(axis=1)
    rest = np.log(np.exp(terminal - highest[:, None]).sum(axis=1)) + highest
    return np.asarray(own - rest)
