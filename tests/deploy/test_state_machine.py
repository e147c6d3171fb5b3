import json
from typing import Any

import boto3
import pytest

from tests.deploy.conftest import Released
from tests.deploy.emulated_aws import Emulation, client_error
from tests.deploy.releases import ENDPOINT, MAPPING, SHAS, good_answer, image, release

pytestmark = pytest.mark.slow

WRITES = (
    *("CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint"),
    *("DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel"),
)


def written(aws: Emulation) -> list[str]:
    return [name for name in aws.operations() if name in WRITES]


def output(ended: dict[str, Any]) -> dict[str, Any]:
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    found: dict[str, Any] = json.loads(ended["output"])
    return found


def running_image() -> str:
    sagemaker = boto3.client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]
    return str(sagemaker.describe_model(ModelName=config)["PrimaryContainer"]["Image"])


def test_releases_create_then_update_and_the_same_release_changes_nothing(
    aws: Emulation, run_release: Released
) -> None:
    first = output(run_release(release(SHAS[0])))
    assert first["outcome"] == "created"
    assert written(aws) == ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"]

    second = output(run_release(release(SHAS[1])))
    assert second["outcome"] == "updated"
    assert second["previous"] == first["name"]
    assert written(aws) == ["CreateModel", "CreateEndpointConfig", "UpdateEndpoint"]
    assert running_image() == image(SHAS[1])

    third = output(run_release(release(SHAS[1])))
    assert third["outcome"] == "unchanged"
    assert written(aws) == []


def test_names_contain_endpoint_and_commit_within_sagemakers_limit(
    aws: Emulation, run_release: Released
) -> None:
    name = output(run_release(release(SHAS[0])))["name"]

    assert name.startswith(f"{ENDPOINT}--{SHAS[0]}-")
    assert len(name) + len("x" * 16) - len(ENDPOINT) <= 63


def test_an_update_starts_with_one_instance_and_watches_the_alarms(
    aws: Emulation, run_release: Released
) -> None:
    run_release(release(SHAS[0]))
    run_release(release(SHAS[1]))

    update = next(call for call in aws.calls if call.operation == "UpdateEndpoint").parameters
    traffic = update["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert traffic["Type"] == "CANARY"
    assert traffic["CanarySize"] == {"Type": "INSTANCE_COUNT", "Value": 1}
    alarms = update["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert [one["AlarmName"] for one in alarms] == ["linkage-rl-errors", "linkage-rl-latency"]


@pytest.mark.slow
@pytest.mark.parametrize("scaled", ["true", "false"])
def test_an_update_keeps_the_number_of_instances_only_with_automatic_scaling(
    scaled: str, aws: Emulation, run_release: Released
) -> None:
    run_release(release(SHAS[0]), Scaled=scaled)
    run_release(release(SHAS[1]))

    update = next(call for call in aws.calls if call.operation == "UpdateEndpoint").parameters
    assert update["RetainAllVariantProperties"] is (scaled == "true")


@pytest.mark.slow
def test_a_single_instance_is_replaced_at_once(aws: Emulation, run_release: Released) -> None:
    run_release(release(SHAS[0]), InstanceCount="1")
    run_release(release(SHAS[1]))

    update = next(call for call in aws.calls if call.operation == "UpdateEndpoint").parameters
    policy = update["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"]["Type"] == "ALL_AT_ONCE"


def test_the_model_gets_the_network_the_arn_of_the_secret_and_an_image_by_digest(
    aws: Emulation, run_release: Released
) -> None:
    run_release(release(SHAS[0]))

    model = next(call for call in aws.calls if call.operation == "CreateModel").parameters
    assert model["VpcConfig"] == {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"]}
    assert model["PrimaryContainer"]["Environment"]["DB_SECRET_ARN"].startswith("arn:")
    assert "@sha256:" in model["PrimaryContainer"]["Image"]
    config = next(call for call in aws.calls if call.operation == "CreateEndpointConfig").parameters
    assert config["DataCaptureConfig"]["EnableCapture"] is True
    assert config["ProductionVariants"][0]["InstanceType"] == "ml.t2.medium"


def test_the_container_gets_the_settings_of_the_stack(
    aws: Emulation, run_release: Released
) -> None:
    run_release(release(SHAS[0]))

    model = next(call for call in aws.calls if call.operation == "CreateModel").parameters
    variables = model["PrimaryContainer"]["Environment"]
    assert json.loads(variables["LINKAGE_TABLE_MAPPING"]) == json.loads(MAPPING)
    assert variables["LINKAGE_CSV_COLUMNS"] == "client_id,name"
    assert variables["PGSSLMODE"] == "verify-full"
    assert variables["PGSSLROOTCERT"] == "/opt/ml/code/certificates/database.pem"
    assert variables["LINKAGE_DATABASE_TIMEOUT_S"] == "3"
    assert variables["LINKAGE_LOG_URL"] == "postgresql://logger@db/log"
    assert variables["LINKAGE_MAX_CLIENTS"] == "500"
    # the parameter of its own wins
    assert variables["LINKAGE_TIMEOUT_S"] == "30"


def test_a_failed_smoke_test_rolls_back(aws: Emulation, run_release: Released) -> None:
    run_release(release(SHAS[0]))
    aws.answer = lambda request: client_error("InvokeEndpoint", "ModelError", "status 500")

    ended = run_release(release(SHAS[1]))

    assert ended["status"] == "FAILED"
    assert ended["error"] == "SmokeTestFailed"
    assert "status 500" in ended["cause"]
    assert f"runs {ENDPOINT}--{SHAS[0]}" in ended["cause"]
    assert running_image() == image(SHAS[0])
    assert aws.operations().count("UpdateEndpoint") == 2


def test_a_failed_smoke_test_of_the_first_release_deletes_the_endpoint(
    aws: Emulation, run_release: Released
) -> None:
    aws.answer = lambda request: "<html>bad gateway</html>"

    ended = run_release(release(SHAS[0]))

    assert ended["error"] == "SmokeTestFailed"
    assert "the endpoint was deleted" in ended["cause"]
    assert boto3.client("sagemaker").list_endpoints()["Endpoints"] == []


def wrong_answer(kind: str) -> dict[str, Any]:
    clients = [{"client_id": "g1"}, {"client_id": "g2"}]
    answer = good_answer({"mode": "bulk_linkage", "clients": clients})
    first = answer["results"][0]
    if kind == "another company":
        first["company_id"] = "c2"
    elif kind == "another decision":
        first |= {"decision": "review", "company_id": None}
    elif kind == "an error entry":
        answer["results"][0] = {"client_id": "g1", "decision": "error", "reason": "no name"}
    elif kind == "another order":
        answer["results"].reverse()
    elif kind == "one missing":
        answer["results"].pop()
    elif kind == "stale":
        answer["stale"] = True
    elif kind == "no results":
        del answer["results"]
    return answer


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("another company", '1 of 2 golden clients got another answer, 0 tolerated: ["g1"]'),
        ("another decision", '1 of 2 golden clients got another answer, 0 tolerated: ["g1"]'),
        ("an error entry", '1 of 2 golden clients got another answer, 0 tolerated: ["g1"]'),
        ("another order", "2 of 2 golden clients got another answer"),
        ("one missing", "expected 2 results, got 1"),
        ("stale", "the container cannot reach the database"),
        ("no results", "the answer has no results"),
    ],
)
def test_every_wrong_answer_fails_the_smoke_test(
    kind: str, message: str, aws: Emulation, run_release: Released
) -> None:
    aws.answer = lambda request: wrong_answer(kind)

    ended = run_release(release(SHAS[0]))

    assert ended["error"] == "SmokeTestFailed"
    assert message in ended["cause"]


def test_a_tolerated_number_of_golden_clients_may_get_another_answer(
    aws: Emulation, run_release: Released
) -> None:
    aws.answer = lambda request: wrong_answer("another company")

    done = output(run_release(release(SHAS[0], tolerated=1)))

    assert done["outcome"] == "created"
    assert done["smoke_test"] == {"clients": 2, "wrong": ["g1"]}


@pytest.mark.parametrize(
    "operation",
    ["DescribeEndpoint", "CreateModel", "CreateEndpointConfig", "CreateEndpoint"],
)
def test_a_missing_permission_is_named_and_nothing_is_changed(
    operation: str, aws: Emulation, run_release: Released
) -> None:
    aws.denied = {operation}

    ended = run_release(release(SHAS[0]))

    assert ended["status"] == "FAILED"
    assert ended["error"] == "NothingChanged"
    assert f"not authorized to perform {operation}" in ended["cause"]
    aws.denied = set()
    assert boto3.client("sagemaker").list_endpoints()["Endpoints"] == []


def test_without_permission_to_update_the_endpoint_is_unchanged(
    aws: Emulation, run_release: Released
) -> None:
    run_release(release(SHAS[0]))
    aws.denied = {"UpdateEndpoint"}

    ended = run_release(release(SHAS[1]))

    assert "not authorized to perform UpdateEndpoint" in ended["cause"]
    assert running_image() == image(SHAS[0])


def test_a_stuck_endpoint_fails_the_release(aws: Emulation, run_release: Released) -> None:
    run_release(release(SHAS[0]))
    aws.outcomes = ["stuck"]

    ended = run_release(release(SHAS[1]))

    assert ended["error"] == "EndpointStuck"
    assert "still Updating after 4 polls" in ended["cause"]


def test_a_release_during_another_one_is_refused(aws: Emulation, run_release: Released) -> None:
    aws.outcomes = ["stuck"]
    run_release(release(SHAS[0]))

    ended = run_release(release(SHAS[1]))

    assert ended["error"] == "EndpointNotReady"
    assert "got Creating" in ended["cause"]
    assert written(aws) == []


def test_alarms_that_roll_an_update_back_are_named(aws: Emulation, run_release: Released) -> None:
    run_release(release(SHAS[0]))
    aws.outcomes = ["rolled back"]

    ended = run_release(release(SHAS[1]))

    assert ended["error"] == "AlarmRolledBack"
    assert "linkage-rl-errors" in ended["cause"]
    assert "InvokeEndpoint" not in aws.operations("sagemaker-runtime")


def test_a_container_that_does_not_start_fails_with_sagemakers_reason(
    aws: Emulation, run_release: Released
) -> None:
    aws.outcomes = ["fails"]

    ended = run_release(release(SHAS[0]))

    assert ended["error"] == "EndpointFailed"
    assert "did not pass its health check" in ended["cause"]
    assert boto3.client("sagemaker").list_endpoints()["Endpoints"] == []


@pytest.mark.slow
def test_a_failed_rollback_reports_both_causes(aws: Emulation, run_release: Released) -> None:
    run_release(release(SHAS[0]))
    aws.answer = lambda request: wrong_answer("stale")
    aws.outcomes = ["succeeds", "fails"]

    ended = run_release(release(SHAS[1]))

    assert ended["error"] == "RollbackFailed"
    assert "repair the endpoint by hand" in ended["cause"]


@pytest.mark.slow
def test_old_releases_are_deleted_and_other_endpoints_are_not(
    aws: Emulation, run_release: Released
) -> None:
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_model(ModelName="m", ExecutionRoleArn="arn:aws:iam::123456789012:role/m")
    variant = {"VariantName": "AllTraffic", "ModelName": "m", "InitialInstanceCount": 1}
    variant |= {"InstanceType": "ml.t2.medium"}
    for name in ("x-linkage-rl--1", "other"):
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    names = [output(run_release(release(sha)))["name"] for sha in SHAS]

    listed = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    assert {one["EndpointConfigName"] for one in listed} == {*names[2:], "x-linkage-rl--1", "other"}
    assert {one["ModelName"] for one in sagemaker.list_models()["Models"]} == {
        *names[2:],
        "m",
    }


@pytest.mark.slow
def test_a_model_may_be_a_bundle_in_s3_or_one_bundle_per_customer(
    aws: Emulation, run_release: Released
) -> None:
    run_release(release(SHAS[0], model="s3://artifacts/bundles/1/model.tar.gz"))
    container = next(call for call in aws.calls if call.operation == "CreateModel").parameters
    source = container["PrimaryContainer"]["ModelDataSource"]["S3DataSource"]
    assert source["CompressionType"] == "Gzip"

    many = release(SHAS[1], model="s3://artifacts/customers/", test_model="acme.tar.gz")
    assert output(run_release(many))["outcome"] == "updated"
    invoked = next(call for call in aws.calls if call.operation == "InvokeEndpoint").parameters
    assert invoked["TargetModel"] == "acme.tar.gz"


@pytest.mark.slow
def test_a_change_of_settings_is_released_although_the_commit_is_the_same(
    aws: Emulation, run_release: Released
) -> None:
    first = output(run_release(release(SHAS[0])))["name"]

    other = output(run_release(release(SHAS[0], model="s3://artifacts/bundles/2/")))

    assert other["outcome"] == "updated"
    assert other["name"] != first
