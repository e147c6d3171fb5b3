"""What callers get back: one line or row per client, whatever bodies, ids and fields hold."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.codec import encode
from serving.content_type import CSV, JSON_LINES, ContentType
from serving.csv_answer import csv_lines, csv_text
from serving.responses import LinkageResponse
from tests.serving.conftest import serving

NAME = "㈱青空商事"
BREAKS = ("\r", "\n", "\r\n", "\0", "\x0b", "\x1c", "\x85", "\u2028", "\u2029")
MODEL = {"name": "m", "version": "1"}


@pytest.fixture(scope="module")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with serving(
        bundle,
        tmp_path_factory.mktemp("run"),
        LINKAGE_CSV_COLUMNS="client_id,name",
        SAGEMAKER_MAX_PAYLOAD_IN_MB="1",
    ) as client:
        yield client


def post(server: TestClient, body: str | bytes, media: str, **headers: str) -> Any:
    content = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return server.post("/invocations", content=content, headers={"content-type": media, **named})


@pytest.mark.parametrize("media", ["text/csv", "text/csv; header=absent", "application/jsonlines"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "blank", [(0,), (1,), (3,), (0, 0, 2, 3, 3)], ids=["start", "middle", "end", "several"]
)
def test_a_blank_line_keeps_its_place(
    server: TestClient, media: str, line_break: str, blank: tuple[int, ...]
) -> None:
    ids = ["1", "2", "3"]
    lines = [f"{one},{NAME}" for one in ids]
    if "json" in media:
        lines = [json.dumps({"client_id": one, "name": NAME}) for one in ids]
    for place in sorted(blank, reverse=True):
        lines.insert(place, "")

    response = post(server, "".join(line + line_break for line in lines), media)

    answered = response.text.splitlines()
    assert response.status_code == 200
    assert len(answered) == len(lines)
    assert ["link" not in one for one in answered] == [not line for line in lines]


def test_a_list_with_a_header_is_answered_with_one(server: TestClient) -> None:
    headed = post(server, f"client_id,name\n1,{NAME}\n", "text/csv")
    plain = post(server, f"1,{NAME}\n", "text/csv")
    stated = post(server, f"1,{NAME}\n", "text/csv", accept="text/csv; header=present")

    assert headed.text.splitlines()[1:] == plain.text.splitlines()
    assert headed.text == stated.text


def test_a_lone_quote_spoils_its_line(server: TestClient) -> None:
    response = post(server, f'client_id,name\n1,{NAME}\n2,"{NAME}\n3,{NAME}\n', "text/csv")

    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [row["client_id"] for row in rows] == ["1", "2", "3"]
    assert [row["decision"] for row in rows] == ["link", "error", "link"]
    assert rows[1]["reason"].startswith("line 3: expected CSV, got a quote")


def test_numbers_and_empty_cells_of_a_data_frame_are_read(server: TestClient) -> None:
    body = f"""{{"clients": [
        {{"client_id": 1, "name": "{NAME}", "postal_code": 8381505, "phone": NaN}},
        {{"client_id": 2.0, "name": "{NAME}", "corporate_number": 5.400001123564e12}},
        {{"client_id": NaN, "name": "{NAME}", "postal_code": 600001.0, "city": null}},
        {{"client_id": true, "name": "{NAME}"}}]}}"""

    results = post(server, body, "application/json").json()["results"]

    assert [one["client_id"] for one in results] == ["1", "2.0", "2", "3"]
    assert [one["decision"] == "error" for one in results] == [False, False, False, True]


@pytest.mark.parametrize("media", ["", "application/json", "text/csv", "application/jsonlines"])
def test_info_needs_no_body(server: TestClient, media: str) -> None:
    response = server.post(
        "/invocations?mode=info",
        headers={"content-type": media, "accept": "application/json"} if media else {},
    )

    assert response.status_code == 200
    assert response.json()["info"]["companies"] == 3


def test_a_gzip_body_is_read(server: TestClient) -> None:
    body = gzip.compress(json.dumps({"clients": [{"name": NAME}]}).encode())

    response = post(server, body, "application/json", content_encoding="gzip")

    assert response.json()["results"][0]["decision"] == "link"


@pytest.mark.parametrize(
    ("body", "coding", "status", "words"),
    [
        (gzip.compress(b" " * (1 << 20) + b"{}", mtime=0), "gzip", 413, "when unpacked"),
        (gzip.compress(b"{}", mtime=0)[:-3], "gzip", 400, "expected a complete body in gzip"),
        (b"{}", "gzip", 400, "expected a complete body in gzip"),
        (b"{}", "br", 415, "Content-Encoding"),
        (gzip.compress(b"{}", mtime=0), "", 400, "Content-Encoding: gzip"),
    ],
)
def test_a_body_in_a_wrong_coding_is_refused(
    server: TestClient, body: bytes, coding: str, status: int, words: str
) -> None:
    response = post(server, body, "application/json", content_encoding=coding)

    assert response.status_code == status
    assert words in response.json()["error"]


def test_a_column_that_is_ignored_is_warned_of(server: TestClient) -> None:
    body = f"client_id,name,addres_\n1,{NAME},x\n"

    answer = post(server, body, "text/csv", accept="application/json").json()

    assert answer["warnings"] == ["unknown field 'addres_' is ignored; did you mean 'address'?"]


def test_a_client_without_candidates_has_a_row(server: TestClient) -> None:
    body = f"client_id,name\n1,{NAME}\n2,どこにもない\n3,{NAME}\n"

    response = server.post(
        "/invocations?mode=candidates", content=body, headers={"content-type": "text/csv"}
    )

    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert list(dict.fromkeys(row["client_id"] for row in rows)) == ["1", "2", "3"]
    assert [row["rank"] for row in rows if row["client_id"] == "2"] == [""]


@pytest.mark.parametrize("line_break", BREAKS)
def test_csv_with_a_header_returns_fields_as_they_are(line_break: str) -> None:
    rows = [["client_id", "name"], [f"1{line_break}", f"a{line_break}b"], ["2", "c"]]

    text = csv_text(rows)

    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == rows
    # every field with a line break is quoted, for readers that know more of them
    assert text.split("\n")[-2] == "2,c"
    assert f'"a{line_break}b"' in text


@pytest.mark.parametrize("line_break", BREAKS)
def test_csv_without_a_header_has_one_line_per_row(line_break: str) -> None:
    text = csv_lines([[f"1{line_break}", f"a{line_break}b", 0.5], ["2", 'c"', None]])

    assert text.count("\n") == 2
    assert text.endswith('2,"c""",\n')


def test_fields_without_line_breaks_are_written_as_ever() -> None:
    rows: list[list[Any]] = [["1", "a,b", 'c"d', 0.25, ""], ["", "é青", "=1", "x y", "z"]]

    assert csv_text(rows) == csv_lines(rows) == '1,"a,b","c""d",0.25,\n,é青,=1,x y,z\n'


def test_json_lines_break_nowhere_else() -> None:
    found = {"client_id": "1", "decision": "link", "company": {"name": "a\u2028\x85\u2029\r\n\0b"}}

    body, _ = encode(LinkageResponse(MODEL, [found, found]), ContentType(JSON_LINES))

    lines = body.decode().splitlines()
    assert len(lines) == 2
    assert json.loads(lines[0])["company"] == found["company"]


@pytest.mark.parametrize("media", [JSON_LINES, CSV])
def test_a_list_without_clients_is_answered_without_lines(media: str) -> None:
    body, _ = encode(LinkageResponse(MODEL, []), ContentType(media, header=False))

    assert body == b""


def test_unpaired_surrogates_stay_different_in_csv() -> None:
    results = [{"client_id": one, "decision": "no_match"} for one in ("\ud800", "\ud801")]

    body, _ = encode(LinkageResponse(MODEL, results), ContentType(CSV, header=False))

    assert [line.split(b",")[0] for line in body.splitlines()] == [b"\\ud800", b"\\ud801"]
