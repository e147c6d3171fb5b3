"""What callers say of a request besides its clients: its mode, its customer and its list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from serving.errors import RequestError
from serving.values import InvalidValueError, describe, read_text

HEADER: Final = "x-amzn-sagemaker-custom-attributes"
"""SageMaker hands this header on as its caller sent it: `customer=acme;list=2026-11`."""
MAX_LENGTH: Final = 128
"""Characters of the id of a customer or list, as the decision log holds them."""


@dataclass(frozen=True)
class Origin:
    """Whose clients a request has, as the decision log records it; '' where nobody said."""

    customer: str = ""
    list_id: str = ""

    def or_else(self, other: "Origin") -> "Origin":
        """What this one says, and of what it leaves open what the other one says."""
        return Origin(self.customer or other.customer, self.list_id or other.list_id)


NOBODY: Final = Origin()
"""The origin of a request that names none."""


def origin_of(content: Mapping[str, Any], list_key: str = "list_id") -> Origin:
    """The origin that a body in JSON or the attributes of a header name.

    Args:
        content: The body, or what `custom_attributes` gave.
        list_key: Key of the list; 'list' in a header.

    Raises:
        RequestError: An id is no text, too long, or has characters that cannot be printed.
    """
    return Origin(_id("customer", content.get("customer")), _id(list_key, content.get(list_key)))


def _id(name: str, value: object) -> str:
    if not value:
        return ""
    try:
        text = read_text("client_id", value)
    except InvalidValueError:
        raise RequestError(f"expected text in {name!r}, got {describe(value)}") from None
    if len(text) > MAX_LENGTH or not text.isprintable():
        raise RequestError(
            f"expected at most {MAX_LENGTH} printable characters in {name!r}, got {describe(text)}"
        )
    return text
