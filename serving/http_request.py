"""A request of an ASGI server: its headers, query and body, and whether its caller has gone."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from typing import Any, TypeVar
from urllib.parse import parse_qs

from serving.errors import TooLargeError
from serving.logs import RequestLog

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_T = TypeVar("_T")


class DisconnectedError(Exception):
    """The caller has gone before the answer."""


class Request:
    """A request, and what is logged of it."""

    __slots__ = ("_receive", "_scope", "headers", "log", "method", "path", "route_name")

    def __init__(
        self, scope: Scope, receive: Receive, headers: Mapping[str, str], log: RequestLog
    ) -> None:
        """Describe a request of which nothing but the head was read.

        Args:
            scope: Its ASGI scope.
            receive: Gives the parts of its body.
            headers: What `headers_of` gave.
            log: Filled in while it is answered.
        """
        self._scope = scope
        self._receive = receive
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers = headers
        self.log = log
        self.route_name = ""
        """What the path has in place of `{name}` in its route."""

    @property
    def query(self) -> str:
        """The query as it was sent."""
        text: bytes = self._scope["query_string"]
        return text.decode("latin-1")

    def parameter(self, name: str) -> str:
        """The last value of a parameter of the query, '' where it has none."""
        query = self.query
        return parse_qs(query, keep_blank_values=True).get(name, [""])[-1] if query else ""

    async def body(self, limit: int) -> bytes:
        """The complete body; checks its size for servers without nginx in front.

        Args:
            limit: Bytes that it may have.

        Raises:
            TooLargeError: It has more.
            DisconnectedError: The caller has gone before all of it had arrived.
        """
        log, parts, more = self.log, list[bytes](), True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise DisconnectedError
            part: bytes = message.get("body", b"")
            log.bytes_in += len(part)
            if log.bytes_in > limit:
                raise TooLargeError(
                    f"expected a body of at most {limit} bytes, got more; split the list"
                )
            parts.append(part)
            more = message.get("more_body", False)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def unless_disconnected(self, answer: Coroutine[Any, Any, _T]) -> _T:
        """The answer to this request, whose body has been read.

        Raises:
            DisconnectedError: The caller has gone before; the answer was cancelled.
        """
        answering = asyncio.create_task(answer)
        gone = asyncio.create_task(self._disconnected())
        try:
            await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                return answering.result()
            raise DisconnectedError
        finally:
            for task in (answering, gone):
                task.cancel()

    async def _disconnected(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of a request by their names in lower case; of repeated ones the first."""
    return {
        name.decode("latin-1"): text.decode("latin-1") for name, text in reversed(scope["headers"])
    }
