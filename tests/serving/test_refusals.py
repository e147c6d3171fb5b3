"""What the router refuses is answered, logged and counted as what an endpoint refuses."""

import json

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

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


@pytest.mark.parametrize(("path", "status"), [("/nope", 404), ("/invocations", 405)])
def test_a_host_header_that_is_no_host_does_not_show_the_socket(
    client: TestClient, path: str, status: int
) -> None:
    async def through_socket(scope: Scope, receive: Receive, send: Send) -> None:
        await client.app({**scope, "server": ("/run/worker-1.sock", None)}, receive, send)

    response = TestClient(through_socket).get(path, headers={"host": "a]"})

    assert response.status_code == status
    assert path in response.json()["error"]
    assert "worker-1.sock" not in response.text
