"""Property tests: whatever is sent, each client gets a result in order, or the request a 4xx."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from serving import requests, values
from serving.models import ModelLibrary
from serving.requests import CLIENT_KEYS
from tests.serving.conftest import serving

any_text = st.text(st.characters(), max_size=30) | st.sampled_from(
    [
        "㈱青空商事",
        "鈴木組",
        "\ud800",
        "\x00",
        "０３－３２２２",
        "=cmd()",
        '"',
        "\n",
        "\u2028",
        "🈂" * 9,
    ]
)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=12,
)
any_client = any_json | st.dictionaries(
    st.sampled_from(CLIENT_KEYS), any_text | any_json, max_size=6
)
without_deadline = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with serving(bundle, tmp_path_factory.mktemp("run"), LINKAGE_CSV_COLUMNS="name") as client:
        yield client


def post(server: TestClient, body: bytes | str, media: str, **headers: str) -> Any:
    content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    return server.post("/invocations", content=content, headers={"content-type": media, **headers})


@without_deadline
@given(
    clients=st.lists(any_client, max_size=6),
    mode=st.sampled_from(["bulk_linkage", "candidates"]),
    escaped=st.booleans(),
)
def test_every_list_gets_one_result_per_client_in_its_order(
    server: TestClient, clients: list[Any], mode: str, escaped: bool
) -> None:
    body = json.dumps({"mode": mode, "clients": clients}, ensure_ascii=escaped)
    is_utf8 = escaped or body == body.encode("utf-8", "replace").decode("utf-8", "replace")

    response = post(server, body, "application/json")

    if not is_utf8:
        assert response.status_code == 400
        return
    assert response.status_code == 200, response.text
    results = response.json()["results"]
    assert len(results) == len(clients)
    for place, (client, result) in enumerate(zip(clients, results, strict=True)):
        given_id = client.get("client_id") if isinstance(client, dict) else None
        if isinstance(given_id, str) and len(given_id) <= values.MAX_FIELD_LENGTH:
            assert result["client_id"] == given_id
        elif given_id is None:
            assert result["client_id"] == str(place)
        assert (result["decision"] == "error") == ("error" in result)


@without_deadline
@given(content=any_json)
def test_any_json_is_answered_or_refused(server: TestClient, content: Any) -> None:
    response = post(server, json.dumps(content), "application/json")

    assert response.status_code in (200, 400)
    assert response.json()


@without_deadline
@given(body=st.binary(max_size=200), media=st.sampled_from(["json", "jsonlines"]))
def test_any_bytes_are_answered_or_refused(server: TestClient, body: bytes, media: str) -> None:
    response = post(server, body, f"application/{media}")

    assert response.status_code in (200, 400)


@without_deadline
@given(names=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=8))
def test_every_row_of_a_csv_writer_gets_a_result(server: TestClient, names: list[str]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("client_id", "name"), *enumerate(names)])

    response = post(server, text.getvalue(), "text/csv")

    rows = list(csv.DictReader(io.StringIO(response.text, newline="")))
    assert response.status_code == 200, response.text
    assert [row["client_id"] for row in rows] == [str(place) for place in range(len(names))]


@without_deadline
@given(text=st.text(st.sampled_from('ab,"\n\r '), max_size=40))
def test_an_unclosed_quote_never_swallows_clients_silently(server: TestClient, text: str) -> None:
    """Every line is part of a record that Python's own reader finds, or gets a result itself."""
    response = post(server, f"name,city\n{text}", "text/csv; header=present")

    lines = len(io.StringIO(text, newline="").readlines())
    found = len(list(csv.DictReader(io.StringIO(response.text, newline=""))))
    assert response.status_code == 200
    try:
        expected = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        assert 0 < found <= lines
        return
    if all(len(row) == 2 for row in expected):
        assert found == len(expected)
    else:
        assert len(expected) <= found <= lines


@without_deadline
@given(text=st.text(st.sampled_from('ab,"\n '), max_size=40))
def test_every_line_of_csv_without_a_header_gets_one_line(server: TestClient, text: str) -> None:
    response = post(server, text, "text/csv; header=absent")

    assert response.status_code == 200
    assert len(response.text.splitlines()) == len(io.StringIO(text, newline="").readlines())


def test_a_field_of_a_megabyte_is_the_error_of_one_client(server: TestClient) -> None:
    response = post(server, f"name\n{'x' * 1_000_000}\n㈱青空商事\n", "text/csv")

    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [row["decision"] for row in rows] == ["error", "link"]


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("text/csv;q=0", 406),
        ("application/*;q=0, text/csv", 200),
        ("*/*;q=0", 406),
        ("application/json;q=0.001", 200),
        ("application/json;q=high", 406),
    ],
)
def test_a_type_that_accept_forbids_is_not_sent(
    server: TestClient, accept: str, status: int
) -> None:
    response = post(server, '{"clients":[]}', "application/json", accept=accept)

    assert response.status_code == status


def test_boto3_finds_the_sentence_of_an_error(server: TestClient) -> None:
    refused = post(server, "[", "application/json").json()

    assert refused["message"] == refused["error"]


def test_candidates_are_returned_for_at_most_a_thousand_clients(server: TestClient) -> None:
    clients = [{"name": "㈱青空商事"}] * (requests.MAX_CANDIDATE_CLIENTS + 1)

    listed = post(server, json.dumps({"clients": clients}), "application/json")
    shown = post(server, json.dumps({"mode": "candidates", "clients": clients}), "application/json")

    assert (listed.status_code, shown.status_code) == (200, 413)
    assert "at most 1000 clients in a request of mode 'candidates'" in shown.json()["error"]


@pytest.mark.parametrize(
    ("name", "url"),
    [("a" * 256, "/"), ("a", "." * 10_000), ("a", "/no\0where"), ("a", "/\ud800"), ("..", "/")],
)
def test_a_model_with_an_impossible_name_or_folder_is_refused(
    server: TestClient, name: str, url: str
) -> None:
    body = json.dumps({"model_name": name, "url": url})

    response = server.post("/models", content=body)

    assert response.status_code == 400
    assert len(response.json()["error"]) < 400 + len(url)


def test_an_internal_error_is_a_sentence_with_an_id_logged_and_counted(
    server: TestClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(library: ModelLibrary, name: str) -> None:
        raise RuntimeError("planted-secret")

    monkeypatch.setattr(ModelLibrary, "in_memory", broken)
    response = server.post("/invocations", json={"clients": []}, headers={"x-request-id": "r1"})

    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert response.status_code == 500
    assert response.json()["request_id"] == response.headers["x-request-id"] == "r1"
    assert "planted-secret" not in response.text
    assert (line["request_id"], line["status"], line["reason"]) == ("r1", 500, "RuntimeError")
    counted = 'linkage_requests_total{path="/invocations",status="500"} 1.0'
    assert counted in server.get("/metrics").text


def test_a_405_lists_the_allowed_methods(server: TestClient) -> None:
    many, one = server.options("/models"), server.options("/models/a")

    assert (many.status_code, one.status_code) == (405, 405)
    assert {*many.headers["allow"].split(", ")} == {"GET", "HEAD", "POST"}
    assert {*one.headers["allow"].split(", ")} == {"GET", "HEAD", "DELETE"}


def test_the_default_model_of_a_server_stays_loaded(server: TestClient) -> None:
    refused = server.delete("/models/default")

    assert refused.status_code == 409
    assert "stays loaded" in refused.json()["error"]
    assert server.get("/ping").status_code == 200
