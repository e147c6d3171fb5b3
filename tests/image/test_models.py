"""The multi-model contract: bundles are loaded and unloaded while the server answers."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from botocore.exceptions import ClientError

from linkage_rl.bundle import golden_answers, load_bundle, read_golden, read_settings, write_bundle
from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.candidates.storage import save_index
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.decide import Thresholds
from linkage_rl.records import DecisionKind, RecordBatch
from linkage_rl.tables.sample import SampleConfig, generate_companies
from tests.image.callers import runtime, sample_clients, send, sentence
from tests.image.containers import Container, run_container
from tests.image.processes import proportional_mb
from tests.serving.http_client import HttpResponse

pytestmark = pytest.mark.image

HUNDRED = sample_clients()[:100]


def write_customer(folder: Path, sample: Path, link_from: float, index: Path) -> None:
    """Write a bundle with the sample's policy, a threshold of its own, and an index."""
    settings = replace(read_settings(sample), thresholds=Thresholds(link=link_from))
    calibration = Calibration.from_json((sample / "calibration.json").read_text(encoding="utf-8"))
    parts = (sample / "policy.onnx", calibration, settings)
    known = read_golden(sample)
    names = sorted({name for client in known for name in client.fields})
    records = RecordBatch(
        [client.client_id for client in known],
        {name: [client.fields.get(name, "") for client in known] for name in names},
    )
    write_bundle(folder, *parts, [], index)
    write_bundle(folder, *parts, golden_answers(load_bundle(folder), records), index)


def median_confidence(bundle: Path) -> float:
    """Median confidence of the links among `HUNDRED`."""
    names = sorted({name for client in HUNDRED for name in client if name != "client_id"})
    linked = load_bundle(bundle).link(
        RecordBatch(
            [client["client_id"] for client in HUNDRED],
            {name: [client.get(name, "") for client in HUNDRED] for name in names},
        )
    )
    return float(np.median(linked.confidence[linked.kind == DecisionKind.LINK]))


@pytest.fixture(scope="module")
def customers(sample_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`eager` links all that the policy links, `careful` only the more confident half.

    `elsewhere` has another company table.
    """
    folder = tmp_path_factory.mktemp("customers")
    # the user of the image enters it
    folder.chmod(0o755)
    write_customer(folder / "eager", sample_bundle, 0.0, sample_bundle / "index")
    median = median_confidence(folder / "eager")
    write_customer(folder / "careful", sample_bundle, median, sample_bundle / "index")
    elsewhere = generate_companies(SampleConfig(seed=1, companies=4_000))
    save_index(CompanyIndex.build(elsewhere), folder / "index")
    write_customer(folder / "elsewhere", sample_bundle, 0.5, folder / "index")
    shutil.copytree(folder / "eager", folder / "damaged")
    (folder / "damaged" / "policy.onnx").write_bytes(b"no graph")
    return folder


@pytest.fixture(scope="module")
def endpoint(image: str, customers: Path) -> Iterator[Container]:
    with run_container(image, customers, SAGEMAKER_MULTI_MODEL="true") as running:
        yield running


@pytest.fixture
def server(endpoint: Container) -> Iterator[Container]:
    """The shared server, without a model at the start of each test."""
    yield endpoint
    for model in send(endpoint.url, "/models", method="GET").json["models"]:
        send(endpoint.url, f"/models/{model['modelName']}", method="DELETE")


def load(server: Container, name: str, folder: str = "") -> HttpResponse:
    return send(
        server.url, "/models", {"model_name": name, "url": f"/opt/ml/model/{folder or name}"}
    )


def links(server: Container, model: str) -> int:
    """How many of a hundred clients a model links, the same in twenty requests to all workers."""
    body = json.dumps({"clients": HUNDRED}).encode()
    counts: set[int] = set()
    for _ in range(20):
        answer = runtime(server.url).invoke_endpoint(
            EndpointName="linkage", TargetModel=model, Body=body, ContentType="application/json"
        )
        content = json.loads(answer["Body"].read())
        assert content["model"]["name"] == model
        counts.add(sum(result["decision"] == "link" for result in content["results"]))
    assert len(counts) == 1
    return counts.pop()


def test_a_server_without_a_model_is_healthy_and_empty(server: Container) -> None:
    assert send(server.url, "/ping", method="GET").status == 200
    assert send(server.url, "/models", method="GET").json == {"models": []}
    assert send(server.url, "/models/eager", method="GET").status == 404
    assert send(server.url, "/models/eager/invoke", {"clients": []}).status == 404


def test_a_model_is_loaded_once_listed_described_and_unloaded(server: Container) -> None:
    first, second = load(server, "eager"), load(server, "eager")
    listed = send(server.url, "/models", method="GET").json["models"]
    described = send(server.url, "/models/eager", method="GET").json
    invoked = send(server.url, "/models/eager/invoke", {"clients": sample_clients()[:2]})
    unloaded = send(server.url, "/models/eager", method="DELETE")
    again = send(server.url, "/models/eager", method="DELETE")

    assert (first.status, second.status) == (200, 409)
    assert "unload it with DELETE" in sentence(second)
    assert [model["modelName"] for model in listed] == ["eager"]
    assert described["modelName"] == "eager"
    assert described["modelUrl"] == "/opt/ml/model/eager"
    assert [one["client_id"] for one in invoked.json["results"]] == [
        client["client_id"] for client in sample_clients()[:2]
    ]
    assert (unloaded.status, again.status) == (200, 404)


def test_two_customers_get_different_decisions_on_the_same_table(server: Container) -> None:
    load(server, "eager")
    load(server, "careful")

    assert 0 < links(server, "careful") < links(server, "eager") <= 100


def test_no_worker_answers_for_an_unloaded_model(server: Container) -> None:
    load(server, "eager")
    links(server, "eager")
    send(server.url, "/models/eager", method="DELETE")

    for _ in range(20):
        with pytest.raises(ClientError, match="expected a loaded model, got 'eager'") as refused:
            runtime(server.url).invoke_endpoint(
                EndpointName="linkage", TargetModel="eager", Body=b'{"clients":[]}'
            )
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_name_may_be_loaded_again_with_another_bundle(server: Container) -> None:
    load(server, "shop", "eager")
    eager = links(server, "shop")
    send(server.url, "/models/shop", method="DELETE")
    load(server, "shop", "careful")

    assert links(server, "shop") < eager


def test_a_damaged_bundle_is_refused_with_its_reason(server: Container) -> None:
    answer = load(server, "damaged")

    assert answer.status == 400
    assert "policy.onnx is missing or damaged" in sentence(answer)
    assert send(server.url, "/models", method="GET").json == {"models": []}


def test_models_of_one_table_share_its_memory(server: Container, customers: Path) -> None:
    load(server, "eager")
    links(server, "eager")
    before = proportional_mb(server)
    for number in range(4):
        load(server, f"careful-{number}", "careful")
        links(server, f"careful-{number}")
    after = proportional_mb(server)

    # two workers have four more policies, but no further index
    assert after - before < 2 * _index_mb(customers / "eager")


def test_a_model_beyond_the_memory_limit_gets_507(image: str, customers: Path) -> None:
    """Two customers share an index, beside which that of another table does not fit."""
    limit = round(_index_mb(customers / "eager")) + 3
    with run_container(
        image, customers, SAGEMAKER_MULTI_MODEL="true", LINKAGE_MODEL_MEMORY_MB=str(limit)
    ) as server:
        loaded = [load(server, name).status for name in ("eager", "careful")]
        refused = load(server, "elsewhere")
        served = links(server, "careful")
        for name in ("careful", "eager"):
            send(server.url, f"/models/{name}", method="DELETE")
        fits = load(server, "elsewhere")

    assert loaded == [200, 200]
    assert refused.status == 507
    assert "'eager' was used least recently" in sentence(refused)
    assert served > 0
    assert fits.status == 200


def _index_mb(bundle: Path) -> float:
    return sum(path.stat().st_size for path in (bundle / "index").rglob("*")) / (1 << 20)
