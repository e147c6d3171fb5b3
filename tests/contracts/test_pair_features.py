"""What every feature of a pair must keep to, whomever it compares."""

import numpy as np
import pytest
from numpy.typing import NDArray

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.features import structure
from linkage_rl.features.matrix import (
    PAIR_FEATURES,
    QUERY_FEATURES,
    pair_features,
    query_features,
)
from tests.small_table import COMPANIES, clients, company_rows

ODD: tuple[dict[str, str], ...] = (
    {},
    {"name": "・・・"},
    {"name": "東"},
    {"name": "株式会社"},
    {"name": "青空" * 5000, "name_kana": "ア" * 10_000, "street": "9" * 10_000},
    {"name": "税理士法人青空"},
    {"name": "一般社団法人東京青空会"},
    {"name": "国立研究開発法人青空機構"},
    {"name": "青空農業協同組合", "prefecture": "東京都"},
    {"name": "第一青空商店", "url": "https://www.aozora-mall.example.jp/first"},
    {"name": "第二青空商店", "url": "https://www.aozora-mall.example.jp/second"},
    {"name": "\ud800\0\n", "name_en": "\u2028", "phone": "0", "postal_code": "-"},
)
EVERYONE = (*COMPANIES.values(), *ODD)


@pytest.fixture(scope="module")
def features() -> NDArray[np.float32]:
    """Everyone compared with everyone as client and company, shape (N, N, F)."""
    table = {f"{place}": fields for place, fields in enumerate(EVERYONE)}
    index, asking = CompanyIndex.build([company_rows(table)]), clients(*EVERYONE)
    client, row = (side.reshape(-1) for side in np.indices((len(EVERYONE), len(EVERYONE))))
    compared = pair_features(index, asking, client, row)
    return compared.reshape(len(EVERYONE), len(EVERYONE), -1)


@pytest.mark.parametrize("name", PAIR_FEATURES)
class TestEveryPairFeature:
    def test_stays_in_the_unit_interval(self, features: NDArray[np.float32], name: str) -> None:
        values = features[:, :, PAIR_FEATURES.index(name)]

        assert np.isfinite(values).all()
        assert values.min() >= 0
        assert values.max() <= 1

    def test_differs_between_some_pairs(self, features: NDArray[np.float32], name: str) -> None:
        assert len(np.unique(features[:, :, PAIR_FEATURES.index(name)])) > 1


SYMMETRIC = (
    *(name for name in structure.NAMES if not name.startswith("company_is")),
    "core_ratio",
    "core_prefix",
    "core_postfix",
    "core_length_ratio",
    "kana_ratio",
    "latin_ratio",
    "core_cosine",
    "kana_cosine",
    "latin_cosine",
    "core_edits",
    "read_alike",
    "marks_differ",
    "only_marks_differ",
    "close_at_10_km",
    "close_at_100_km",
)


@pytest.mark.parametrize(
    "name", [name for name in SYMMETRIC if name not in ("stem_equal", "company_stem_equal")]
)
def test_client_and_company_can_be_swapped(features: NDArray[np.float32], name: str) -> None:
    values = features[:, :, PAIR_FEATURES.index(name)]

    assert np.allclose(values, values.T, atol=1e-6)


@pytest.mark.parametrize(
    "name", [name for name in PAIR_FEATURES if name.endswith("_equal") and name[:4] != "form"]
)
def test_what_is_missing_never_agrees(features: NDArray[np.float32], name: str) -> None:
    """The empty client is the first of the odd ones."""
    values = features[len(COMPANIES), :, PAIR_FEATURES.index(name)]

    agree = {"side_equal"}
    assert name in agree or not values.any()


def test_queries_stay_in_the_unit_interval() -> None:
    index = CompanyIndex.build([company_rows()])

    values = query_features(index, clients(*EVERYONE))

    assert values.shape == (len(EVERYONE), len(QUERY_FEATURES))
    assert np.isfinite(values).all()
    assert values.min() >= 0
    assert values.max() <= 1


def test_an_empty_table_still_describes_clients() -> None:
    values = query_features(CompanyIndex.build([]), clients(*EVERYONE))

    assert np.isfinite(values).all()
    assert values.max() <= 1
