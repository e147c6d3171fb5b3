"""Answers that are no longer worked on once their caller has gone."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

_T = TypeVar("_T")


async def unless_disconnected(request: Request, answer: Coroutine[Any, Any, _T]) -> _T:
    """The answer to a request whose body has been read.

    Raises:
        ClientDisconnect: The client has gone before; the answer was cancelled.
    """
    answering = asyncio.create_task(answer)
    gone = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            return answering.result()
        raise ClientDisconnect
    finally:
        for task in (answering, gone):
            task.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
