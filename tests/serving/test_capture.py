"""What SageMaker's data capture keeps of the server is imported into a decision log."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from linkage_rl.bundle import load_bundle
from linkage_rl.decision_log.capture import CaptureCounts, capture_files, read_capture
from linkage_rl.decision_log.importing import Relinking, import_captured
from linkage_rl.decision_log.store import DecisionLog
from linkage_rl.errors import InputFileError
from linkage_rl.tables.writer import file_fingerprint

CLIENTS = [
    {"client_id": "k1", "name": "㈱青空商事", "city": "千代田区"},
    {},
    {"client_id": "k3", "name": "株式会社どこにもない", "postal_code": 1000001},
]
JSON = {"clients": CLIENTS}
CSV = "client_id,name,city\nk1,㈱青空商事,千代田区\n,,\nk3,株式会社どこにもない,\n"
LINES = "".join(f"{json.dumps(one)}\n" for one in CLIENTS)
Row = dict[str, Any]


def captured(
    client: TestClient, body: str, media: str, accept: str, as_base64: bool = False
) -> Row:
    """A request and its answer as SageMaker captures them."""
    headers = {"content-type": media, "accept": accept}
    answer = client.post("/invocations", content=body.encode(), headers=headers)

    def part(text: str, content_type: str) -> Row:
        data = base64.b64encode(text.encode()).decode() if as_base64 else text
        encoding = "BASE64" if as_base64 else "CSV" if "csv" in content_type else "JSON"
        return {"observedContentType": content_type, "data": data, "encoding": encoding}

    return {
        "captureData": {
            "endpointInput": {**part(body, media), "mode": "INPUT"},
            "endpointOutput": {**part(answer.text, answer.headers["content-type"])},
        },
        "eventMetadata": {
            "eventId": f"event of {len(body)} and {accept}",
            "inferenceTime": "2026-03-01T09:00:00Z",
            "customAttributes": ["customer=acme;list=2026-03"],
        },
        "eventVersion": "0",
    }


def write(folder: Path, *events: object) -> Path:
    """A file of captured requests in a folder such as SageMaker makes."""
    path = folder / "endpoint" / "2026" / "captured.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(one)}\n" for one in events), encoding="utf-8")
    return folder / "endpoint"


def imported(log: DecisionLog, folder: Path, again: Relinking | None = None) -> CaptureCounts:
    """Import a folder."""
    counts = CaptureCounts()
    import_captured(log, read_capture(capture_files(folder), counts), again)
    return counts


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (json.dumps(JSON), "application/json"),
        (LINES, "application/jsonlines"),
        (CSV, "text/csv"),
    ],
    ids=["json", "lines", "csv"],
)
@pytest.mark.parametrize("accept", ["application/json", "application/jsonlines", "text/csv"])
def test_requests_and_answers_in_every_form_become_the_same_decisions(
    client: TestClient, tmp_path: Path, body: str, media: str, accept: str
) -> None:
    folder = write(tmp_path, captured(client, body, media, accept, as_base64=media == accept))

    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        counts = imported(log, folder)
        (page,) = log.decisions()

    assert (counts.events, counts.invalid, counts.unreadable) == (1, 1, 0)
    rows = {row["client_id"]: row for row in page.rows()}
    assert set(rows) == {"k1", "k3"}
    assert (rows["k1"]["action"], rows["k1"]["company_id"]) == ("link", "c1")
    assert rows["k3"]["action"] == "no_match"
    assert json.loads(rows["k1"]["client"])["name"] == "㈱青空商事"
    assert (rows["k1"]["customer"], rows["k1"]["list_id"]) == ("acme", "2026-03")
    assert rows["k1"]["decided_at"] == "2026-03-01T09:00:00.000Z"
    assert rows["k1"]["source"] == "import"
    assert rows["k1"]["evidence"] == b""


@pytest.fixture
def again(bundle: Path) -> Relinking:
    """Links with the bundle that answered."""
    return Relinking(load_bundle(bundle), file_fingerprint(bundle / "manifest.json"), "state")


def test_with_the_bundle_they_can_be_learned_from_and_keep_what_was_answered(
    client: TestClient, tmp_path: Path, again: Relinking
) -> None:
    event = captured(client, json.dumps(JSON), "application/json", "application/json")
    answer = json.loads(event["captureData"]["endpointOutput"]["data"])
    answer["results"][0] |= {"decision": "no_match", "company_id": None, "confidence": 0.25}
    event["captureData"]["endpointOutput"]["data"] = json.dumps(answer)
    folder = write(tmp_path, event)

    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        counts = imported(log, folder, again)
        (page,) = log.decisions()

    row = next(row for row in page.rows() if row["client_id"] == "k1")
    assert (row["action"], row["company_id"], row["confidence"]) == ("no_match", "", 0.25)
    assert row["greedy_action"] == "link"
    assert json.loads(row["shown"])[0][0] == "c1"
    assert row["evidence"]
    assert row["features"]
    assert list(counts.versions) == [row["bundle"][:12]]


def test_what_is_imported_again_is_not_logged_twice(client: TestClient, tmp_path: Path) -> None:
    folder = write(tmp_path, captured(client, CSV, "text/csv", "text/csv"))

    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        imported(log, folder)
        imported(log, folder)

        assert log.count() == 2


def broken(change: Callable[[Row], object]) -> Callable[[Row], Row]:
    """A captured request of which something is wrong."""

    def changed(event: Row) -> Row:
        change(event["captureData"])
        return event

    return changed


@pytest.mark.parametrize(
    "damage",
    [
        broken(lambda data: data["endpointInput"].update(data="{")),
        broken(
            lambda data: data["endpointInput"].update(data="k1,a", observedContentType="text/csv")
        ),
        broken(lambda data: data["endpointOutput"].update(data="!", encoding="BASE64")),
        broken(lambda data: data["endpointInput"].update(data='{"clients": [{}]}')),
        broken(lambda data: data.pop("endpointInput")),
    ],
)
def test_a_request_that_cannot_be_read_is_counted_and_the_others_are_read(
    client: TestClient, tmp_path: Path, damage: Callable[[Row], Row]
) -> None:
    event = captured(client, json.dumps(JSON), "application/json", "application/json")
    folder = write(tmp_path, damage(json.loads(json.dumps(event))), event)

    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        counts = imported(log, folder)

        assert log.count() == 2
    assert (counts.events, counts.unreadable, len(counts.faults)) == (2, 1, 1)


def test_requests_without_decisions_are_counted(client: TestClient, tmp_path: Path) -> None:
    asked = json.dumps({"mode": "candidates", "clients": CLIENTS[:1]})
    events = [
        captured(client, asked, "application/json", "application/json"),
        captured(client, '{"mode": "info"}', "application/json", "application/json"),
        {"captureData": {"endpointInput": {}}, "eventMetadata": {}},
    ]

    with DecisionLog.open(str(tmp_path / "log.db")) as log:
        counts = imported(log, write(tmp_path, *events))

        assert log.count() == 0
    assert (counts.without_decisions, counts.unreadable) == (3, 0)


def test_another_file_is_no_capture(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"expected in .* line 1 a captured request"):
        list(read_capture(capture_files(write(tmp_path, {"name": "a"})), CaptureCounts()))
    with pytest.raises(InputFileError, match="without any; copy them with aws s3 sync"):
        capture_files(tmp_path / "nothing")
