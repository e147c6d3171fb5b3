"""`python -m linkage_rl.deploy plan|apply|status|rollback`: image to SageMaker endpoint."""

if __name__ == "__main__":
    # before the imports, which take seconds and may lack an extra
    from linkage_rl.command_line import run_command

    run_command("deploy")
    raise SystemExit

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from linkage_rl.config.command import command, say
from linkage_rl.deploying.aws import Aws, connect
from linkage_rl.deploying.executions import Past, follow, releases, start
from linkage_rl.deploying.parameters import StackParameters
from linkage_rl.deploying.release import (
    SHA_LENGTH,
    Release,
    TrainingPlan,
    again,
    choose_golden,
)
from linkage_rl.deploying.endpoint import Running, alarms, find_endpoint, image_of
from linkage_rl.deploying.stack import Stack, apply_stack, find_stack, need_stack, planned
from linkage_rl.deploying.template import Template, read_template
from linkage_rl.errors import ConfigError, DeploymentError, OutputError

ACTIONS: Final = ("plan", "apply", "status", "rollback", "release")


@dataclass(frozen=True)
class DeploySettings:
    """What is done, to which stack, with which image."""

    action: str = "plan"
    """plan, apply, status, rollback, or release: write the input of a release and no more."""
    stack: str = "linkage-rl"
    """Name of the CloudFormation stack."""
    region: str = ""
    """'' takes that of the environment or profile."""
    sha: str = ""
    """Commit that is released; '' works on the stack alone."""
    image: str = ""
    """REPOSITORY@sha256:DIGEST; '' asks the registry for the image of `sha`."""
    bundle: str = ""
    """Folder with the golden clients of the smoke test."""
    golden: int = 20
    """How many of them."""
    tolerated: int = 0
    """How many of them may get another answer than the bundle recorded."""
    model: str = ""
    """S3 address of a bundle, or of the prefix of customers' bundles; '' is in the image."""
    test_model: str = ""
    """Customer's bundle under `model` that is tested."""
    train: TrainingPlan = field(default_factory=TrainingPlan)
    parameters: StackParameters = field(default_factory=StackParameters)
    output: str = "release.json"
    """File that the release action writes."""
    follow: bool = True
    """Whether to wait for the end of the release."""
    poll_s: float = 5.0
    """Seconds between two looks."""

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ConfigError(f"expected an action of {', '.join(ACTIONS)}, got {self.action!r}")
        if self.golden < 1:
            raise ConfigError(f"golden: expected 1 or more clients, got {self.golden}")


def run(settings: DeploySettings) -> None:
    """Do what `action` says; prints what was done.

    Raises:
        LinkageError: Something is missing or refused, or the release failed.
    """
    if settings.action == "release":
        write_release(settings)
        return
    aws = connect(settings.region)
    {"plan": plan, "apply": apply, "status": status, "rollback": rollback}[settings.action](
        aws, settings
    )


def plan(aws: Aws, settings: DeploySettings) -> None:
    """Tell what `apply` would change; touches nothing."""
    template = read_template()
    given = settings.parameters.given()
    stack = find_stack(aws, settings.stack)
    found = planned(aws, settings.stack, template, given)
    if found:
        verb = "create" if stack is None else "update"
        say(f"stack    would {verb} {settings.stack} in {aws.account}/{aws.region}")
    else:
        say(f"stack    {settings.stack} stays as it is")
    for change in found:
        say(f"         {change}")
    if settings.sha:
        release = make_release(aws, settings, stack)
        say(f"release  {_outlook(aws, release, _endpoint_name(template, given, stack))}")


def apply(aws: Aws, settings: DeploySettings) -> None:
    """Create or update the stack, then release the image if one is named."""
    template = read_template()
    given = settings.parameters.given()
    stack = _apply_stack(aws, settings, template, given)
    if not settings.sha:
        say(f"next     push an image to {stack.output('RepositoryUri')}, then apply sha=COMMIT")
        return
    release = make_release(aws, settings, stack)
    if _release(aws, settings, stack, release.content()):
        # only an endpoint that exists can be scaled
        _apply_stack(aws, settings, template, given)


def status(aws: Aws, settings: DeploySettings) -> None:
    """Show stack, endpoint, alarms and the latest releases."""
    stack = need_stack(aws, settings.stack)
    name = stack.output("EndpointName")
    say(f"stack    {stack.name} {stack.status}")
    say(f"endpoint {find_endpoint(aws, name) or f'{name} does not exist; release an image'}")
    for alarm, state in alarms(aws, name):
        say(f"alarm    {alarm} {state}")
    for past in releases(aws, stack.output("StateMachineArn"), 5):
        say(f"release  {past}")


def rollback(aws: Aws, settings: DeploySettings) -> None:
    """Release again what ran before, or the commit that is named."""
    stack = need_stack(aws, settings.stack)
    name = stack.output("EndpointName")
    running = find_endpoint(aws, name)
    if running is None:
        raise DeploymentError(
            f"expected endpoint {name} to run, found none; nothing to go back from"
        )
    earlier = find_earlier(aws, stack.output("StateMachineArn"), running, settings.sha)
    say(f"rollback {running.sha or running.config} -> {earlier.content['sha']}")
    _release(aws, settings, stack, again(earlier.content, earlier.result["model"]))


def write_release(settings: DeploySettings) -> None:
    """Write the input of a release to a file, for the pipeline; asks AWS nothing."""
    if not settings.image:
        raise ConfigError("release needs image=REPOSITORY@sha256:DIGEST, got none")
    release = _release_of(settings, settings.image)
    path = Path(settings.output).expanduser()
    try:
        path.write_text(json.dumps(release.content(), ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror}; choose another output="
        ) from error
    say(f"release  {release.sha[:SHA_LENGTH]} with {len(release.golden)} golden clients in {path}")


def make_release(aws: Aws, settings: DeploySettings, stack: Stack | None) -> Release:
    """The release that the settings describe.

    Raises:
        DeploymentError: There is no image of this commit.
    """
    if settings.image:
        return _release_of(settings, settings.image)
    if stack is None:
        raise DeploymentError(
            f"expected stack {settings.stack}, found none; apply it without sha= first, "
            "then push an image"
        )
    tag = settings.sha[:SHA_LENGTH]
    return _release_of(settings, image_of(aws, stack.output("RepositoryUri"), tag))


def find_earlier(aws: Aws, machine: str, running: Running, sha: str) -> Past:
    """The newest release that differs from what runs, or that of a commit.

    Raises:
        DeploymentError: There is none.
    """
    for past in releases(aws, machine, 100, "SUCCEEDED"):
        ours = past.result.get("outcome") in ("created", "updated")
        wanted = not sha or str(past.content["sha"]) == sha[:SHA_LENGTH]
        if ours and wanted and past.result.get("name") != running.config:
            return past
    raise DeploymentError(
        f"expected an earlier release{' of ' + sha if sha else ''}, found none in 90 days; "
        "release it anew with apply sha=COMMIT"
    )


def readable(words: Sequence[str]) -> list[str]:
    """`plan` as `action=plan`, and commits in quotes: Hydra takes 12e4567 for a number.

    >>> readable(["apply", "sha=12e4567"])
    ['action=apply', "sha='12e4567'"]
    """
    named = [f"action={word}" if word.isalpha() else word for word in words]
    return [re.sub(r"^sha=(\w+)$", r"sha='\1'", word) for word in named]


def _release_of(settings: DeploySettings, image: str) -> Release:
    if not settings.bundle:
        raise ConfigError("a release needs bundle=DIR, the folder with the golden clients")
    golden = choose_golden(Path(settings.bundle).expanduser(), settings.golden)
    chosen = (settings.tolerated, settings.model, settings.test_model, settings.train)
    return Release(settings.sha, image, golden, *chosen)


def _apply_stack(
    aws: Aws, settings: DeploySettings, template: Template, given: Mapping[str, str]
) -> Stack:
    name = _endpoint_name(template, given, find_stack(aws, settings.stack))
    exists = str(find_endpoint(aws, name) is not None).lower()
    all_given = {**given, "EndpointExists": exists}
    stack, done = apply_stack(aws, settings.stack, template, all_given, settings.poll_s)
    say(f"stack    {done} {stack.name} in {aws.account}/{aws.region}")
    return stack


def _endpoint_name(template: Template, given: Mapping[str, str], stack: Stack | None) -> str:
    old = stack.parameters if stack else {}
    default = str(template.parameters["EndpointName"]["Default"])
    return given.get("EndpointName", old.get("EndpointName", default))


def _outlook(aws: Aws, release: Release, name: str) -> str:
    running = find_endpoint(aws, name)
    if release.train.image:
        return f"would train {release.train.run} and release it to {name} if it is better"
    if running is None:
        return f"would create endpoint {name} with {release.image}"
    if (running.image, running.model_data) == (release.image, release.model):
        return f"endpoint {name} runs this already"
    return f"would update endpoint {name}: {running.image} -> {release.image}"


def _release(aws: Aws, settings: DeploySettings, stack: Stack, content: Mapping[str, Any]) -> bool:
    """Start a release; True when it was followed to its end."""
    arn = start(aws, stack.output("StateMachineArn"), content)
    if not settings.follow:
        say(f"release  started {arn}")
        return False
    result = follow(aws, arn, settings.poll_s)
    say(f"release  {result['outcome']}: {stack.output('EndpointName')} runs {result['name']}")
    return True


main = command("deploy", DeploySettings, run, rewrite=readable)
