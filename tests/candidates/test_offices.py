"""Registry offices by city, learned from the table."""

import numpy as np
import pytest

from linkage_rl.candidates.offices import OfficeTable

CHIYODA, KITA, UNKNOWN = 7, 9, 0


def test_the_share_of_an_office_is_relative_to_the_citys_most_frequent_one() -> None:
    city = np.array([CHIYODA] * 5 + [KITA], dtype=np.uint32)
    office = np.array([100, 100, 100, 100, 104, 1200], dtype=np.uint16)

    table = OfficeTable.learn(city, office)

    asked = np.array([CHIYODA, CHIYODA, CHIYODA, KITA], dtype=np.uint32)
    offices = np.array([100, 104, 1200, 1200], dtype=np.uint16)
    assert table.share(asked, offices).tolist() == [1.0, 0.25, 0.0, 1.0]


@pytest.mark.parametrize(("city", "office"), [(UNKNOWN, 100), (CHIYODA, 0), (0, 0)])
def test_what_is_unknown_has_no_share(city: int, office: int) -> None:
    table = OfficeTable.learn(np.array([CHIYODA], np.uint32), np.array([100], np.uint16))

    share = table.share(np.array([city], np.uint32), np.array([office], np.uint16))

    assert share.tolist() == [0.0]


def test_a_table_without_corporate_numbers_gives_an_empty_table_of_offices() -> None:
    table = OfficeTable.learn(np.array([CHIYODA], np.uint32), np.zeros(1, np.uint16))

    assert len(table.keys) == 0
    assert table.share(np.array([CHIYODA], np.uint32), np.array([100], np.uint16)).tolist() == [0]
