"""Reasons in words, from the features of a pair."""

import numpy as np
import pytest

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.settings import CandidateSettings
from linkage_rl.decision.prepare import prepare_cases
from linkage_rl.features.matrix import PAIR_FEATURES, pair_features
from linkage_rl.features.reasons import PHRASES, reasons
from linkage_rl.tables.sample import SampleConfig, generate_clients, generate_companies
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
            "prefecture differs; phone differs; name partly alike",
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
def test_the_three_heaviest_phrases_make_the_reason(
    client: dict[str, str], company_id: str, words: str
) -> None:
    assert why(client, company_id) == words


def test_phrases_name_existing_features_and_differ_in_their_words() -> None:
    named = {
        name for phrase in PHRASES for name in (phrase.feature, phrase.unless, phrase.needs) if name
    }

    assert named <= set(PAIR_FEATURES)
    assert len({phrase.words for phrase in PHRASES}) == len(PHRASES)


def test_a_frequent_name_is_part_of_the_reason() -> None:
    missing = [name for name in PAIR_FEATURES if name.endswith("_missing")]
    features = np.zeros((1, len(PAIR_FEATURES)), dtype=np.float32)
    for name in ("core_equal", "core_ratio", "company_name_frequency", *missing):
        features[0, PAIR_FEATURES.index(name)] = 1

    assert reasons(features) == ["same name but for the legal form; many companies have this name"]


def test_no_pairs_have_no_reasons() -> None:
    assert reasons(np.zeros((0, len(PAIR_FEATURES)), dtype=np.float32)) == []


def test_every_pair_of_the_sample_has_a_reason() -> None:
    config = SampleConfig(companies=400, clients=200, seed=5)
    index = CompanyIndex.build(generate_companies(config))
    drawn = generate_clients(config, "train")

    blockers = CandidateSettings().blockers()
    cases = prepare_cases(index, blockers, drawn.records, [""] * len(drawn.records))

    assert cases.pairs > 1_000
    assert "" not in reasons(cases.features)


def test_every_similarity_of_two_names_has_a_phrase() -> None:
    """From names that share nothing to equal ones, while all other fields are missing."""
    ratios = np.append(np.linspace(0, 1, 201), [np.float32(0.6), np.float32(0.8)])
    features = np.zeros((len(ratios), len(PAIR_FEATURES)), dtype=np.float32)
    features[:, [name.endswith("_missing") for name in PAIR_FEATURES]] = 1
    features[:, PAIR_FEATURES.index("core_length_ratio")] = 1
    features[:, PAIR_FEATURES.index("core_ratio")] = ratios

    shown = dict(zip(ratios.tolist(), reasons(features), strict=True))

    assert set(shown.values()) == {"name differs", "name partly alike", "name spelt alike"}
    assert (shown[0.595], shown[0.605]) == ("name differs", "name partly alike")
    assert (shown[0.795], shown[0.805]) == ("name partly alike", "name spelt alike")


def test_no_features_leave_a_pair_without_a_reason() -> None:
    rng = np.random.default_rng(0)
    features = rng.random((5_000, len(PAIR_FEATURES)), dtype=np.float32)
    features[rng.random(features.shape) < 0.3] = 0
    features[rng.random(features.shape) < 0.5] = 1

    assert "" not in reasons(features)


def test_a_pair_with_nothing_to_compare_says_so() -> None:
    features = np.zeros((1, len(PAIR_FEATURES)), dtype=np.float32)
    features[:, [name.endswith("_missing") for name in PAIR_FEATURES]] = 1

    assert reasons(features) == ["no clear agreement or conflict"]


def test_the_number_of_companies_that_fit_equally_well_comes_first() -> None:
    rows = np.array([IDS.index("aozora-tokyo"), IDS.index("goyo")])
    own = clients({"name": "株式会社青空商事"}, {"phone": "03-3816-0008"})
    features = pair_features(small_index(), own, np.array([0, 1]), rows)

    assert reasons(features, np.array([2, 3])) == [
        "2 companies of this name; same name",
        "3 companies that fit equally well; same phone",
    ]
    assert reasons(features, np.array([1, 1])) == reasons(features)


def test_features_of_something_else_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected at least \d+ features of each pair, got 3"):
        reasons(np.zeros((2, 3), dtype=np.float32))
