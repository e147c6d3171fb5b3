"""The custom attributes of a request to SageMaker, as the server and data capture read them."""

from urllib.parse import unquote_plus


def custom_attributes(header: str) -> dict[str, str]:
    """The attributes of a header, of each name the first; values are decoded as those of URLs.

    >>> custom_attributes("customer=acme; list=November+2026,mode=linkage")
    {'customer': 'acme', 'list': 'November 2026', 'mode': 'linkage'}
    """
    found: dict[str, str] = {}
    for part in header.replace(";", ",").split(","):
        key, _, value = part.partition("=")
        found.setdefault(key.strip(), unquote_plus(value.strip()))
    return found
