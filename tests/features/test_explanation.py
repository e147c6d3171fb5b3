"""What each field says for a candidate: levels in words, and weights that add up."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.decision.pool import LivePool
from linkage_rl.features.explanation import FIELDS, agreement_levels, field_weights
from linkage_rl.features.matrix import (
    COMPANY_ONLY,
    PAIR_FEATURES,
    QUERY_FEATURES,
    pair_features,
    query_features,
)
from linkage_rl.records import Observation
from tests.decision.test_pool import BLOCKERS, VIEW
from tests.small_table import COMPANIES, IDS, client_records, clients, small_index

CLIENT = {
    "name": "㈱青空商事",
    "prefecture": "大阪府",
    "city": "大阪市北区",
    "street": "梅田1-1-3",
    "postal_code": "530-0001",
    "phone": "03-3222-0001",
    "url": "https://www.aozora-shoji.co.jp/",
    "corporate_number": "6010001000001",
}


@dataclass(frozen=True)
class Linear:
    """The sum of some pair features, and of some of the client, against 0 for no match."""

    pair: dict[str, float]
    query: dict[str, float]

    def logits(self, observation: Observation) -> NDArray[np.float32]:
        logits = np.full(observation.action_mask.shape, -1e8, dtype=np.float32)
        slots = observation.slot_candidates.shape[1]
        value = sum(
            weight * observation.candidates[:, :, PAIR_FEATURES.index(name)]
            for name, weight in self.pair.items()
        )
        of_client = sum(
            weight * observation.query[:, QUERY_FEATURES.index(name)]
            for name, weight in self.query.items()
        )
        filled = observation.slot_candidates >= 0
        logits[:, :slots][filled] = (value + np.reshape(of_client, (-1, 1)))[filled]
        logits[:, slots] = 0
        return logits


def observed(client: dict[str, str], company_id: str) -> tuple[Observation, NDArray[np.int64]]:
    """The client with that company as its only candidate."""
    pool = LivePool.of(small_index(), BLOCKERS, client_records(client), 5, VIEW)
    pool.found.run_all()
    observation = pool.observe(np.zeros(1, np.int64), pool.available)
    slot = np.flatnonzero(observation.slot_candidates[0] == IDS.index(company_id))
    only = np.full_like(observation.slot_candidates, -1)
    only[0, 0] = IDS.index(company_id)
    candidates = np.zeros_like(observation.candidates)
    candidates[0, 0] = observation.candidates[0, slot[0]]
    seen = replace(observation, slot_candidates=only, candidates=candidates)
    return seen, np.zeros(1, np.int64)


def test_every_feature_that_depends_on_the_client_belongs_to_a_field() -> None:
    pair = {name for field in FIELDS.values() for name in (*field.pair, *field.missing)}
    # whether the office that issued the number is that of the client's city hardly depends on it
    assert pair - {"office_in_client_city"} == set(PAIR_FEATURES) - COMPANY_ONLY
    assert {name for field in FIELDS.values() for name in field.client} == set(QUERY_FEATURES)


@pytest.mark.parametrize("field", ["address", "postal_code", "phone", "url", "corporate_number"])
def test_a_field_is_taken_away_as_if_the_client_had_not_given_it(field: str) -> None:
    lacking = {name: text for name, text in CLIENT.items() if name not in FIELDS[field].columns}
    rows, every = np.arange(len(IDS)), np.zeros(len(IDS), np.int64)
    whole, without = (
        pair_features(small_index(), clients(client), every, rows) for client in (CLIENT, lacking)
    )
    of_client, of_lacking = (
        query_features(small_index(), clients(client)) for client in (CLIENT, lacking)
    )

    whole[:, [PAIR_FEATURES.index(name) for name in FIELDS[field].pair]] = 0
    whole[:, [PAIR_FEATURES.index(name) for name in FIELDS[field].missing]] = 1
    of_client[:, [QUERY_FEATURES.index(name) for name in FIELDS[field].client]] = 0

    assert np.array_equal(whole, without)
    assert np.array_equal(of_client, of_lacking)


def test_weights_of_a_linear_policy_are_its_terms_and_add_up() -> None:
    observation, slot = observed(CLIENT, "aozora-osaka")
    policy = Linear(
        {"block_equal": 3, "phone_equal": 2, "phone_missing": 0.5, "postal_equal": 1},
        {"has_phone": -1, "core_length": 5},
    )

    log_odds, weights = field_weights(policy, observation, slot)
    of_field = dict(zip(FIELDS, weights[0].tolist(), strict=True))

    assert of_field["address"] == pytest.approx(3)
    assert of_field["postal_code"] == pytest.approx(1)
    # the phone differs: -1 in place of the 0.5 that a missing one would give
    assert of_field["phone"] == pytest.approx(-1.5)
    assert of_field["name"] == pytest.approx(5 * 4 / 20)
    assert of_field["url"] == of_field["name_kana"] == 0
    assert log_odds[0] - weights[0].sum() == pytest.approx(0.5), "a client without any field"


def test_fields_that_say_the_same_share_the_weight() -> None:
    class Either:
        """Links where phone or domain agree, whichever."""

        def logits(self, observation: Observation) -> NDArray[np.float32]:
            two = [PAIR_FEATURES.index("block_equal"), PAIR_FEATURES.index("postal_equal")]
            logits = np.full(observation.action_mask.shape, -1e8, dtype=np.float32)
            logits[:, 0] = 4 * observation.candidates[:, 0, two].max(axis=1)
            logits[:, observation.slot_candidates.shape[1]] = 0
            return logits

    weights = field_weights(Either(), *observed(CLIENT, "aozora-osaka"))[1][0]
    of_field = dict(zip(FIELDS, weights.tolist(), strict=True))

    assert of_field["address"] == of_field["postal_code"] == pytest.approx(2)


def test_levels_say_how_far_each_field_agrees() -> None:
    features = pair_features(
        small_index(),
        clients(CLIENT, {**COMPANIES["aozora-tokyo"], "name": "青空商会", "phone": "03-3222-9999"}),
        np.array([0, 1]),
        np.array([IDS.index("aozora-osaka"), IDS.index("aozora-tokyo")]),
    )
    first, second = (
        dict(zip(FIELDS, levels, strict=True)) for levels in agreement_levels(features)
    )

    assert first == {
        "name": "same name",
        "legal_form": "same legal form",
        "name_kana": "",
        "address": "same address",
        "postal_code": "same postal code",
        "phone": "differs",
        "url": "",
        "corporate_number": "differs",
    }
    assert second["name"] == "partly alike"
    assert second["legal_form"] == ""
    assert second["phone"] == "same area code"
    assert second["url"] == "same web domain"
