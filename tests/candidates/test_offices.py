"""Registry offices by city, learned from the table."""

import numpy as np
import pytest

from linkage_rl.candidates.offices import OfficeTable

CHIYODA, KITA, UNKNOWN = 7, 9, 0


def shares(city: list[int], office: list[int]) -> dict[tuple[int, int], float]:
    """City and office to the share that is learned from these companies."""
    table = OfficeTable.learn(np.array(city, np.uint32), np.array(office, np.uint16))
    assert (np.diff(table.keys.astype(np.int64)) > 0).all()
    return {
        (key >> 16, key & 0xFFFF): share
        for key, share in zip(table.keys.tolist(), table.shares.tolist(), strict=True)
    }


def test_the_share_of_an_office_is_relative_to_the_citys_most_frequent_one() -> None:
    learned = shares([CHIYODA] * 5 + [KITA], [100, 100, 100, 100, 104, 1200])

    assert learned == {(CHIYODA, 100): 1.0, (CHIYODA, 104): 0.25, (KITA, 1200): 1.0}


@pytest.mark.parametrize(("city", "office"), [(UNKNOWN, 100), (CHIYODA, 0), (0, 0)])
def test_what_is_unknown_has_no_share(city: int, office: int) -> None:
    assert shares([CHIYODA, city], [100, office]) == {(CHIYODA, 100): 1.0}


def test_a_table_without_corporate_numbers_gives_an_empty_table_of_offices() -> None:
    assert shares([CHIYODA], [0]) == {}
