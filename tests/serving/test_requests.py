"""Each client is validated by itself; invalid ones get an error of their own."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import RequestError, TooLargeError
from serving.requests import InvalidClient, parse_mode, validate
from serving.values import MAX_FIELD_LENGTH, JsonNumber

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
CLIENT = ANYTHING | st.dictionaries(
    st.sampled_from(["client_id", "name", "address", "street", "phone", "x"]), ANYTHING, max_size=4
)


def test_an_address_is_used_as_street_where_there_is_none() -> None:
    clients = [{"address": "千代田区丸の内1-1"}, {"address": "a", "street": "b"}]

    request = validate("bulk_linkage", clients, 10)

    assert request.records.columns == {"street": ["千代田区丸の内1-1", "b"]}


def test_ids_become_text_and_a_missing_one_is_the_position() -> None:
    request = validate("bulk_linkage", [{"client_id": 7, "name": "a"}, {"name": "b"}], 10)

    assert request.client_ids == ["7", "1"]
    assert list(request.records.ids) == ["7", "1"]


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        ({}, "expected at least one of"),
        ({"client_id": "a"}, "expected at least one of"),
        ({"name": ""}, "expected at least one of"),
        ({"name": float("nan")}, "expected at least one of"),
        ({"name": True}, "expected text in 'name', got a boolean"),
        ({"name": float("inf")}, "expected text or a finite number in 'name', got inf"),
        ({"name": JsonNumber("1e400")}, "expected text or a number of few digits in 'name'"),
        ({"name": ["a"]}, "expected text in 'name', got a list"),
        ({"name": "a", "client_id": True}, "expected text in 'client_id', got a boolean"),
        ({"name": "a", "client_id": [1]}, "expected text in 'client_id', got a list"),
        ({"name": "a", "client_id": 10**1000}, "expected at most 1000 characters in 'client_id'"),
        (
            {"name": "a" * (MAX_FIELD_LENGTH + 1)},
            f"expected at most {MAX_FIELD_LENGTH} characters in 'name'",
        ),
        ("text", "expected an object with the client's fields, got 'text'"),
        (None, "expected an object with the client's fields, got null"),
    ],
)
def test_an_invalid_client_gets_its_reason_and_the_next_is_unaffected(
    client: Any, reason: str
) -> None:
    request = validate("bulk_linkage", [client, {"name": "青空商事"}], 10)

    assert request.errors[0].startswith(reason)
    assert request.positions == [1]
    assert request.records.columns == {"name": ["青空商事"]}


@pytest.mark.parametrize(
    ("given_ids", "expected"),
    [
        ([1, JsonNumber("2.0"), 3], ["1", "2.0", "3"]),
        ([1, JsonNumber("1.0"), "01"], ["1", "1.0", "01"]),
        ([JsonNumber("1e400"), JsonNumber("12345678901234567890.0"), 10**40], None),
        ([float("nan"), None, 2.5], ["0", "1", "2.5"]),
        ([1, True, {"a": 1}], ["1", "#1", "2"]),
        (["1", None, "#1"], ["1", "##1", "#1"]),
        (["2", [], None], ["2", "1", "#2"]),
        (["", " ", "\u2028"], ["", " ", "\u2028"]),
    ],
)
def test_an_id_is_the_callers_and_a_missing_one_is_that_of_no_other_client(
    given_ids: list[Any], expected: list[str] | None
) -> None:
    request = validate("bulk_linkage", [{"client_id": one, "name": "a"} for one in given_ids], 10)

    assert request.client_ids == (expected or ["1e400", "12345678901234567890.0", "1" + "0" * 40])
    assert request.warnings == []


def test_a_client_that_could_not_be_parsed_keeps_the_id_that_could() -> None:
    clients = [InvalidClient("broken", "7"), InvalidClient("broken"), {"name": "a"}]

    request = validate("bulk_linkage", clients, 10)

    assert request.client_ids == ["7", "1", "2"]
    assert request.errors == {0: "broken", 1: "broken"}


def test_an_id_that_the_caller_gave_twice_is_kept_and_warned_of() -> None:
    clients = [{"client_id": "a", "name": "x"}, {"client_id": "a", "name": "y"}]

    request = validate("bulk_linkage", clients, 10)

    assert request.client_ids == ["a", "a"]
    assert request.warnings == [
        "several clients have the same client_id; tell their results apart by their order"
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (8381505, "8381505"),
        (JsonNumber("8381505.0"), "8381505"),
        (JsonNumber("5.400001123564e12"), "5400001123564"),
        (JsonNumber("9007199254740993.0"), "9007199254740993"),
        (JsonNumber("12.50"), "12.5"),
        (JsonNumber("-0.0"), "0"),
        (JsonNumber("1e-99999999999999999999"), "0"),
        (8381505.0, "8381505"),
        (0, "0"),
        (10**40, "1" + "0" * 40),
    ],
)
def test_a_number_in_a_field_stands_for_its_digits(value: Any, text: str) -> None:
    request = validate("bulk_linkage", [{"name": "a", "phone": value}], 10)

    assert request.records.columns == {"name": ["a"], "phone": [text]}


@pytest.mark.parametrize("empty", [None, float("nan"), ""])
def test_an_empty_value_is_missing(empty: Any) -> None:
    request = validate("bulk_linkage", [{"name": "a", "phone": empty, "address": empty}], 10)

    assert request.records.columns == {"name": ["a"]}
    assert request.errors == {}


@given(st.lists(CLIENT, max_size=6))
def test_every_client_is_either_valid_or_has_an_error(clients: list[Any]) -> None:
    request = validate("bulk_linkage", clients, 10)

    assert len(request) == len(clients)
    assert sorted([*request.positions, *request.errors]) == list(range(len(clients)))
    assert len(request.records) == len(request.positions)


def test_a_request_of_too_many_clients_is_refused() -> None:
    with pytest.raises(TooLargeError, match=r"at most 2 clients .* got 3"):
        validate("bulk_linkage", [{}] * 3, 2)


def test_an_unknown_mode_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(RequestError, match=r"'bulk_linkage'.*got 'merge'"):
        parse_mode("merge")
