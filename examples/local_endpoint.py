"""Creates an endpoint in the SageMaker SDK's local mode, sends it one request, and deletes it.

    python -m examples.local_endpoint linkage_rl exports/model.tar.gz request.json answer.json

The request is the body of one `POST /invocations`. Local mode runs `docker compose`; it needs the
package sagemaker, but neither an account nor a network. The container's log is printed.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import boto3
from sagemaker.core.local.local_session import LocalSession

NAME: Final = "linkage"
"""Name of the model, of the endpoint configuration and of the endpoint."""
SETTINGS: Final = {
    "SchemaVersion": "1.0",
    "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
}
"""Turns off the SDK's telemetry, which reports every call to AWS."""


def local_session(port: int) -> LocalSession:
    """A session with dummy credentials, whose endpoint listens on this port."""
    dummy = boto3.Session("local", "local", region_name="us-east-1")
    session = LocalSession(dummy, sagemaker_config=SETTINGS)
    session.config = {"local": {"serving_port": port}}
    return session


@contextmanager
def endpoint(client: Any, image: str, model: Path) -> Iterator[str]:
    """The name of an endpoint in service; on exit it is deleted, with its model and configuration.

    Args:
        client: Has the methods of boto3's client `sagemaker`.
        image: Name of the serving image.
        model: `model.tar.gz`; local mode unpacks it into its own folder.
    """
    container = {"Image": image, "ModelDataUrl": model.resolve().as_uri(), "Environment": {}}
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": NAME,
        "InstanceType": "local",
        "InitialInstanceCount": 1,
    }
    client.create_model(ModelName=NAME, PrimaryContainer=container)
    client.create_endpoint_config(EndpointConfigName=NAME, ProductionVariants=[variant])
    try:
        client.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
        yield NAME
    finally:
        client.delete_endpoint(EndpointName=NAME)
        client.delete_endpoint_config(EndpointConfigName=NAME)
        client.delete_model(ModelName=NAME)


def main() -> None:
    """Create the endpoint, send the request, delete the endpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", help="name of the serving image")
    parser.add_argument(
        "model", type=Path, help="model.tar.gz, in a folder that local mode may write to"
    )
    parser.add_argument("request", type=Path, help="JSON to send")
    parser.add_argument("answer", type=Path, help="file for the JSON of the answer")
    parser.add_argument("--port", type=int, default=8080)
    arguments = parser.parse_args()
    session = local_session(arguments.port)
    with endpoint(session.sagemaker_client, arguments.image, arguments.model) as name:
        answer = session.sagemaker_runtime_client.invoke_endpoint(
            EndpointName=name,
            Body=arguments.request.read_bytes(),
            ContentType="application/json",
            Accept="application/json",
        )
        arguments.answer.write_bytes(answer["Body"].read())


if __name__ == "__main__":
    main()
