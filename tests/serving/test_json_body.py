"""JSON and JSON Lines: what is neither is said plainly, and every line keeps its place."""

import json
from typing import Any

import pytest

from serving.codec import decode
from serving.content_type import CSV, JSON, JSON_LINES, ContentType
from serving.errors import RequestError, TooLargeError
from serving.requests import LinkageRequest

CLIENT = '{"client_id": "a", "name": "x"}'


def read(body: str | bytes, media: str = JSON, mode: str = "bulk_linkage") -> LinkageRequest:
    content = body.encode() if isinstance(body, str) else body
    return decode(content, ContentType(media), mode, 100)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (f"{CLIENT}\n{CLIENT}\n", "Content-Type application/jsonlines"),
        (f"{CLIENT}\n\n\n{{broken", "Content-Type application/jsonlines"),
        (CLIENT, "the fields of one client; send them as 'client', or JSON Lines"),
        (f"[{CLIENT}]", "expected an object .*got a list; put the clients into its list 'clients'"),
        ("3.5", "got a number"),
        ("", "got an empty body"),
        (" \n", "got an empty body"),
        ('{"clients": {"name": ["x"]}}', "expects a list in 'clients', got an object"),
        ('{"clients": null}', "expects a list in 'clients', got null"),
        ('{"instances": []}', "expects a list in 'clients', got none"),
        ('{"mode": 1.5, "clients": []}', "got a number"),
        ("client_id,name\n1,x\n", "error at line 1, column 1"),
        ('{"clients": [' + "9" * 5000 + "," + "[" * 100_000, "nested too deeply"),
        ('{"clients": [' + "9" * 5000 + ",}", "error at line 1"),
    ],
)
def test_what_is_no_request_is_refused_with_what_it_looks_like(body: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        read(body)


def test_a_number_of_any_length_is_the_error_of_one_client() -> None:
    huge = "9" * 5000

    request = read(f'{{"clients": [{{"name": {huge}}}, {{"client_id": 1.0, "name": "x"}}]}}')

    assert (
        "at most 1000 characters in 'name'" in request.errors[0]
        or "few digits" in (request.errors[0])
    )
    assert request.client_ids == ["0", "1.0"]


@pytest.mark.parametrize("value", ["NaN", "null", '""'])
def test_what_data_frames_write_for_an_empty_cell_is_missing(value: str) -> None:
    request = read(f'{{"clients": [{{"name": "x", "phone": {value}, "client_id": {value}}}]}}')

    assert request.records.columns == {"name": ["x"]}
    assert request.client_ids == ["" if value == '""' else "0"]


@pytest.mark.parametrize("media", [JSON, JSON_LINES, CSV])
@pytest.mark.parametrize("body", ["", "x", "{}"])
def test_mode_info_needs_no_clients(media: str, body: str) -> None:
    if media == JSON and body == "x":
        return
    assert read(body, media, mode="info").mode == "info"


def test_a_body_may_leave_the_mode_to_the_query_and_goes_before_it() -> None:
    assert read(f'{{"clients": [{CLIENT}]}}', mode="candidates").mode == "candidates"
    assert read(f'{{"mode": "linkage", "client": {CLIENT}}}', mode="info").mode == "linkage"


@pytest.mark.parametrize(
    ("body", "valid", "lines"),
    [
        (f"{CLIENT}\n\n{CLIENT}\n", [0, 2], 3),
        (f"\n{CLIENT}\n\n\n", [1], 4),
        (f"{CLIENT}\r\n\r\n{CLIENT}", [0, 2], 3),
        (f"{CLIENT}\r{CLIENT}\r", [0, 1], 2),
        (f"{CLIENT}\n  ", [0], 1),
        (f"{CLIENT}\n{{broken\n[1]\n3\n{CLIENT}{CLIENT}\n{CLIENT}\n", [0, 5], 6),
        (f'{{"clients": [{CLIENT}]}}\n', [], 1),
        ('{"name": "a\u2028b\x85"}\n', [0], 1),
        ("", [], 0),
        ("\n", [], 1),
    ],
)
def test_every_line_of_json_lines_is_a_client(body: str, valid: list[int], lines: int) -> None:
    request = read(body, JSON_LINES)

    assert len(request) == lines
    assert request.positions == valid


def test_more_lines_than_clients_allowed_are_refused() -> None:
    with pytest.raises(TooLargeError, match=r"at most 100 clients .* got 101"):
        read("\n" * 101, JSON_LINES)


@pytest.mark.parametrize(
    ("media", "head", "line"),
    [
        (JSON_LINES, "", '{{"client_id": "{}", "name": "{}"}}\n'),
        (CSV, "client_id,name\n", "{},{}\n"),
        (CSV, "client_id,name\n", '{},"{}"\n'),
    ],
)
def test_bytes_of_another_charset_spoil_a_line_and_not_the_list(
    media: str, head: str, line: str
) -> None:
    texts = [(head + line.format("a", "青空")).encode(), line.format("b", "青空").encode("cp932")]

    request = read(b"".join([*texts, line.format("c", "青空").encode()]), media)

    assert request.client_ids == ["a", "b", "c"]
    assert request.records.columns == {"name": ["青空", "青空"]}
    # not at a position: it would be that of the first of all lines
    assert "expected a body in utf-8, got other bytes; encode it so" in request.errors[1]


@pytest.mark.parametrize(
    ("media", "body"),
    [
        (JSON, '{"clients": [{"name": "青空"}, {"name": "x"}]}'),
        (JSON_LINES, '{"name": "青空"}\n{"name": "空"}\n'),
        (CSV, "client_id,name\n1,青空\n2,空\n"),
        (CSV, "client_id,name,担当\n1,a,b\n"),
    ],
)
def test_a_list_in_another_charset_is_refused(media: str, body: str) -> None:
    with pytest.raises(RequestError, match="name its charset in the Content-Type"):
        read(body.encode("cp932"), media)


def test_unknown_columns_of_csv_are_warned_of_as_in_json() -> None:
    columns: dict[str, Any] = {"client_id": "1", "name": "x", "addres_": "y", "担当": "z"}
    text = ",".join(columns) + "\n" + ",".join(columns.values()) + "\n"

    by_csv = read(text, CSV).warnings
    by_json = read(json.dumps({"clients": [columns]})).warnings

    assert by_csv == by_json
    assert by_csv[0] == "unknown field 'addres_' is ignored; did you mean 'address'?"
