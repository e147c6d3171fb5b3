"""The bearer token (RFC 6750) that callers of everything but `/ping` must send, if there is one."""

import hmac
from http import HTTPStatus
from typing import Final

from serving.http_request import Request
from serving.replies import RefusedError

_OPEN: Final = "/ping"
"""The one path that needs no token: platforms cannot send one with their health checks."""
_NO_TOKEN: Final = (
    "expected the header 'Authorization: Bearer TOKEN' with this server's token, got none or "
    "another; ask its operator for the token"
)


def check_token(request: Request, token: bytes) -> None:
    """Let a request pass.

    Args:
        request: It.
        token: What its caller must send; b'' lets everybody pass.

    Raises:
        RefusedError: Its caller has sent none, or another one.
    """
    if not token or request.path == _OPEN:
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    # in constant time, so that its duration says nothing about the token
    right = hmac.compare_digest(given.strip().encode("latin-1"), token)
    if not right or scheme.lower() != "bearer":
        headers = {"www-authenticate": "Bearer"}
        raise RefusedError(_NO_TOKEN, HTTPStatus.UNAUTHORIZED, headers)
