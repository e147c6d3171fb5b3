"""Reasons in words, from the features of a pair."""

import numpy as np
import pytest

from linkage_rl.features.matrix import PAIR_FEATURES, pair_features
from linkage_rl.features.reasons import PHRASES, reasons
from tests.small_table import COMPANIES, IDS, clients, small_index


def why(client: dict[str, str], company_id: str) -> str:
    row = np.array([IDS.index(company_id)])
    return reasons(pair_features(small_index(), clients(client), np.array([0]), row))[0]


@pytest.mark.parametrize(
    ("client", "company_id", "words"),
    [
        (COMPANIES["goyo"], "goyo", "same corporate number; same name; same phone"),
        ({"name": "五洋建設株式会社"}, "goyo", "same name"),
        ({"name": "五洋建設(有)"}, "goyo", "same name but for the legal form; legal form differs"),
        (
            {"name": "五洋健設", "prefecture": "大阪府", "phone": "06-1111-2222"},
            "goyo",
            "prefecture differs; phone differs",
        ),
        (
            {"name": "山田", "prefecture": "東京都", "city": "文京区", "street": "後楽2-2-8"},
            "goyo",
            "name differs; same address",
        ),
        (
            {"name": "五洋建設 名古屋支店", "prefecture": "東京都", "city": "文京区"},
            "goyo",
            "same name without branch or addition; same city",
        ),
        ({"phone": "03-3816-0008"}, "goyo", "same phone"),
        (
            {"name": "札幌食糧株式会社", "prefecture": "北海道"},
            "hokkai",
            "former name of the company; name differs; same prefecture",
        ),
        (
            {**COMPANIES["goyo"], "corporate_number": "6010001000001"},
            "goyo",
            "corporate number differs; same name; same phone",
        ),
    ],
)
def test_the_three_weightiest_remarks_are_given(
    client: dict[str, str], company_id: str, words: str
) -> None:
    assert why(client, company_id) == words


def test_remarks_name_features_that_exist_and_each_is_worded_once() -> None:
    named = {phrase.feature for phrase in PHRASES} | {
        phrase.unless for phrase in PHRASES if phrase.unless
    }

    assert named <= set(PAIR_FEATURES)
    assert len({phrase.words for phrase in PHRASES}) == len(PHRASES)


def test_a_name_borne_by_many_is_remarked_on() -> None:
    missing = [name for name in PAIR_FEATURES if name.endswith("_missing")]
    features = np.zeros((1, len(PAIR_FEATURES)), dtype=np.float32)
    for name in ("core_equal", "core_ratio", "company_name_frequency", *missing):
        features[0, PAIR_FEATURES.index(name)] = 1

    assert reasons(features) == ["same name but for the legal form; many companies have this name"]


def test_no_pairs_need_no_reasons() -> None:
    assert reasons(np.zeros((0, len(PAIR_FEATURES)), dtype=np.float32)) == []
