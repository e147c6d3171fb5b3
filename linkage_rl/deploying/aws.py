"""All calls of AWS: operations by name, and errors as sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from linkage_rl.errors import DeploymentError

LOGIN_HINT: Final = "log in (`aws configure`, `aws sso login`) or set AWS_PROFILE, then try again"
_CONFIG: Final = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=10)


class AwsError(DeploymentError):
    """A service refused a call."""

    def __init__(self, call: str, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence
        super().__init__(f"{call} was refused: {sentence} ({code}); {_remedy(code)}")


@dataclass(frozen=True)
class Aws:
    """One account and region."""

    session: boto3.Session
    region: str
    account: str

    def call(self, service: str, operation: str, **parameters: object) -> dict[str, Any]:
        """Call one operation; returns its response as boto3 gives it.

        Raises:
            AwsError: The service refused the call.
            DeploymentError: The service cannot be reached, or there are no credentials.
        """
        try:
            answer: dict[str, Any] = getattr(_client(self.session, service), operation)(
                **parameters
            )
        except ClientError as error:
            details: Mapping[str, Any] = error.response.get("Error", {})
            code, sentence = str(details.get("Code", "")), str(details.get("Message", ""))
            raise AwsError(f"{service} {operation}", code, sentence) from error
        except BotoCoreError as error:
            raise DeploymentError(
                f"cannot call {service} {operation}: {error}; {LOGIN_HINT}"
            ) from error
        return answer


def connect(region: str) -> Aws:
    """The account of the credentials that boto3 finds.

    Args:
        region: '' takes that of the environment or profile.

    Raises:
        DeploymentError: There are no credentials or no region.
    """
    try:
        session = boto3.Session(region_name=region or None)
    except BotoCoreError as error:
        raise DeploymentError(f"cannot start an AWS session: {error}; {LOGIN_HINT}") from error
    if not session.region_name:
        raise DeploymentError("expected a region, got none; give region=, or set AWS_REGION")
    account = Aws(session, session.region_name, "").call("sts", "get_caller_identity")["Account"]
    return Aws(session, session.region_name, str(account))


@lru_cache
def _client(session: boto3.Session, service: str) -> Any:
    return session.client(service, config=_CONFIG)


def _remedy(code: str) -> str:
    if "Denied" in code or "Unauthorized" in code:
        return "ask for this permission"
    if "Expired" in code or "Token" in code:
        return LOGIN_HINT
    return "fix what it names and try again"
