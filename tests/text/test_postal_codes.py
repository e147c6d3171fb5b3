"""Postal codes as lists write and damage them."""

import pytest

from linkage_rl.text.postal_codes import canonical_postal_codes


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("542-8510", "5428510"),
        ("５４２８５１０", "5428510"),
        ("5 4 2 - 8 5 1 0", "5428510"),
        ("〒542.8510", "5428510"),
        ("郵便番号：542-8510", "5428510"),
        ("【〒542-8510】", "5428510"),
        ("542-8510 大阪市中央区", "5428510"),
        ("5428510.0", "5428510"),
        ("5,428,510", "5428510"),
        ("'5428510", "5428510"),
        ('="0640941"', "0640941"),
        ("640941.0", "0640941"),
        ("640941", "0640941"),
        ("10031", "0010031"),
        ("5.43E+06", ""),
        ("06-6631-1101", ""),
        ("090-1234-5678", ""),
        ("000-0000", ""),
        ("111-1111", ""),
        ("123-4567", ""),
        ("なし", ""),
        ("", ""),
    ],
)
def test_a_postal_code_is_seven_digits_or_nothing(written: str, code: str) -> None:
    assert canonical_postal_codes([written]) == [code]
