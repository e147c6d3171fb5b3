"""Who may call what: the bearer token, and the folders from which models are loaded."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.full_disk import disk_with_room_for
from tests.serving.conftest import serving

TOKEN = "s3cret-of-the-operator"
PATHS = [
    ("POST", "/invocations"),
    ("GET", "/execution-parameters"),
    ("GET", "/models"),
    ("POST", "/models"),
    ("DELETE", "/models/default"),
    ("POST", "/models/default/invoke"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/nowhere"),
    ("GET", "/ping/"),
    ("PUT", "/invocations"),
]


@pytest.fixture(scope="module")
def guarded(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of an application that asks for a token."""
    with serving(bundle, tmp_path_factory.mktemp("guarded"), LINKAGE_TOKEN=TOKEN) as one:
        yield one


@pytest.fixture(scope="module")
def disk(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bundle below `models`, which is open to callers, and one beside it."""
    folder = tmp_path_factory.mktemp("disk")
    for name in ("models/one", "elsewhere"):
        shutil.copytree(bundle, folder / name)
    (folder / "models/link").symlink_to(folder / "elsewhere")
    (folder / "models/circle").symlink_to(folder / "models/circle")
    return folder


@pytest.fixture(scope="module")
def multi(disk: Path) -> Iterator[TestClient]:
    """A client of an application that loads models from `models` only."""
    variables = {"SAGEMAKER_MULTI_MODEL": "true", "LINKAGE_MODEL_ROOT": str(disk / "models")}
    with serving(disk / "models/one", disk / "run", **variables) as one:
        yield one


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


class TestToken:
    @pytest.mark.parametrize(("method", "path"), PATHS)
    def test_everything_but_ping_needs_it(
        self, guarded: TestClient, capsys: pytest.CaptureFixture[str], method: str, path: str
    ) -> None:
        response = guarded.request(method, path, headers={"x-request-id": "r1"})

        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json()["error"].startswith("expected the header 'Authorization: Bearer")
        assert response.json()["request_id"] == response.headers["x-request-id"] == "r1"
        assert '"status": 401' in capsys.readouterr().out

    def test_ping_stays_open(self, guarded: TestClient) -> None:
        assert guarded.get("/ping").status_code == 200

    @pytest.mark.parametrize(
        "header",
        [
            "",
            TOKEN,
            f"Basic {TOKEN}",
            "Bearer",
            "Bearer ",
            f"Bearer {TOKEN[:-1]}",
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN} {TOKEN}",
            f"Bearer {TOKEN.upper()}",
        ],
    )
    def test_another_one_is_refused(self, guarded: TestClient, header: str) -> None:
        response = guarded.get("/models", headers={"authorization": header})

        assert response.status_code == 401

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    def test_the_right_one_is_let_through(self, guarded: TestClient, scheme: str) -> None:
        headers = {"authorization": f"{scheme} {TOKEN}"}

        assert guarded.get("/models", headers=headers).status_code == 200
        assert guarded.get("/nowhere", headers=headers).status_code == 404

    def test_refused_callers_are_counted(self, guarded: TestClient) -> None:
        guarded.get("/models")

        metrics = guarded.get("/metrics", headers=bearer(TOKEN)).text

        assert 'linkage_requests_total{path="unmatched",status="401"}' in metrics

    def test_it_is_in_no_answer_and_no_line_of_the_log(
        self, guarded: TestClient, capfd: pytest.CaptureFixture[str]
    ) -> None:
        wrong = f"{TOKEN}-mistyped"
        answers = [
            guarded.get("/models", headers=bearer(token)).text for token in (TOKEN, wrong)
        ] + [guarded.post("/invocations", content=b"{", headers=bearer(TOKEN)).text]

        printed = "".join(capfd.readouterr())
        assert len(answers) == 3
        assert TOKEN not in "".join(answers) + printed

    def test_it_may_come_from_a_file_that_ends_with_a_newline(
        self, bundle: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "token").write_text(f"{TOKEN}\n")

        with serving(bundle, tmp_path, LINKAGE_TOKEN_FILE=str(tmp_path / "token")) as client:
            assert client.get("/models").status_code == 401
            assert client.get("/models", headers=bearer(TOKEN)).status_code == 200

    def test_the_openapi_document_says_what_needs_it(self, guarded: TestClient) -> None:
        document = guarded.get("/openapi.json", headers=bearer(TOKEN)).json()

        assert document["security"] == [{"token": []}]
        assert document["paths"]["/ping"]["get"]["security"] == []
        assert "401" in document["paths"]["/models/{name}"]["delete"]["responses"]

    def test_without_one_everybody_is_answered_as_on_sagemaker(self, client: TestClient) -> None:
        assert client.get("/models").status_code == 200
        assert client.get("/models", headers=bearer("any")).status_code == 200


class TestModelRoot:
    @pytest.mark.parametrize("url", ["models/one", "models/../models/one"])
    def test_a_folder_below_it_is_loaded(self, multi: TestClient, disk: Path, url: str) -> None:
        loaded = multi.post("/models", json={"model_name": "one", "url": str(disk / url)})

        assert loaded.status_code == multi.delete("/models/one").status_code == 200

    def test_relative_folders_start_at_it(self, multi: TestClient, disk: Path) -> None:
        answer = multi.post("/models", json={"model_name": "one", "url": "one"})

        assert answer.json()["modelUrl"] == str(disk / "models/one")
        assert multi.delete("/models/one").status_code == 200

    @pytest.mark.parametrize(
        "url", ["elsewhere", "models/../elsewhere", "models/link", "models/circle", "models-2", ""]
    )
    def test_others_are_refused(self, multi: TestClient, disk: Path, url: str) -> None:
        answer = multi.post("/models", json={"model_name": "x", "url": str(disk / url)})

        assert answer.status_code == 400
        root = disk / "models"
        assert answer.json()["error"].startswith(f"expected a folder below {root}, got ")
        assert multi.get("/models").json() == {"models": []}

    @pytest.mark.parametrize("url", ["/etc", "../elsewhere", "a\x00b", "/proc/self/cwd", "~"])
    def test_whatever_the_folder_is_called(self, multi: TestClient, url: str) -> None:
        answer = multi.post("/models", json={"model_name": "x", "url": url})

        assert answer.status_code == 400

    def test_the_answer_does_not_tell_whether_a_folder_exists(self, multi: TestClient) -> None:
        there, not_there = (
            multi.post("/models", json={"model_name": "x", "url": url}).json()["error"]
            for url in ("/usr/bin", "/usr/nix")
        )

        assert there.replace("/usr/bin", "/usr/nix") == not_there


def test_a_model_that_the_run_folder_has_no_room_for_is_507(
    client: TestClient, bundle: Path
) -> None:
    with disk_with_room_for(0):
        response = client.post("/models", json={"model_name": "b", "url": str(bundle)})
        linked = client.post("/invocations", json={"clients": [{"name": "㈱青空商事"}]})

    assert response.status_code == 507
    assert response.json()["error"].startswith("expected to write to the run folder, got: File too")
    assert linked.json()["results"][0]["decision"] == "link"
