"""Explanations of candidates: texts of both sides, and none where there is no candidate."""

import numpy as np

from linkage_rl.decision.decide import Decider
from linkage_rl.decision.explaining import Explanations
from linkage_rl.decision.pool import LivePool
from tests.decision.test_pool import BLOCKERS, VIEW
from tests.features.test_explanation import CLIENT, Linear
from tests.small_table import IDS, client_records, small_index

OSAKA, GOYO = IDS.index("aozora-osaka"), IDS.index("goyo")


def explained(*rows: int) -> Explanations:
    """The same client with each of these candidates."""
    records = client_records(*[CLIENT] * len(rows))
    pool = LivePool.of(small_index(), BLOCKERS, records, 5, VIEW)
    pool.found.run_all()
    policy = Linear({"block_equal": 3, "phone_missing": 1}, {"has_kana": 1})
    return Explanations.of(pool, Decider(policy, VIEW), records, np.array(rows), pool.available)


def test_each_field_has_the_texts_of_both_and_its_weight() -> None:
    shown = explained(OSAKA)
    lines = dict(
        zip(
            shown.fields,
            zip(shown.clients, shown.companies, shown.agreements, strict=True),
            strict=True,
        )
    )

    assert shown.counts.tolist() == [len(shown.fields)]
    assert lines["name"] == ("㈱青空商事", "株式会社青空商事", "same name")
    assert lines["legal_form"] == ("株式会社", "株式会社", "same legal form")
    assert lines["address"] == (
        "大阪府 大阪市北区 梅田1-1-3",
        "大阪府 大阪市北区 梅田1-1-3",
        "same address",
    )
    assert lines["url"] == ("https://www.aozora-shoji.co.jp/", "", "")
    assert shown.weights[shown.fields.index("address")] > 1


def test_a_client_without_candidate_has_no_explanation() -> None:
    shown = explained(-1, OSAKA)

    assert shown.counts.tolist() == [0, len(shown.fields)]
    assert explained(-1).fields == []
    assert shown.between(1, 2).fields == shown.fields
    assert Explanations.concatenate([shown, shown]).counts.tolist() == [0, 8, 0, 8]


def test_a_candidate_that_the_policy_did_not_see_has_words_but_no_weight() -> None:
    shown = explained(GOYO)

    assert np.isnan(shown.weights).all()
    assert shown.agreements[shown.fields.index("name")] == "differs"
