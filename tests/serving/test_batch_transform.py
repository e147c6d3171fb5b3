"""What batch transform is advised to send keeps within the limits of a request."""

from pathlib import Path

import pytest

from serving.batch_transform import execution_parameters
from serving.settings import BATCH_TIMEOUT_S, TIMEOUT_S, WorkerSettings
from tests.serving.conftest import serving

CSV = {"content-type": "text/csv; header=absent"}


def test_a_request_filled_up_to_the_advised_payload_is_answered(
    bundle: Path, tmp_path: Path
) -> None:
    with serving(bundle, tmp_path, LINKAGE_CSV_COLUMNS="client_id,name") as client:
        advised = client.get("/execution-parameters").json()
        limit, line = advised["MaxPayloadInMB"] << 20, "{},株式会社どこにもない有限会社\n".encode()
        lines = [line.replace(b"{}", b"%06d" % number) for number in range(limit // 40)]
        body = b"".join(lines)[:limit].rpartition(b"\n")[0] + b"\n"
        response = client.post("/invocations", content=body, headers=CSV)

    assert advised["BatchStrategy"] == "MULTI_RECORD"
    assert response.status_code == 200
    assert response.text.count("\n") == body.count(b"\n")


@pytest.mark.parametrize(
    ("max_clients", "max_payload_mb", "strategy", "megabytes"),
    [
        (105_000, 6, "MULTI_RECORD", 1),
        (1_000_000, 6, "MULTI_RECORD", 6),
        (1_000_000, 100, "MULTI_RECORD", 9),
        (20_000, 6, "SINGLE_RECORD", 1),
    ],
)
def test_the_advice_follows_the_limits(
    max_clients: int, max_payload_mb: int, strategy: str, megabytes: int
) -> None:
    settings = WorkerSettings(max_clients=max_clients, max_payload_mb=max_payload_mb)

    advised = execution_parameters(settings)

    assert (advised["BatchStrategy"], advised["MaxPayloadInMB"]) == (strategy, megabytes)


@pytest.mark.parametrize(
    ("environ", "timeout_s"),
    [
        ({}, TIMEOUT_S),
        ({"SAGEMAKER_BATCH": "true"}, BATCH_TIMEOUT_S),
        ({"SAGEMAKER_BATCH": "true", "LINKAGE_TIMEOUT_S": "3600"}, 3600.0),
        ({"LINKAGE_TIMEOUT_S": "900"}, 900.0),
    ],
)
def test_a_batch_transform_waits_longer_than_a_real_time_caller(
    environ: dict[str, str], timeout_s: float
) -> None:
    settings = WorkerSettings.from_environ(environ)

    assert settings.timeout_s == timeout_s
    assert 0.9 * timeout_s <= settings.give_up_s < timeout_s
