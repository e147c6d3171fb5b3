"""Clients are sorted into sound ones and those with a fault."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import RequestError, TooManyClientsError
from serving.requests import LONGEST, inquiry, mode_of

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
CLIENT = ANYTHING | st.dictionaries(
    st.sampled_from(["client_id", "name", "address", "street", "phone", "x"]), ANYTHING, max_size=4
)


def test_an_address_is_read_into_the_street_where_there_is_none() -> None:
    clients = [{"address": "千代田区丸の内1-1"}, {"address": "a", "street": "b"}]

    asked = inquiry("bulk_linkage", clients, 10)

    assert asked.records.columns == {"street": ["千代田区丸の内1-1", "b"]}


def test_ids_are_given_as_text_or_counted() -> None:
    asked = inquiry("bulk_linkage", [{"client_id": 7, "name": "a"}, {"name": "b"}], 10)

    assert asked.ids == ["7", "1"]
    assert list(asked.records.ids) == ["7", "1"]


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        ({}, "expected at least one of"),
        ({"client_id": "a"}, "expected at least one of"),
        ({"name": ""}, "expected at least one of"),
        ({"name": 5}, "expected text in 'name', got a number"),
        ({"name": ["a"]}, "expected text in 'name', got a list"),
        ({"name": "a", "client_id": True}, "expected text in 'client_id', got a truth value"),
        ({"name": "a", "client_id": 10**40}, "expected text in 'client_id', got a number"),
        ({"name": "a" * (LONGEST + 1)}, f"expected at most {LONGEST} characters in 'name'"),
        ("text", "expected an object with the client's fields, got 'text'"),
        (None, "expected an object with the client's fields, got null"),
    ],
)
def test_a_faulty_client_is_told_why_and_the_next_is_not_touched(client: Any, reason: str) -> None:
    asked = inquiry("bulk_linkage", [client, {"name": "青空商事"}], 10)

    assert asked.faults[0].startswith(reason)
    assert asked.places == [1]
    assert asked.records.columns == {"name": ["青空商事"]}


@given(st.lists(CLIENT, max_size=6))
def test_every_client_is_either_sound_or_faulty(clients: list[Any]) -> None:
    asked = inquiry("bulk_linkage", clients, 10)

    assert len(asked) == len(clients)
    assert sorted([*asked.places, *asked.faults]) == list(range(len(clients)))
    assert len(asked.records) == len(asked.places)


def test_too_many_clients_are_refused_as_a_whole() -> None:
    with pytest.raises(TooManyClientsError, match=r"at most 2 clients .* got 3"):
        inquiry("bulk_linkage", [{}] * 3, 2)


def test_an_unknown_mode_is_refused_with_those_there_are() -> None:
    with pytest.raises(RequestError, match=r"'bulk_linkage'.*got 'merge'"):
        mode_of("merge")
