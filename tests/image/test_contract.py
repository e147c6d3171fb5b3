"""SageMaker's hosting contract, through boto3's own client wherever it can."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from examples import link_clients
from tests.image.callers import (
    CSV,
    JSON,
    JSON_LINES,
    ids_of,
    many_clients,
    runtime,
    sample_clients,
    send,
    sentence,
)
from tests.image.containers import Container, run_container

pytestmark = pytest.mark.image

MAX_BYTES = 6 * 1024 * 1024


def invoke(server: Container, body: bytes, **options: str) -> tuple[bytes, str]:
    """Send a body through boto3; returns answer and Content-Type."""
    named = {"ContentType": JSON, **options}
    answer = runtime(server.url).invoke_endpoint(EndpointName="linkage", Body=body, **named)
    return answer["Body"].read(), answer["ContentType"]


def as_csv(clients: list[dict[str, str]], header: bool = True) -> bytes:
    names = list(dict.fromkeys(name for client in clients for name in client))
    text = io.StringIO()
    writer = csv.writer(text)
    if header:
        writer.writerow(names)
    writer.writerows([client.get(name, "") for name in names] for client in clients)
    return text.getvalue().encode()


def test_ping_is_200_with_an_empty_body(server: Container) -> None:
    answer = send(server.url, "/ping", method="GET")

    assert (answer.status, answer.body) == (200, b"")


def test_boto3_links_a_single_client(server: Container) -> None:
    body = json.dumps({"mode": "linkage", "client": sample_clients()[0]}).encode()

    content, _ = invoke(server, body)

    (result,) = json.loads(content)["results"]
    assert result["client_id"] == sample_clients()[0]["client_id"]
    assert result["decision"] in ("link", "no_match", "review")
    assert set(result) >= {"company_id", "confidence", "reason", "company"}
    assert set(json.loads(content)["model"]) == {"name", "version"}


def test_ten_thousand_clients_in_one_call_come_back_in_their_order(server: Container) -> None:
    clients = many_clients(10_000)

    content, _ = invoke(server, json.dumps({"clients": clients}).encode())

    results = json.loads(content)["results"]
    assert ids_of(results) == [client["client_id"] for client in clients]
    assert Counter(result["decision"] for result in results)["link"] > 100


@pytest.mark.parametrize("accept", [JSON, CSV, JSON_LINES])
@pytest.mark.parametrize("sent", [JSON, CSV, JSON_LINES])
def test_all_content_types_lead_to_the_same_decisions(
    server: Container, sent: str, accept: str
) -> None:
    clients = sample_clients()[:50]
    bodies = {
        JSON: json.dumps({"clients": clients}).encode(),
        JSON_LINES: "\n".join(map(json.dumps, clients)).encode(),
        CSV: as_csv(clients),
    }

    content, media = invoke(server, bodies[sent], ContentType=sent, Accept=accept)
    truth, _ = invoke(server, bodies[JSON])

    assert media.split(";")[0] == accept
    assert decisions_in(content, accept) == decisions_in(truth, JSON)


def decisions_in(content: bytes, media: str) -> list[tuple[str, str, str]]:
    rows: list[dict[str, Any]]
    if media == JSON:
        rows = json.loads(content)["results"]
    elif media == JSON_LINES:
        rows = [json.loads(line) for line in content.decode().splitlines()]
    else:
        rows = list(csv.DictReader(io.StringIO(content.decode())))
    return [(row["client_id"], row["decision"], row["company_id"] or "") for row in rows]


def test_a_body_of_exactly_six_mebibytes_is_answered(server: Container) -> None:
    body = json.dumps({"clients": many_clients(5_000)}).encode().ljust(MAX_BYTES)

    content, _ = invoke(server, body)

    assert len(body) == MAX_BYTES
    assert len(json.loads(content)["results"]) == 5_000


def test_a_body_of_seven_megabytes_is_refused_with_a_sentence(server: Container) -> None:
    body = b'{"clients":[]}'.ljust(7_000_000)

    answer = send(server.url, body=body, content_type=JSON)
    with pytest.raises(ClientError, match="expected a body of at most 6291456 bytes") as refused:
        invoke(server, body)

    assert answer.status == 413
    assert "at most 6291456 bytes" in sentence(answer)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_more_clients_than_a_request_may_hold_are_refused_with_a_sentence(
    server: Container,
) -> None:
    body = json.dumps({"clients": [{"name": "a"}] * 105_001}).encode()

    with pytest.raises(ClientError, match="at most 105000 clients") as refused:
        invoke(server, body)

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_an_invalid_client_among_valid_ones_gets_an_error_of_its_own(server: Container) -> None:
    valid = sample_clients()[:4]
    invalid = [{"client_id": "bad", "name": True}, "nobody", {"client_id": "empty"}]

    content, _ = invoke(
        server, json.dumps({"clients": [*valid[:2], *invalid, *valid[2:]]}).encode()
    )
    only_valid, _ = invoke(server, json.dumps({"clients": valid}).encode())

    results = json.loads(content)["results"]
    assert [result["decision"] == "error" for result in results] == [False] * 2 + [True] * 3 + [
        False
    ] * 2
    assert ids_of(results[2:5]) == ["bad", "3", "empty"]
    assert "expected text in 'name'" in results[2]["error"]
    # each decision has an id of its own
    decided = [result | {"decision_id": ""} for result in results[:2] + results[5:]]
    alone = [result | {"decision_id": ""} for result in json.loads(only_valid)["results"]]
    assert decided == alone


def test_candidates_include_the_linked_company(server: Container) -> None:
    clients = sample_clients()[:50]
    linked, _ = invoke(server, json.dumps({"clients": clients}).encode())
    candidates, _ = invoke(server, json.dumps({"mode": "candidates", "clients": clients}).encode())

    pairs = list(zip(json.loads(linked)["results"], json.loads(candidates)["results"], strict=True))
    assert all(one["client_id"] == other["client_id"] for one, other in pairs)
    for one, other in pairs:
        if one["decision"] == "link":
            assert one["company_id"] in {found["company_id"] for found in other["candidates"]}


def test_info_describes_the_model_and_the_table(server: Container) -> None:
    content, _ = invoke(server, b'{"mode":"info"}')

    info = json.loads(content)["info"]
    assert info["companies"] > 19_000
    assert info["companies_from"] == "bundle"


def test_execution_parameters_are_those_of_batch_transform(server: Container) -> None:
    answer = send(server.url, "/execution-parameters", method="GET")

    assert set(answer.json) == {"MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB"}


def test_the_mode_of_csv_is_in_the_url_or_in_custom_attributes(
    server: Container,
) -> None:
    body = as_csv(sample_clients()[:3])

    by_url = send(server.url, "/invocations?mode=candidates", body, content_type=CSV)
    by_boto3, _ = invoke(server, body, ContentType=CSV, CustomAttributes="mode=candidates")

    assert by_url.body == by_boto3
    assert b"rank" in by_boto3.splitlines()[0]


def test_unknown_headers_are_ignored(server: Container) -> None:
    answer = send(
        server.url,
        body={"clients": sample_clients()[:1]},
        x_amzn_sagemaker_inference_id="one",
        x_forwarded_for="1.2.3.4",
        authorization="AWS4-HMAC-SHA256 Credential=none",
    )

    assert answer.status == 200


def test_the_example_client_links_a_list_through_the_container(
    server: Container, tmp_path: Path
) -> None:
    clients = many_clients(2_500)
    (tmp_path / "clients.csv").write_bytes(as_csv(clients))
    places = [str(tmp_path / "clients.csv"), str(tmp_path / "results.csv")]

    code = link_clients.main([*places, "--endpoint-url", server.url])

    with (tmp_path / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert code == 0
    assert ids_of(rows) == [client["client_id"] for client in clients]
    assert Counter(row["decision"] for row in rows)["link"] > 25


@pytest.fixture(scope="module")
def transform(image: str, sample_bundle: Path) -> Iterator[Container]:
    """A server as batch transform uses it: records without a header, split at lines."""
    columns = "client_id,name,city"
    with run_container(
        image, sample_bundle, SAGEMAKER_BATCH="true", LINKAGE_CSV_COLUMNS=columns
    ) as running:
        yield running


def test_records_of_batch_transform_need_no_header(transform: Container) -> None:
    clients = [
        {name: client.get(name, "") for name in ("client_id", "name", "city")}
        for client in sample_clients()[:100]
    ]

    content, media = invoke(
        transform, as_csv(clients, header=False), ContentType="text/csv; header=absent"
    )

    rows = list(csv.reader(io.StringIO(content.decode())))
    assert media.startswith(CSV)
    assert [row[0] for row in rows] == ids_of(clients)


def test_each_record_of_json_lines_gets_a_line(transform: Container) -> None:
    clients = sample_clients()[:100]
    body = "".join(f"{json.dumps(client)}\n" for client in clients).encode()

    content, _ = invoke(transform, body, ContentType=JSON_LINES)

    assert ids_of([json.loads(line) for line in content.decode().splitlines()]) == ids_of(clients)
