"""Errors of a request, each with the HTTP status that the caller gets."""

import errno
from typing import Final

from linkage_rl.atomic import DISK_FULL

NO_ROOM: Final = (*DISK_FULL, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Errors of the system that mean: no room for another file."""


class RequestError(Exception):
    """A request that cannot be answered; its text is one sentence for the caller."""

    status = 400
    retry_after_s: int | None = None
    """Seconds after which another attempt may succeed; None where none will."""


class UnsupportedTypeError(RequestError):
    """The server cannot read the Content-Type."""

    status = 415


class NotAcceptableError(RequestError):
    """The Accept header allows none of the types that the server writes."""

    status = 406


class TooLargeError(RequestError):
    """The request holds more clients, or more bytes, than one request may."""

    status = 413


class UnknownModelError(RequestError):
    """No model of this name is loaded."""

    status = 404


class ModelLoadedError(RequestError):
    """A model of this name is already loaded."""

    status = 409


class ModelMemoryError(RequestError):
    """There is no memory left for another model."""

    status = 507


class UnavailableError(RequestError):
    """Temporarily unable to answer: no model yet, too many requests, or no database."""

    status = 503
    retry_after_s = 1
