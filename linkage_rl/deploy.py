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
from linkage_rl.deploying.endpoint import (
    Endpoint,
    alarms,
    find_endpoint,
    image_of,
    refuse_other_formats,
)
from linkage_rl.deploying.executions import PastRelease, follow, releases, start
from linkage_rl.deploying.parameters import StackParameters
from linkage_rl.deploying.regions import BY_HAND, has_pipeline, refuse_mismatch, refuse_unknown
from linkage_rl.deploying.release import (
    SHA_LENGTH,
    Release,
    TrainingPlan,
    repeat_release,
    select_golden,
)
from linkage_rl.deploying.stack import (
    Stack,
    apply_stack,
    find_stack,
    parameter_values,
    planned_changes,
    require_stack,
)
from linkage_rl.deploying.template import Template, read_template
from linkage_rl.errors import ConfigError, DeploymentError, OutputError

ACTIONS: Final = ("plan", "apply", "status", "rollback", "release")


@dataclass(frozen=True)
class DeploySettings:
    """The action, the stack and the image."""

    action: str = "plan"
    """plan, apply, status, rollback, or release, which only writes the input of a release."""
    stack: str = "linkage-rl"
    """Name of the CloudFormation stack."""
    region: str = ""
    """'' takes that of the environment or profile."""
    sha: str = ""
    """Commit to release; '' changes only the stack."""
    image: str = ""
    """REPOSITORY@sha256:DIGEST; '' looks up the image of `sha` in the registry."""
    bundle: str = ""
    """Folder with the golden clients of the smoke test."""
    golden: int = 20
    """How many golden clients the smoke test sends."""
    tolerated: int = 0
    """How many of them may get another answer than the bundle recorded."""
    model: str = ""
    """S3 URI of a bundle, or of the prefix of customers' bundles; '' if it is in the image."""
    test_model: str = ""
    """Bundle under `model` for the smoke test, with one bundle per customer."""
    train: TrainingPlan = field(default_factory=TrainingPlan)
    parameters: StackParameters = field(default_factory=StackParameters)
    output: str = "release.json"
    """File that the release action writes."""
    follow: bool = True
    """Whether to wait until the release ends."""
    poll_s: float = 5.0
    """Seconds between two queries of its status."""

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ConfigError(f"expected an action of {', '.join(ACTIONS)}, got {self.action!r}")
        if self.golden < 1:
            raise ConfigError(f"golden: expected 1 or more clients, got {self.golden}")


def run(settings: DeploySettings) -> None:
    """Run the action, and print what it did.

    Raises:
        LinkageError: A setting is missing, AWS refuses a call, or the release failed.
    """
    if settings.action == "release":
        write_release(settings)
        return
    aws = connect(settings.region)
    {"plan": plan, "apply": apply, "status": status, "rollback": rollback}[settings.action](
        aws, settings
    )


def plan(aws: Aws, settings: DeploySettings) -> None:
    """Print what `apply` would change, without changing it."""
    stack = find_stack(aws, settings.stack)
    template, given = _planned(aws, settings, stack)
    changes = planned_changes(aws, settings.stack, template, given)
    if changes:
        verb = "create" if stack is None else "update"
        say(f"stack    would {verb} {settings.stack} in {aws.account}/{aws.region}")
    else:
        say(f"stack    {settings.stack} would not change")
    for change in changes:
        say(f"         {change}")
    if not has_pipeline(aws.region):
        say(f"pipeline none, since {aws.region} has no AWS CodeConnections; {BY_HAND}")
    if settings.sha:
        release = make_release(aws, settings, stack)
        say(f"release  {_outlook(aws, release, _endpoint_name(template, given, stack))}")


def apply(aws: Aws, settings: DeploySettings) -> None:
    """Create or update the stack, then release the image if one is named."""
    template, given = _planned(aws, settings, find_stack(aws, settings.stack))
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
    stack = require_stack(aws, settings.stack)
    name = stack.output("EndpointName")
    say(f"stack    {stack.name} {stack.status}")
    say(f"endpoint {find_endpoint(aws, name) or f'{name} does not exist; release an image'}")
    for alarm, state in alarms(aws, name):
        say(f"alarm    {alarm} {state}")
    for past in releases(aws, stack.output("StateMachineArn"), 5):
        say(f"release  {past}")


def rollback(aws: Aws, settings: DeploySettings) -> None:
    """Deploy the previous release again, or that of a given commit."""
    stack = require_stack(aws, settings.stack)
    name = stack.output("EndpointName")
    running = find_endpoint(aws, name)
    if running is None:
        raise DeploymentError(
            f"expected endpoint {name} to exist, found none; there is nothing to roll back"
        )
    earlier = find_earlier(aws, stack.output("StateMachineArn"), running, settings.sha)
    say(f"rollback {running.sha or running.config} -> {earlier.content['sha']}")
    _release(aws, settings, stack, repeat_release(earlier.content, earlier.result["model"]))


def write_release(settings: DeploySettings) -> None:
    """Write the input of a release to a file, for the pipeline; makes no call of AWS."""
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
        DeploymentError: There is no image of this commit, or SageMaker could not pull it.
    """
    if settings.image:
        return _release_of(settings, settings.image, aws)
    if stack is None:
        raise DeploymentError(
            f"expected stack {settings.stack}, found none; apply it without sha= first, "
            "then push an image"
        )
    tag = settings.sha[:SHA_LENGTH]
    return _release_of(settings, image_of(aws, stack.output("RepositoryUri"), tag), aws)


def find_earlier(aws: Aws, machine: str, running: Endpoint, sha: str) -> PastRelease:
    """The newest release that differs from the running one, or that of a commit.

    Raises:
        DeploymentError: There is none.
    """
    for past in releases(aws, machine, 100, "SUCCEEDED"):
        deployed = past.result.get("outcome") in ("created", "updated")
        matches = not sha or str(past.content["sha"]) == sha[:SHA_LENGTH]
        if deployed and matches and past.result.get("name") != running.config:
            return past
    raise DeploymentError(
        f"expected an earlier release{' of ' + sha if sha else ''}, found none in 90 days; "
        "release it again with apply sha=COMMIT"
    )


def normalise_arguments(words: Sequence[str]) -> list[str]:
    """`plan` as `action=plan`, and commits in quotes, since Hydra takes 12e4567 for a number.

    >>> normalise_arguments(["apply", "sha=12e4567"])
    ['action=apply', "sha='12e4567'"]
    >>> normalise_arguments(["plan", "--cfg", "job"])
    ['action=plan', '--cfg', 'job']
    """
    overrides = [
        f"action={word}" if word in ACTIONS or (place == 0 and word.isalpha()) else word
        for place, word in enumerate(words)
    ]
    return [re.sub(r"^sha=(\w+)$", r"sha='\1'", word) for word in overrides]


def _planned(
    aws: Aws, settings: DeploySettings, stack: Stack | None
) -> tuple[Template, dict[str, str]]:
    """The template of this region, and the given parameters, which it has."""
    template = read_template(pipeline=has_pipeline(aws.region))
    given = settings.parameters.given()
    refuse_unknown(template, given, aws.region)
    refuse_mismatch(parameter_values(template, given, stack))
    return template, given


def _release_of(settings: DeploySettings, image: str, aws: Aws | None = None) -> Release:
    if not settings.bundle:
        raise ConfigError("a release needs bundle=DIR, the folder with the golden clients")
    golden = select_golden(Path(settings.bundle).expanduser(), settings.golden)
    release = Release(
        settings.sha,
        image,
        golden,
        settings.tolerated,
        settings.model,
        settings.test_model,
        settings.train,
    )
    for used in filter(None, (image, settings.train.image)):
        if aws is not None:
            refuse_other_formats(aws, used)
    return release


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
        return f"endpoint {name} already runs this release"
    return f"would update endpoint {name}: {running.image} -> {release.image}"


def _release(aws: Aws, settings: DeploySettings, stack: Stack, content: Mapping[str, Any]) -> bool:
    """Start a release; returns whether it has ended."""
    arn = start(aws, stack.output("StateMachineArn"), content)
    if not settings.follow:
        say(f"release  started {arn}")
        return False
    result = follow(aws, arn, settings.poll_s)
    say(f"release  {result['outcome']}: {stack.output('EndpointName')} runs {result['name']}")
    return True


main = command("deploy", DeploySettings, run, rewrite=normalise_arguments)
