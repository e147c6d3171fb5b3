"""Groups of a list in which companies of the table are hubs."""

import numpy as np

from linkage_rl.list_duplicates import group_with_hubs


def test_clients_of_one_company_are_one_group_called_by_its_first_client() -> None:
    company = np.array([70, -1, 5, 70, -1, 70, -1])

    # of the clients without a company, those at 1 and 6 are duplicates
    group = group_with_hubs(company, np.array([0, -1, 0]))

    assert group.tolist() == [0, 1, -1, 0, -1, 0, 1]


def test_a_list_without_companies_keeps_its_groups() -> None:
    assert group_with_hubs(np.full(3, -1), np.array([-1, 1, 1])).tolist() == [-1, 1, 1]
    assert group_with_hubs(np.zeros(0, np.int64), np.zeros(0, np.int64)).tolist() == []
