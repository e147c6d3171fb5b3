"""Each client is validated by itself; invalid ones get an error of their own."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import RequestError, TooLargeError
from serving.requests import MAX_FIELD_LENGTH, parse_mode, validate

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
        ({"name": 5}, "expected text in 'name', got a number"),
        ({"name": ["a"]}, "expected text in 'name', got a list"),
        ({"name": "a", "client_id": True}, "expected text in 'client_id', got a boolean"),
        ({"name": "a", "client_id": 10**40}, "expected text in 'client_id', got a number"),
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
