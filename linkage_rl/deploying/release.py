"""The input of a release: image, model, and golden clients with the expected answers."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from linkage_rl.bundle import Golden, read_golden
from linkage_rl.errors import BundleError, ConfigError, DeploymentError
from linkage_rl.records import DecisionKind
from linkage_rl.shipped import shipped

SHA_LENGTH: Final = 12
"""Characters of the commit in names, which SageMaker limits to 63 characters."""
METRIC_DEFINITIONS: Final = shipped("serving/metric_definitions.json")


@dataclass(frozen=True)
class TrainingPlan:
    """A training job before the release, which goes on only if the new model is better."""

    image: str = ""
    """Training image as REPOSITORY@sha256:DIGEST; '' releases without training."""
    run: str = ""
    """Name of this training run of the commit, e.g. 20260131; at most 14 characters."""
    evaluation: str = ""
    """S3 URI of the channel `evaluation`, on which models are compared."""
    channels: dict[str, str] = field(default_factory=dict)
    """Names of the other channels to their S3 URIs, under data/ of the artifact bucket."""
    hyperparameters: dict[str, str] = field(default_factory=dict)
    """Hydra overrides of the training command."""
    baseline: float | None = None
    """Score to beat if the running model was never evaluated on this channel."""

    def __post_init__(self) -> None:
        if not self.image:
            return
        _check_image("train.image", self.image)
        if not re.fullmatch(r"[a-zA-Z0-9]{1,14}", self.run):
            raise ConfigError(
                f"train.run: expected 1 to 14 letters and digits, got {self.run!r}; "
                "give the date, as in train.run=20260131"
            )
        for name, uri in {"evaluation": self.evaluation, **self.channels}.items():
            if not uri.startswith("s3://"):
                raise ConfigError(
                    f"train: channel {name} needs a URI like s3://BUCKET/data/{name}/, got {uri!r}"
                )


@dataclass(frozen=True)
class Release:
    """What is deployed to the endpoint."""

    sha: str
    """Commit of the image, 7 to 40 characters."""
    image: str
    """REPOSITORY@sha256:DIGEST; unlike a tag, a digest cannot be moved."""
    golden: tuple[Golden, ...]
    """Clients of the smoke test."""
    tolerated: int = 0
    """Golden clients that may get another answer, since the table has changed."""
    model: str = ""
    """S3 URI of a bundle, or of a prefix with one bundle per customer; '' if it is in the image."""
    test_model: str = ""
    """Bundle under the prefix `model` for the smoke test, such as ACME.tar.gz."""
    train: TrainingPlan = field(default_factory=TrainingPlan)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9a-f]{7,40}", self.sha):
            raise ConfigError(
                f"sha: expected a commit like 0123456789ab, got {self.sha!r}; "
                "give sha=$(git rev-parse HEAD)"
            )
        _check_image("image", self.image)
        if not self.golden:
            raise ConfigError("the smoke test needs golden clients, got none; give bundle=DIR")
        if not 0 <= self.tolerated < len(self.golden):
            raise ConfigError(
                f"tolerated: expected 0 to {len(self.golden) - 1}, got {self.tolerated}; "
                "a test that tolerates everything tests nothing"
            )
        if self.model and not self.model.startswith("s3://"):
            raise ConfigError(
                f"model: expected s3://BUCKET/KEY, got {self.model!r}; upload it first"
            )
        if self.test_model and not self.model.endswith("/"):
            raise ConfigError(
                f"test_model: expected model=s3://BUCKET/customers/, got {self.model!r}; "
                "give the prefix of the customers' bundles"
            )

    def content(self) -> dict[str, Any]:
        """The input of the state machine."""
        content: dict[str, Any] = {
            "sha": self.sha[:SHA_LENGTH],
            "image": self.image,
            "model": self._model(),
            "golden": {
                "clients": [_client(client) for client in self.golden],
                "expected": [
                    {
                        "client_id": client.client_id,
                        "decision": DecisionKind(client.kind).name.lower(),
                        "company_id": client.company_id,
                    }
                    for client in self.golden
                ],
                "tolerated": self.tolerated,
            },
        }
        return content | ({"train": _training(self.train)} if self.train.image else {})

    def _model(self) -> dict[str, str]:
        model = {"uri": self.model, "type": "", "compression": "", "test_model": self.test_model}
        if not self.model:
            return model | {"kind": "image"}
        if self.test_model:
            return model | {"kind": "many"}
        packed = self.model.endswith(".tar.gz")
        kinds = ("S3Object", "Gzip") if packed else ("S3Prefix", "None")
        return model | {"kind": "data", "type": kinds[0], "compression": kinds[1]}


def repeat_release(content: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    """The input that deploys an earlier release again, without training.

    Args:
        content: Input of the earlier release.
        model: The model that it deployed.
    """
    kept = {key: content[key] for key in ("sha", "image", "golden")}
    return kept | {"model": dict(model)}


def select_golden(bundle: Path, limit: int) -> tuple[Golden, ...]:
    """The golden clients with the highest confidence, half of them links if there are enough.

    Raises:
        DeploymentError: They cannot be read.
    """
    try:
        golden = read_golden(bundle)
    except BundleError as error:
        raise DeploymentError(
            f"cannot read golden clients from {bundle}: {error}, and give the folder that it wrote"
        ) from error
    links = _by_confidence([client for client in golden if client.kind == DecisionKind.LINK])
    others = _by_confidence([client for client in golden if client.kind != DecisionKind.LINK])
    count = min(len(links), max(limit - limit // 2, limit - len(others)))
    return (*links[:count], *others[: limit - count])


def _client(golden: Golden) -> dict[str, str]:
    """A client as the server expects it, without empty fields."""
    return {"client_id": golden.client_id} | {k: v for k, v in golden.fields.items() if v}


def _by_confidence(golden: Sequence[Golden]) -> list[Golden]:
    return sorted(golden, key=lambda client: (-client.confidence, client.client_id))


def _training(plan: TrainingPlan) -> dict[str, Any]:
    try:
        definitions = json.loads(METRIC_DEFINITIONS.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DeploymentError(
            f"cannot read {METRIC_DEFINITIONS}: {error}; install the package again"
        ) from error
    # SageMaker passes every hyperparameter as text
    return {key: value for key, value in asdict(plan).items() if key in _COPIED_KEYS} | {
        "baseline": plan.baseline if plan.baseline is not None else "none",
        "hyperparameters": {key: str(value) for key, value in plan.hyperparameters.items()},
        "metric_definitions": definitions,
        "channels": [
            _channel(name, uri)
            for name, uri in {**plan.channels, "evaluation": plan.evaluation}.items()
        ],
    }


_COPIED_KEYS: Final = ("image", "run", "evaluation")


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": uri,
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def _check_image(key: str, image: str) -> None:
    if not re.fullmatch(r"[^\s@]+@sha256:[0-9a-f]{64}", image):
        raise ConfigError(
            f"{key}: expected REPOSITORY@sha256:DIGEST, got {image!r}; "
            "take what scripts/build_and_push.sh prints"
        )
