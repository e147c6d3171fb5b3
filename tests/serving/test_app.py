"""The application over HTTP: answers, errors, logs and metrics."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from linkage_rl.decision.decide import Thresholds
from tests.commands.shop import write_shop_bundle
from tests.serving.conftest import serving

AOZORA = {"client_id": "k1", "name": "㈱青空商事", "city": "千代田区"}
NOWHERE = {"client_id": "k3", "name": "株式会社どこにもない"}


def post(client: TestClient, path: str = "/invocations", **content: Any) -> Any:
    response = client.post(path, json=content)
    assert response.status_code == 200, response.text
    return response.json()


def test_ping_answers_with_an_empty_body_when_the_model_is_loaded(client: TestClient) -> None:
    response = client.get("/ping")

    assert (response.status_code, response.content) == (200, b"")


def test_each_client_gets_its_result_in_order_with_the_companys_fields(client: TestClient) -> None:
    answer = post(client, mode="bulk_linkage", clients=[NOWHERE, AOZORA])

    first, second = answer["results"]
    assert (first["client_id"], first["decision"], first["company_id"]) == ("k3", "no_match", None)
    assert first["company"] is None
    assert (second["client_id"], second["decision"], second["company_id"]) == ("k1", "link", "c1")
    assert second["company"]["street"] == "丸の内1-1"
    assert 0 <= second["confidence"] <= 1
    assert "same city" in second["reason"]
    assert "core" in second["blockers"]
    assert answer["model"]["name"] == "default"
    assert len(answer["model"]["version"]) == 12
    assert answer["stale"] is False


def test_an_invalid_client_gets_an_error_of_its_own(client: TestClient) -> None:
    answer = post(
        client, clients=[AOZORA, {"client_id": "x", "name": [5]}, "no object", {}, NOWHERE]
    )

    decisions = [result["decision"] for result in answer["results"]]
    assert decisions == ["link", "error", "error", "error", "no_match"]
    assert answer["results"][1] == {
        "client_id": "x",
        "decision": "error",
        "error": "expected text in 'name', got a list",
    }


def test_a_single_client_needs_no_list(client: TestClient) -> None:
    response = client.post("/invocations", json={"mode": "linkage", "client": AOZORA})

    assert response.json()["results"][0]["company_id"] == "c1"


def test_candidates_are_shown_best_first_whether_linked_or_not(client: TestClient) -> None:
    client_of_many = {"client_id": "k", "name": "青空商事", "phone": "06-6345-0003"}

    (result,) = post(client, mode="candidates", clients=[client_of_many])["results"]

    assert [one["company_id"] for one in result["candidates"]] == ["c1", "c3"]
    assert result["candidates"][0]["share"] > result["candidates"][1]["share"]
    assert result["candidates"][1]["company"]["name"] == "合同会社はるか"


def test_info_describes_the_model_and_the_table(client: TestClient) -> None:
    info = post(client, mode="info")["info"]

    assert info["companies"] == 3
    assert info["origin"]["agent"] == "same name"
    assert info["companies_from"] == "bundle"
    assert info["blocker_costs"]["ngram"] > 0


def test_an_unknown_field_is_named_with_the_most_similar_known_one(client: TestClient) -> None:
    answer = post(client, clients=[{"name": "㈱青空商事", "addres_": "千代田区丸の内1-1"}])

    assert answer["warnings"] == ["unknown field 'addres_' is ignored; did you mean 'address'?"]
    assert answer["results"][0]["company_id"] == "c1"


def test_csv_comes_back_as_csv(client: TestClient) -> None:
    body = "client_id,name,担当\nk1,㈱青空商事,佐藤\nk3,株式会社どこにもない,\n"

    response = client.post("/invocations", content=body, headers={"content-type": "text/csv"})

    header, first, second = response.text.splitlines()
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert header.startswith("client_id,decision,company_id,confidence,company_name,")
    assert first.startswith("k1,link,c1,")
    assert second.startswith("k3,no_match,,")


def test_json_lines_without_a_header_answer_line_by_line(client: TestClient) -> None:
    body = json.dumps(NOWHERE) + "\n{broken\n" + json.dumps(AOZORA) + "\n"

    response = client.post(
        "/invocations", content=body, headers={"content-type": "application/jsonlines"}
    )

    lines = [json.loads(line) for line in response.text.splitlines()]
    assert [line["decision"] for line in lines] == ["no_match", "error", "link"]
    assert all(line["model"]["name"] == "default" for line in lines)


def test_the_accept_header_chooses_the_content_type(client: TestClient) -> None:
    headers = {"accept": "text/csv"}

    response = client.post("/invocations", json={"clients": [AOZORA]}, headers=headers)

    assert response.text.splitlines()[1].startswith("k1,link,c1,")


def test_columns_of_csv_without_a_header_come_from_the_environment(
    bundle: Path, tmp_path: Path
) -> None:
    with serving(bundle, tmp_path, LINKAGE_CSV_COLUMNS="client_id,name") as client:
        headers = {"content-type": "text/csv; header=absent"}
        response = client.post("/invocations", content="k1,㈱青空商事\n", headers=headers)

    assert response.text.startswith("k1,link,c1,")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "words"),
    [
        (b"{", "application/json", 400, "expected JSON, got an error at line 1"),
        (b"[]", "application/json", 400, "expected an object"),
        (b"[" * 100_000, "application/json", 400, "expected JSON"),
        (b'{"clients": ' + b"9" * 5000 + b"}", "application/json", 400, "a list in 'clients'"),
        (b'{"clients": 1}', "application/json", 400, "expects a list in 'clients'"),
        (b'{"mode": "merge", "clients": []}', "application/json", 400, "'bulk_linkage'"),
        (b'{"mode": "linkage", "clients": []}', "application/json", 400, "one client, got 0"),
        (b"\xff\xfe", "application/json", 400, "got other bytes at position 0"),
        (b"x,y\n1,2\n", "text/csv", 400, "columns among"),
        (b"<a/>", "text/xml", 415, "expected a Content-Type"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_in_one_sentence(
    client: TestClient, body: bytes, content_type: str, status: int, words: str
) -> None:
    response = client.post("/invocations", content=body, headers={"content-type": content_type})

    assert response.status_code == status
    assert words in response.json()["error"]
    assert response.json()["request_id"] == response.headers["x-request-id"]


def test_a_content_type_that_cannot_be_written_is_not_acceptable(client: TestClient) -> None:
    headers = {"accept": "image/png"}

    assert client.post("/invocations", json={"clients": []}, headers=headers).status_code == 406


def test_a_body_over_the_limit_is_refused_with_a_remedy(bundle: Path, tmp_path: Path) -> None:
    with serving(bundle, tmp_path, SAGEMAKER_MAX_PAYLOAD_IN_MB="1") as client:
        response = client.post("/invocations", content=b" " * (1 << 20) + b"{}")

    assert response.status_code == 413
    assert "split the list" in response.json()["error"]


def test_more_clients_than_allowed_are_refused(bundle: Path, tmp_path: Path) -> None:
    with serving(bundle, tmp_path, LINKAGE_MAX_CLIENTS="2") as client:
        response = client.post("/invocations", json={"clients": [AOZORA] * 3})

    assert response.status_code == 413
    assert "at most 2 clients" in response.json()["error"]


def test_a_successful_ping_is_counted_but_not_logged(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    response = client.get("/ping")

    assert capsys.readouterr().out == ""
    assert len(response.headers["x-request-id"]) == 32
    assert 'linkage_requests_total{path="/ping",status="200"} 1.0' in client.get("/metrics").text


def test_unpaired_surrogates_and_nul_characters_are_answered(client: TestClient) -> None:
    body = b'{"clients": [{"client_id": "\\ud800", "name": "\\u0000\\ud83d"}, {"name": "x"}]}'
    headers = {"content-type": "application/json"}

    response = client.post("/invocations", content=body, headers=headers)

    assert [result["decision"] for result in response.json()["results"]] == ["no_match"] * 2
    assert response.json()["results"][0]["client_id"] == "\ud800"


def test_a_request_is_logged_in_one_line_without_the_clients_fields(
    client: TestClient, capfd: pytest.CaptureFixture[str]
) -> None:
    headers = {"x-request-id": "req-1"}

    client.post("/invocations", json={"clients": [AOZORA, NOWHERE, {}]}, headers=headers)

    (line,) = [line for line in capfd.readouterr().out.splitlines() if "req-1" in line]
    logged = json.loads(line)
    assert logged["decisions"] == {"link": 1, "no_match": 1, "error": 1}
    assert logged["clients"] == 3
    assert logged["linkage_rate"] == pytest.approx(1 / 3, abs=1e-4)
    assert "青空" not in line
    assert "k1" not in line


def test_log_lines_are_cloudwatch_metrics_where_asked_for(
    bundle: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(bundle, tmp_path, LINKAGE_LOG_EMF="true") as client:
        post(client, clients=[AOZORA])

    logged = json.loads(capfd.readouterr().out.splitlines()[-1])
    (directive,) = logged["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "linkage_rl"
    assert all(metric["Name"] in logged for metric in directive["Metrics"])


def test_prometheus_gets_requests_decisions_blockers_and_the_linkage_rate(
    client: TestClient,
) -> None:
    post(client, clients=[AOZORA, NOWHERE])

    text = client.get("/metrics").text

    assert 'linkage_requests_total{path="/invocations",status="200"} 1.0' in text
    assert 'linkage_decisions_total{decision="link",model="default"} 1.0' in text
    assert 'linkage_blockers_run_total{blocker="ngram",model="default"} 2.0' in text
    assert 'linkage_rate{model="default"} 0.5' in text
    assert 'linkage_request_seconds_count{path="/invocations"} 1.0' in text


def test_two_customers_have_their_own_thresholds_on_one_table(tmp_path: Path) -> None:
    eager = write_shop_bundle(tmp_path / "eager", Thresholds(link=0.0))
    careful = write_shop_bundle(tmp_path / "careful", Thresholds(link=1.0))
    variables = {"SAGEMAKER_MULTI_MODEL": "true", "LINKAGE_MODEL_ROOT": str(tmp_path)}
    with serving(eager, tmp_path, **variables) as client:
        assert client.get("/ping").status_code == 200
        for name, folder in (("eager", eager), ("careful", careful)):
            post(client, "/models", model_name=name, url=str(folder))

        eager_answer = post(client, "/models/eager/invoke", clients=[AOZORA])
        careful_answer = post(client, "/models/careful/invoke", clients=[AOZORA])

    assert eager_answer["results"][0]["decision"] == "link"
    assert careful_answer["results"][0]["decision"] == "no_match"
    assert eager_answer["model"]["name"] == "eager"
    assert eager_answer["model"]["version"] != careful_answer["model"]["version"]


def test_models_are_loaded_listed_described_and_unloaded(bundle: Path, tmp_path: Path) -> None:
    with serving(bundle, tmp_path, SAGEMAKER_MULTI_MODEL="true") as client:
        loading = {"model_name": "one", "url": str(bundle)}
        post(client, "/models", **loading)

        assert client.post("/models", json=loading).status_code == 409
        assert [one["modelName"] for one in client.get("/models").json()["models"]] == ["one"]
        assert client.get("/models/one").json()["modelUrl"] == str(bundle)
        target = {"x-amzn-sagemaker-target-model": "one"}
        by_header = client.post("/invocations", json={"clients": [AOZORA]}, headers=target)
        assert by_header.json()["model"]["name"] == "one"
        assert client.delete("/models/one").status_code == 200
        assert client.get("/models/one").status_code == 404
        assert client.delete("/models/one").status_code == 404
        assert client.post("/models/one/invoke", json={"clients": []}).status_code == 404
        assert client.post("/models", json=loading).status_code == 200


@pytest.mark.parametrize(
    ("loading", "words"),
    [
        ({"model_name": "a b", "url": "x"}, "expected a model name"),
        ({"model_name": "a"}, "expected {"),
        ({"model_name": "a", "url": "nowhere"}, "found no manifest.json"),
    ],
)
def test_a_model_that_cannot_be_loaded_is_refused(
    bundle: Path, tmp_path: Path, loading: dict[str, str], words: str
) -> None:
    with serving(bundle, tmp_path, SAGEMAKER_MULTI_MODEL="true") as client:
        response = client.post("/models", json=loading)

    assert response.status_code == 400
    assert words in response.json()["error"]


def test_every_path_of_the_openapi_document_answers_as_documented(client: TestClient) -> None:
    document = client.get("/openapi.json").json()

    for path, operations in document["paths"].items():
        for method in set(operations) & {"get", "post", "delete"}:
            response = client.request(method, path.replace("{name}", "default"))
            assert str(response.status_code) in operations[method]["responses"], (method, path)
