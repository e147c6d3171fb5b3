"""Truths of a labelled list that are no ids of the table."""

import pytest

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.decision.truth import checked_truth
from linkage_rl.errors import SchemaError
from linkage_rl.records import CompanyRows, RecordBatch


def index_of(ids: list[str]) -> CompanyIndex:
    nothing = [""] * len(ids)
    records = RecordBatch(ids, {"name": [f"株式会社{one}番館" for one in ids]})
    return CompanyIndex.build([CompanyRows(records, nothing, nothing)])


PADDED = index_of([f"{number:05}" for number in range(1, 41)])


def test_ids_of_the_table_stay_as_they_are() -> None:
    truth = ["00001", "", "00002|00003"]

    assert checked_truth(truth, PADDED, "list") == (truth, "")


@pytest.mark.parametrize("word", ["なし", "NULL", "N/A", "-", "none", "該当なし", "#N/A", " "])
def test_words_for_a_missing_value_mean_no_row(word: str) -> None:
    truth, warning = checked_truth(["00001", word, f"00002|{word}"], PADDED, "list")

    assert truth == ["00001", "", "00002"]
    assert not warning


def test_an_id_that_is_such_a_word_stays_an_id() -> None:
    index = index_of(["x", "y"])

    assert checked_truth(["x", "y"], index, "list") == (["x", "y"], "")


def test_some_unknown_truths_are_counted_and_said() -> None:
    truth, warning = checked_truth(
        ["00001", "00002", "q1", "q2", "q3", "q4", "00003|q5", ""], PADDED, "list"
    )

    assert truth[2] == "q1"
    assert warning.startswith(
        "list: 4 of 7 truths are no ids of open companies of the table, such as 'q1', 'q2', 'q3'; "
        "they stay in the measure as clients that no link is right for"
    )


CAUSES = {
    "leading zeros are lost": [str(number) for number in range(1, 41)],
    "a spreadsheet made numbers": [f'="{number:05}"' for number in range(1, 41)],
    "blanks stand around them": [f" {number:05} " for number in range(1, 41)],
    "they belong to another table": [f"q{number}" for number in range(1, 41)],
}


@pytest.mark.parametrize(("cause", "truth"), CAUSES.items())
def test_truths_of_another_table_are_refused_with_their_likely_cause(
    cause: str, truth: list[str]
) -> None:
    with pytest.raises(
        SchemaError, match=f"list: 40 of 40 truths .*, such as .*; {cause}"
    ) as error:
        checked_truth([*truth, "", "なし"], PADDED, "list")
    assert "\n" not in str(error.value)


def test_zeros_and_a_decimal_point_are_undone_together() -> None:
    with pytest.raises(SchemaError, match="leading zeros are lost; write them as text"):
        checked_truth([f"{number}.0" for number in range(1, 41)], PADDED, "list")


def test_a_list_whose_clients_all_lack_a_row_is_accepted() -> None:
    assert checked_truth(["", "なし"], PADDED, "list") == (["", ""], "")
