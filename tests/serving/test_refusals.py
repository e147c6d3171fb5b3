"""What the router refuses is answered, logged and counted as what an endpoint refuses."""

import json

import pytest
from starlette.testclient import TestClient

UNANSWERED = [
    ("GET", "/nowhere", "unmatched", 404, "expected a path that /openapi.json lists"),
    ("GET", "/invocations", "/invocations", 405, "expected POST for /invocations, got GET"),
    ("PUT", "/models/a", "/models/{name}", 405, "expected DELETE or GET or HEAD for /models/a"),
    ("GET", "/models/models", "/models/{name}", 404, "expected a loaded model, got 'models'"),
]
"""Method, path, path in logs and metrics, status and sentence."""


@pytest.mark.parametrize(("method", "path", "route", "status", "sentence"), UNANSWERED)
class TestEveryRefusal:
    """What the router refuses is treated as what an endpoint refuses."""

    def test_is_a_sentence_with_the_request_id(
        self, client: TestClient, method: str, path: str, route: str, status: int, sentence: str
    ) -> None:
        response = client.request(method, path, headers={"x-request-id": "r1"})

        assert response.status_code == status
        assert response.json()["error"].startswith(sentence)
        assert response.json()["request_id"] == response.headers["x-request-id"] == "r1"

    def test_is_logged_in_one_line(
        self,
        client: TestClient,
        capsys: pytest.CaptureFixture[str],
        method: str,
        path: str,
        route: str,
        status: int,
        sentence: str,
    ) -> None:
        client.request(method, f"{path}?name=planted", headers={"x-request-id": "r1"})

        (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
        logged = (line["request_id"], line["method"], line["path"], line["status"])
        assert logged == ("r1", method, route, status)
        assert line["reason"] in ("NOT_FOUND", "METHOD_NOT_ALLOWED", "UnknownModelError")
        assert "planted" not in json.dumps(line)

    def test_is_counted(
        self, client: TestClient, method: str, path: str, route: str, status: int, sentence: str
    ) -> None:
        client.request(method, path)

        metrics = client.get("/metrics").text
        assert f'linkage_requests_total{{path="{route}",status="{status}"}} 1.0' in metrics
        assert f'linkage_request_seconds_count{{path="{route}"}} 1.0' in metrics


def test_a_405_names_the_allowed_methods_in_a_fixed_order(client: TestClient) -> None:
    assert client.put("/models").headers["allow"] == "GET, HEAD, POST"
