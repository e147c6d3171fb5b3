"""Linters and service models applied to the state machine and the template.

Each check is itself checked: it must find an error that is inserted on purpose.
"""

import json
from collections import Counter
from dataclasses import fields

import pytest
import yaml
from botocore.model import OperationNotFoundError
from botocore.validate import ParamValidator
from cfnlint import ManualArgs
from cfnlint.api import lint
from cfnlint.helpers import REGIONS as CFNLINT_REGIONS
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from statelint.config import Config
from statelint.linter import Linter

from linkage_rl.deploying.parameters import StackParameters, template_name
from linkage_rl.deploying.regions import CODECONNECTIONS
from linkage_rl.deploying.template import FOLDER, read_template
from tests.deploy.asl import sample, tasks
from tests.deploy.releases import VALUES, definition

REGIONS = ["ap-northeast-1"]
WITHOUT_PIPELINE = ["ap-northeast-3", "ap-east-1", "af-south-1", "eu-central-2", "il-central-1"]


def cfn_lint(text: str, regions: list[str] = REGIONS) -> list[str]:
    found = lint(text, config=ManualArgs(regions=regions))
    return [f"{one.rule.id} {one.message}" for one in found]


def statelint(text: str) -> list[str]:
    return list(Linter.validate(text, Config()))


def parameter_errors(text: str = "") -> list[str]:
    reports = []
    for task in tasks(text):
        try:
            shape = task.model().input_shape
        except OperationNotFoundError:
            reports.append(f"{task.name}: {task.service} has no {task.operation}")
            continue
        report = ParamValidator().validate(sample(shape, task.parameters), shape)
        if report.has_errors():
            reports.append(f"{task.name}: {report.generate_report()}")
    return reports


def test_statelint_reports_nothing() -> None:
    assert statelint(definition()) == []


@pytest.mark.parametrize(
    ("original", "broken"),
    [
        ('"Next":"CountPoll"', '"Next":"CountPole"'),
        ('"StringEquals":"Failed"', '"StringEqual":"Failed"'),
        ('"ResultPath":"$.goal"', '"ResultPath":"goal"'),
    ],
)
def test_statelint_reports_an_inserted_error(original: str, broken: str) -> None:
    assert original in definition()

    assert statelint(definition().replace(original, broken, 1))


@pytest.mark.slow
def test_cfn_lint_reports_neither_errors_nor_warnings() -> None:
    assert cfn_lint(read_template().text) == []


@pytest.mark.slow
def test_cfn_lint_reports_nothing_in_regions_without_codeconnections() -> None:
    assert cfn_lint(read_template(pipeline=False).text, WITHOUT_PIPELINE) == []


def test_the_regions_with_codeconnections_are_those_that_cfn_lint_knows() -> None:
    # those of separate partitions have other accounts, which nobody here has seen
    isolated = ("us-iso", "eu-iso", "eusc-")
    known = {
        region
        for region in CFNLINT_REGIONS
        if "AWS::CodeConnections::Connection" in PROVIDER_SCHEMA_MANAGER.get_resource_types(region)
    }

    assert {region for region in known if not region.startswith(isolated)} == CODECONNECTIONS


@pytest.mark.slow
def test_cfn_lint_reports_inserted_errors() -> None:
    text = read_template().text
    for original, broken in (
        ('"ScanOnPush"', '"ScanOnPuch"'),
        ('{"Ref":"SubnetIds"}', '{"Ref":"SubnetId"}'),
        ('"AWS::SNS::Topic"', '"AWS::SNS::Topik"'),
    ):
        assert original in text
        text = text.replace(original, broken, 1)

    found = " ".join(cfn_lint(text))

    assert "ScanOnPuch" in found
    assert "'SubnetId'" in found
    assert "AWS::SNS::Topik" in found


def test_every_task_has_valid_parameters() -> None:
    found = Counter(task.operation for task in tasks())

    assert parameter_errors() == []
    assert sum(found.values()) == 24
    assert {"CreateModel", "UpdateEndpoint", "InvokeEndpoint", "CreateTrainingJob"} <= set(found)


@pytest.mark.parametrize(
    ("original", "broken"),
    [
        ('"EndpointConfigName.$"', '"EndpointConfigNam.$"'),
        ('"WaitIntervalInSeconds.$"', '"WaitIntervallInSeconds.$"'),
        ('"InitialVariantWeight":1', '"InitialVariantWeight":"1"'),
        ("sagemaker:describeEndpoint", "sagemaker:describeEndpiont"),
        ('"TargetModel.$"', '"TargetModell.$"'),
    ],
)
def test_an_inserted_misspelling_of_a_parameter_is_reported(original: str, broken: str) -> None:
    assert original in definition()

    assert parameter_errors(definition().replace(original, broken, 1))


def test_every_task_has_a_timeout_and_every_error_is_caught() -> None:
    text = (FOLDER / "state_machine.asl.json").read_text(encoding="utf-8")
    states = json.loads(text)["States"]

    for name, state in states.items():
        if state["Type"] == "Task":
            assert "TimeoutSeconds" in state, name
        if state["Type"] in ("Task", "Parallel"):
            assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name


def test_the_state_machine_and_the_template_have_the_same_substitutions() -> None:
    template = yaml.safe_load((FOLDER / "template.yaml").read_text(encoding="utf-8"))
    machine = template["Resources"]["StateMachine"]["Properties"]

    assert set(machine["DefinitionSubstitutions"]) == set(VALUES)


def test_every_parameter_of_the_template_is_a_key_of_the_command_and_described() -> None:
    parameters = read_template().parameters
    keys = {template_name(one.name) for one in fields(StackParameters)}

    # the command itself finds whether there is an endpoint to scale
    assert {*keys, "EndpointExists"} == set(parameters)
    for name, about in parameters.items():
        assert len(about["Description"]) > 10, name
