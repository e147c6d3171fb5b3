"""The OpenAPI document of the server."""

from typing import Any

from serving.settings import Settings


def document(settings: Settings) -> dict[str, Any]:
    """What can be asked, and what may come back."""
    return {"openapi": "3.1.0"}
