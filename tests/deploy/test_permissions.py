"""Each role allows the calls that its service makes, and no others.

The calls of the state machine are read from its tasks. Those of SageMaker, CodeBuild and
CodePipeline are listed in their documentation: "How to use SageMaker AI execution roles",
"CodeBuild service role", "CodePipeline service role", and "Logging to CloudWatch Logs" of Step
Functions.
"""

from typing import Final

import pytest

from tests.deploy.asl import Task, tasks
from tests.deploy.policies import ARN, KNOWN, roles
from tests.deploy.releases import BUCKET, ENDPOINT

Need = tuple[str, str, dict[str, str]]

NAME: Final = f"{ENDPOINT}--abc-0123"
BUCKET_ARN: Final = f"arn:aws:s3:::{BUCKET}"
REPOSITORY: Final = KNOWN["Repository.Arn"]

WITHOUT_RESOURCE: Final = {
    "cloudwatch:PutMetricData",
    *(f"ec2:Describe{what}" for what in ("DhcpOptions", "NetworkInterfaces", "SecurityGroups")),
    *("ec2:DescribeSubnets", "ec2:DescribeVpcs", "ecr:GetAuthorizationToken"),
    *(f"logs:{verb}LogDelivery" for verb in ("Create", "Delete", "Get", "Update")),
    *("logs:ListLogDeliveries", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies"),
    *("logs:PutResourcePolicy", "sagemaker:ListEndpointConfigs"),
}
"""Actions for which the Service Authorization Reference lists no applicable resource type."""

PULL: Final[list[Need]] = [
    ("ecr:GetAuthorizationToken", "*", {}),
    *(
        (f"ecr:{action}", REPOSITORY, {})
        for action in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
    ),
]


def in_bucket(action: str, *keys: str) -> list[Need]:
    return [(f"s3:{action}", f"{BUCKET_ARN}/{key}", {}) for key in keys]


def listing(*prefixes: str) -> list[Need]:
    return [("s3:ListBucket", BUCKET_ARN, {"s3:prefix": prefix}) for prefix in prefixes]


def logging_to(group: str, stream: str) -> list[Need]:
    start = f"arn:aws:logs:{ARN}:log-group:{group}"
    return [
        ("logs:CreateLogGroup", start, {}),
        ("logs:DescribeLogStreams", start, {}),
        ("logs:CreateLogStream", f"{start}:log-stream:{stream}", {}),
        ("logs:PutLogEvents", f"{start}:log-stream:{stream}", {}),
    ]


def metrics() -> list[Need]:
    names = ("AWS/SageMaker", "/aws/sagemaker/Endpoints")
    return [("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": name}) for name in names]


def model_needs() -> list[Need]:
    vpc = {"ec2:Vpc": f"arn:aws:ec2:{ARN}:vpc/vpc-1"}
    joins = ("Create", "Delete")
    names = [f"ec2:{verb}NetworkInterface{what}" for verb in joins for what in ("", "Permission")]
    return [
        *PULL,
        *in_bucket("GetObject", "bundles/1/model.tar.gz", "training/j/output/model/policy.onnx"),
        *in_bucket("GetObject", "customers/acme.tar.gz"),
        *listing("bundles/1/", "customers/", "training/j/output/model/"),
        *in_bucket("PutObject", f"capture/{ENDPOINT}/AllTraffic/1.jsonl"),
        ("secretsmanager:GetSecretValue", KNOWN["DatabaseSecret"], {}),
        *logging_to(f"/aws/sagemaker/Endpoints/{ENDPOINT}", "AllTraffic/i-1"),
        *metrics(),
        *((name, "*", {}) for name in sorted(WITHOUT_RESOURCE) if name.startswith("ec2:")),
        *((name, f"arn:aws:ec2:{ARN}:network-interface/eni-1", {}) for name in names),
        ("ec2:CreateNetworkInterface", f"arn:aws:ec2:{ARN}:security-group/sg-1", {}),
        ("ec2:CreateNetworkInterface", f"arn:aws:ec2:{ARN}:subnet/subnet-1", vpc),
    ]


def training_needs() -> list[Need]:
    return [
        *PULL,
        *in_bucket("GetObject", "data/train/clients.csv", "data/evaluation/clients.csv"),
        *listing("data/train/", "training/j/"),
        *in_bucket("PutObject", "training/j/output/model/metrics.json"),
        *logging_to("/aws/sagemaker/TrainingJobs", f"{NAME}/algo-1"),
        *metrics(),
    ]


def state_machine_needs() -> list[Need]:
    passed = {"iam:PassedToService": "sagemaker.amazonaws.com"}
    alarms = (KNOWN["ErrorAlarm.Arn"], KNOWN["LatencyAlarm.Arn"])
    return [
        *(need for task in tasks() for need in task_needs(task)),
        *(("iam:PassRole", KNOWN[f"{role}Role.Arn"], passed) for role in ("Model", "Training")),
        *(("cloudwatch:DescribeAlarms", alarm, {}) for alarm in alarms),
        *((name, "*", {}) for name in sorted(WITHOUT_RESOURCE) if name.startswith("logs:")),
    ]


def task_needs(task: Task) -> list[Need]:
    if task.service == "s3":
        key = str(task.parameters.get("Key", f"training/{NAME}/output/model/metrics.json"))
        if task.operation == "ListObjectsV2":
            return listing(str(task.parameters["Prefix"]))
        return in_bucket(task.operation, key)
    start = f"arn:aws:sagemaker:{ARN}:"
    kinds = {
        "EndpointName": f"endpoint/{ENDPOINT}",
        "EndpointConfigName.$": f"endpoint-config/{NAME}",
        "ModelName.$": f"model/{NAME}",
        "TrainingJobName.$": f"training-job/{NAME}",
    }
    named = [start + kind for key, kind in kinds.items() if key in task.parameters] or ["*"]
    return [(f"sagemaker:{task.operation}", resource, {}) for resource in named]


def build_needs() -> list[Need]:
    pushes = (
        *("BatchCheckLayerAvailability", "BatchGetImage", "CompleteLayerUpload"),
        *("DescribeImages", "DescribeRepositories", "InitiateLayerUpload", "PutImage"),
        "UploadLayerPart",
    )
    group = f"arn:aws:logs:{ARN}:log-group:/aws/codebuild/{ENDPOINT}-build:log-stream:1"
    artifact_actions = ("GetObject", "GetObjectVersion", "PutObject")
    return [
        ("codeconnections:UseConnection", KNOWN["Connection"], {}),
        ("ecr:GetAuthorizationToken", "*", {}),
        *((f"ecr:{name}", REPOSITORY, {}) for name in pushes),
        *in_bucket("GetObject", "bundles/current/model.tar.gz"),
        *(
            need
            for name in artifact_actions
            for need in in_bucket(name, f"pipeline-{ENDPOINT}/source/1")
        ),
        ("logs:CreateLogStream", group, {}),
        ("logs:PutLogEvents", group, {}),
    ]


def pipeline_needs() -> list[Need]:
    execution = f"arn:aws:states:{ARN}:execution:{ENDPOINT}-release:pipeline-1"
    artifact_actions = ("GetObject", "GetObjectVersion", "PutObject")
    return [
        ("codeconnections:UseConnection", KNOWN["Connection"], {}),
        ("codebuild:StartBuild", KNOWN["Build.Arn"], {}),
        ("codebuild:BatchGetBuilds", KNOWN["Build.Arn"], {}),
        ("states:DescribeStateMachine", KNOWN["StateMachine"], {}),
        ("states:StartExecution", KNOWN["StateMachine"], {}),
        ("states:DescribeExecution", execution, {}),
        ("s3:GetBucketVersioning", BUCKET_ARN, {}),
        *(
            need
            for name in artifact_actions
            for need in in_bucket(name, f"pipeline-{ENDPOINT}/source/1")
        ),
    ]


NEEDS = {
    "ModelRole": model_needs,
    "TrainingRole": training_needs,
    "StateMachineRole": state_machine_needs,
    "BuildRole": build_needs,
    "PipelineRole": pipeline_needs,
}


def test_every_role_is_checked() -> None:
    assert set(roles()) == set(NEEDS)


@pytest.mark.parametrize("role", NEEDS)
class TestEveryRole:
    def test_allows_each_call_that_its_service_makes(self, role: str) -> None:
        statements = roles()[role]

        missing = [
            (action, resource)
            for action, resource, context in NEEDS[role]()
            if not any(one.allows(action, resource, context) for one in statements)
        ]
        assert missing == []

    def test_allows_no_action_that_its_service_does_not_need(self, role: str) -> None:
        allowed = {action for one in roles()[role] for action in one.actions}

        assert allowed == {action for action, *_ in NEEDS[role]()}

    def test_has_no_wildcard_action_and_a_resource_wherever_possible(self, role: str) -> None:
        for statement in roles()[role]:
            assert not any("*" in action for action in statement.actions)
            if "*" in statement.resources:
                assert set(statement.actions) <= WITHOUT_RESOURCE

    def test_reaches_no_other_endpoint_bucket_secret_or_account(self, role: str) -> None:
        others = (
            ("sagemaker:UpdateEndpoint", f"arn:aws:sagemaker:{ARN}:endpoint/other"),
            ("sagemaker:DeleteModel", f"arn:aws:sagemaker:{ARN}:model/other--1"),
            ("s3:GetObject", "arn:aws:s3:::other/bundles/1"),
            ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{ARN}:secret:other-a"),
            ("iam:PassRole", "arn:aws:iam::123456789012:role/admin"),
            ("ecr:PutImage", f"arn:aws:ecr:{ARN}:repository/other"),
        )
        for action, resource in others:
            assert not any(one.allows(action, resource, {}) for one in roles()[role])
