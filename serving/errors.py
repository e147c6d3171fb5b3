"""What goes wrong with a request, each with the status that the caller gets."""


class RequestError(Exception):
    """A request that cannot be answered; its text is one sentence for the caller."""

    status = 400
    retry_after_s: int | None = None
    """When trying again may help; None says that it will not."""


class UnsupportedTypeError(RequestError):
    """The Content-Type is none that the server reads."""

    status = 415


class NotAcceptableError(RequestError):
    """The Accept header allows none of the types that the server writes."""

    status = 406


class TooManyClientsError(RequestError):
    """One request holds more clients than it may."""

    status = 413


class UnknownModelError(RequestError):
    """No model of this name is loaded."""

    status = 404


class ModelLoadedError(RequestError):
    """A model of this name is loaded already."""

    status = 409


class ModelMemoryError(RequestError):
    """There is no room for another model."""

    status = 507


class UnavailableError(RequestError):
    """The server cannot answer just now: no model yet, too much to do, or no database."""

    status = 503
    retry_after_s = 1
