import json
from typing import Any

import boto3
import pytest

from linkage_rl.deploying.release import METRIC_DEFINITIONS
from tests.deploy.conftest import Released
from tests.deploy.emulated_aws import Emulation
from tests.deploy.releases import BUCKET, ENDPOINT, EVALUATION, SHAS, put_json, release, training


def put_metrics(sha: str, run: str, score: object) -> None:
    prefix = f"training/{ENDPOINT}--{sha}-{run}/output/model"
    figures = {"valid": {"expected_reward": 1.0}, "test": {"expected_reward": score}}
    put_json(f"{prefix}/metrics.json", {"figures": {"system": "agent", **figures}})


def outcome(ended: dict[str, Any]) -> dict[str, Any]:
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    found: dict[str, Any] = json.loads(ended["output"])
    return found


def test_a_new_model_is_released_only_when_it_beats_the_running_one(
    aws: Emulation, run_release: Released
) -> None:
    for run, score in (("1", 0.60), ("2", 0.59), ("3", 0.61)):
        put_metrics(SHAS[0], run, score)

    first = outcome(run_release(release(train=training("1", baseline=0.5))))
    assert first["outcome"] == "created"
    job = next(call for call in aws.calls if call.operation == "CreateTrainingJob").parameters
    definitions = json.loads(METRIC_DEFINITIONS.read_text(encoding="utf-8"))
    assert job["AlgorithmSpecification"]["MetricDefinitions"] == definitions
    assert job["HyperParameters"] == {"seed": "1"}
    assert [one["ChannelName"] for one in job["InputDataConfig"]] == ["train", "evaluation"]
    assert job["OutputDataConfig"]["CompressionType"] == "NONE"
    model = next(call for call in aws.calls if call.operation == "CreateModel").parameters
    source = model["PrimaryContainer"]["ModelDataSource"]["S3DataSource"]
    assert source["S3Uri"] == f"s3://{BUCKET}/training/{ENDPOINT}--{SHAS[0]}-1/output/model/"

    worse = outcome(run_release(release(train=training("2"))))
    assert (worse["outcome"], worse["score"], worse["running_score"]) == ("kept", 0.59, 0.60)
    assert "UpdateEndpoint" not in aws.operations()

    better = outcome(run_release(release(train=training("3"))))
    assert better["outcome"] == "updated"
    record = boto3.client("s3").get_object(Bucket=BUCKET, Key=f"running/{ENDPOINT}.json")
    assert json.loads(record["Body"].read()) == {
        "config": better["name"],
        "evaluation": EVALUATION,
        "score": 0.61,
    }


@pytest.mark.slow
def test_an_equal_model_is_not_released(aws: Emulation, run_release: Released) -> None:
    put_metrics(SHAS[0], "1", 0.5)

    assert outcome(run_release(release(train=training("1", baseline=0.5))))["outcome"] == "kept"


def test_without_a_score_to_compare_nothing_is_released(
    aws: Emulation, run_release: Released
) -> None:
    run_release(release(SHAS[0]))
    put_metrics(SHAS[1], "1", 0.9)

    ended = run_release(release(SHAS[1], train=training("1")))

    assert ended["error"] == "NothingToCompare"
    assert "give its score there as baseline" in ended["cause"]


@pytest.mark.slow
def test_a_score_of_another_release_or_evaluation_channel_does_not_count(
    aws: Emulation, run_release: Released
) -> None:
    run_release(release(SHAS[0]))
    put_metrics(SHAS[1], "1", 0.9)
    put_json(
        f"running/{ENDPOINT}.json", {"config": "older", "evaluation": EVALUATION, "score": 0.1}
    )

    ended = run_release(release(SHAS[1], train=training("1")))

    assert ended["error"] == "NothingToCompare"


@pytest.mark.parametrize("score", [None, "0.9"])
def test_a_model_without_a_score_is_not_released(
    score: object, aws: Emulation, run_release: Released
) -> None:
    put_metrics(SHAS[0], "1", score)

    ended = run_release(release(train=training("1", baseline=0.0)))

    assert ended["error"] == "NoScore"
    assert "no number figures.test.expected_reward" in ended["cause"]


def test_a_model_without_metrics_is_not_released(aws: Emulation, run_release: Released) -> None:
    ended = run_release(release(train=training("1", baseline=0.0)))

    assert ended["error"] == "NoScore"
    assert "endpoint linkage-rl was not changed" in ended["cause"]


def test_a_failed_job_is_reported_with_the_programs_reason(
    aws: Emulation, run_release: Released
) -> None:
    aws.trainings[f"{ENDPOINT}--{SHAS[0]}-1"] = ["InProgress", "Failed"]

    ended = run_release(release(train=training("1", baseline=0.0)))

    assert ended["error"] == "TrainingFailed"
    assert "lr: expected a number" in ended["cause"]


def test_without_permission_to_train_nothing_is_changed(
    aws: Emulation, run_release: Released
) -> None:
    aws.denied = {"CreateTrainingJob"}

    ended = run_release(release(train=training("1")))

    assert "not authorized to perform CreateTrainingJob" in ended["cause"]
