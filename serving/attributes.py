"""What callers say of a request besides its clients: its mode, its customer and its list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

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

    faults: tuple[str, ...] = field(default=(), compare=False)
    """A sentence on each id that cannot be logged; it counts as not said."""

    def or_else(self, other: "Origin") -> "Origin":
        """What this one says, and of what it leaves open what the other one says."""
        if self is NOBODY or other is NOBODY:
            return other if self is NOBODY else self
        return Origin(
            self.customer or other.customer,
            self.list_id or other.list_id,
            self.faults + other.faults,
        )


NOBODY: Final = Origin()
"""The origin of a request that names none."""

Askers = Sequence[tuple[Origin | None, int]]
"""Who asked for the clients of a batch, in their order: an origin, and for how many of them. None
takes its place where nobody waits for the answer any more."""


def origin_of(content: Mapping[str, Any], list_key: str = "list_id") -> Origin:
    """The origin that a body in JSON or the attributes of a header name.

    An id that is no text, is too long, or has characters that cannot be printed is left out: a
    label for the log is no reason to answer nothing.

    Args:
        content: The body, or what `custom_attributes` gave.
        list_key: Key of the list; 'list' in a header.
    """
    customer, list_id = content.get("customer"), content.get(list_key)
    if not customer and not list_id:
        return NOBODY
    faults: list[str] = []
    return Origin(
        _id("customer", customer, faults),
        _id(list_key, list_id, faults),
        tuple(faults),
    )


def _id(name: str, value: object, faults: list[str]) -> str:
    if not value:
        return ""
    try:
        text = str(value) if _is_long(value) else read_text("client_id", value)
    except InvalidValueError:
        faults.append(f"{name!r} is not logged: expected text, got {describe(value)}")
        return ""
    if len(text) > MAX_LENGTH or not text.isprintable():
        faults.append(
            f"{name!r} is not logged: expected at most {MAX_LENGTH} printable characters, got "
            f"{describe(value)}"
        )
        return ""
    return text


def _is_long(value: object) -> bool:
    return isinstance(value, str) and len(value) > MAX_LENGTH
