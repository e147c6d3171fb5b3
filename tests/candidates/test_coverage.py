"""Recall of blockers on clients whose company is known."""

from linkage_rl.candidates.blockers import Blocker, KeyBlocker, NgramBlocker
from linkage_rl.candidates.coverage import Coverage, coverage
from tests.small_table import clients, small_index

CLIENTS = clients(
    {"name": "㈱青空商事", "phone": "06-6345-0002"},
    {"name": "株式会社青空商事"},
    {"name": "五洋健設", "phone": "03-3816-9999"},
    {"name": "有限会社髙橋製作所"},
    {"name": "山田"},
)
TRUTH = ["aozora-osaka", "aozora-osaka", "goyo", "takahashi", ""]


def reports(*blockers: Blocker) -> dict[str, Coverage]:
    return {
        report.blocker: report
        for report in coverage(small_index(), blockers, CLIENTS, TRUTH, (1, 2))
    }


def test_recall_counts_clients_that_have_a_row() -> None:
    name = reports(KeyBlocker("name"))["name"]

    # of four: Osaka comes first by its phone, second without it; 五洋健設 is misspelt
    assert name.recall == {1: 2 / 4, 2: 3 / 4}
    assert name.applicable == 1
    assert name.per_client == (2 + 2 + 0 + 1) / 4


def test_a_blocker_applies_to_clients_that_have_the_field() -> None:
    phone = reports(KeyBlocker("phone"))["phone"]

    assert phone.applicable == 2 / 4
    assert phone.recall[1] == 1 / 4
    assert phone.per_client == (1 + 0) / 2


def test_all_blockers_together_find_what_any_of_them_finds() -> None:
    found = reports(KeyBlocker("name"), KeyBlocker("phone"), NgramBlocker())

    # 五洋健設 by its n-grams, all others by name
    assert found["all"].recall == {1: 3 / 4, 2: 4 / 4}


def test_without_any_client_in_the_table_recall_is_zero() -> None:
    report = coverage(small_index(), [NgramBlocker()], CLIENTS, ["", "", "", "", "nobody"], (1,))

    assert [(some.recall, some.applicable) for some in report] == [({1: 0.0}, 0.0)] * 2


def test_the_merged_list_counts_a_company_once() -> None:
    all_blockers = reports(KeyBlocker("name"), KeyBlocker("core"))["all"]

    assert all_blockers.per_client == (2 + 2 + 0 + 1) / 4
