import numpy as np
import pytest

from linkage_rl.text.corporate_numbers import (
    are_valid_corporate_numbers,
    canonical_corporate_numbers,
)


@pytest.mark.parametrize("number", ["7000012050002", "2120003031482", "7140001070443"])
def test_a_right_check_digit_is_accepted_and_every_other_one_refused(number: str) -> None:
    valid = are_valid_corporate_numbers([f"{digit}{number[1:]}" for digit in range(10)])

    assert np.flatnonzero(valid).tolist() == [int(number[0])]


def test_the_check_digit_of_a_number_worked_by_hand() -> None:
    # From the right: 1*1 + 0*2 + ... = 1, so the check digit is 9 - 1 mod 9 = 8.
    assert are_valid_corporate_numbers(["8000000000001"]).all()


@pytest.mark.parametrize(
    "text", ["", "700001205000", "70000120500020", "７000012050002", "７" * 13]
)
def test_anything_but_thirteen_plain_digits_is_refused(text: str) -> None:
    assert not are_valid_corporate_numbers([text]).any()


def test_width_hyphens_and_the_invoice_letter_are_accepted_but_a_wrong_digit_is_not() -> None:
    written = ["７０００－０１２０－５０００－２", "T7000012050002", "7000012050003", ""]

    assert canonical_corporate_numbers(written) == ["7000012050002", "7000012050002", "", ""]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("7000012050002.0", "7000012050002"),
        ("7,000,012,050,002", "7000012050002"),
        ("7.000012050002E+12", "7000012050002"),
        ("7.00001E+12", ""),
        ('="7000012050002"', "7000012050002"),
        ("登録番号：Ｔ７０００−０１２０５０００２", "7000012050002"),
        ("（7000012050002）", "7000012050002"),
        ("T-7000012050002 確認済", "7000012050002"),
        ("70000120500021", ""),
        ("9999999999999", ""),
        ("9000000000000", ""),
    ],
)
def test_a_number_is_found_in_a_labelled_or_damaged_cell(written: str, number: str) -> None:
    assert canonical_corporate_numbers([written]) == [number]
