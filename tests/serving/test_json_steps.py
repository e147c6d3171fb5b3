"""JSON in steps gives what the standard library gives, errors included."""

import json
from typing import Any

import pytest

from serving.json_steps import STEP, decode_in_steps, encode_in_steps, to_json

CLIENTS = [
    {"client_id": str(number), "name": '青空 "商事"\\', "tags": [1, [2]]} for number in range(7)
]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    "value",
    [
        {"mode": "bulk_linkage", "clients": CLIENTS},
        {"clients": CLIENTS, "more": {"a": [], "b": {}, "c": [{}]}},
        {"clients": []},
        {},
        [],
        CLIENTS,
        [[1, [2]], "a", None, True, -1.5e3],
        "text",
        12,
        None,
    ],
)
def test_values_are_the_same(value: Any, indent: int | None) -> None:
    text = f" {json.dumps(value, ensure_ascii=False, indent=indent)}\n"

    assert decode_in_steps(json.JSONDecoder(), text) == value


@pytest.mark.parametrize(
    "text",
    [
        *('{"clients": [{"name": "a"},]}', '{"clients": [', '{"clients": [{}', "", " ", "{", "["),
        *('{"a" 1}', "{1: 2}", '{"a": 1,}', "[1 2]", "[1] 2", '{"a": 1} x', '{"a": nul}', "nul"),
        *('{"a": "\n"}', "{'a': 1}", '{"a": 1 "b": 2}', "[,]", "{,}", '{"a":}', "\ufeff{}"),
    ],
)
def test_errors_are_the_same(text: str) -> None:
    decoder = json.JSONDecoder()
    with pytest.raises(json.JSONDecodeError) as expected:
        decoder.decode(text)

    with pytest.raises(json.JSONDecodeError) as raised:
        decode_in_steps(decoder, text)

    assert str(raised.value) == str(expected.value)


def test_a_repeated_key_has_its_last_value() -> None:
    assert decode_in_steps(json.JSONDecoder(), '{"a": 1, "a": [2]}') == {"a": [2]}


@pytest.mark.parametrize("count", [0, 1, STEP - 1, STEP, STEP + 1, 3 * STEP])
def test_lists_of_every_length_are_written_as_in_one_call(count: int) -> None:
    shared, results = {"model": {"name": "青空"}, "stale": False}, [{"a": n} for n in range(count)]

    assert encode_in_steps(shared, "results", results) == to_json(shared | {"results": results})
    assert encode_in_steps({}, "results", results) == to_json({"results": results})
