"""The right of one long list to be in progress, which it gives up while it waits."""

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

PROMPT_S: Final = 0.1
"""How long a list keeps its slot while it waits for the database."""

_T = TypeVar("_T")


class ListSlot:
    """The right of one long list to be in progress."""

    def __init__(self, slots: asyncio.Semaphore) -> None:
        self._slots = slots
        self._held = False

    async def take(self) -> None:
        """Wait for the turn of this list."""
        await self._slots.acquire()
        self._held = True

    def give_back(self) -> None:
        """Let another list go on, if this one was in progress."""
        if self._held:
            self._held = False
            self._slots.release()

    async def wait_for(self, answer: Awaitable[_T]) -> _T:
        """Wait for something that needs no processor; another list goes on if it takes long."""
        task = asyncio.ensure_future(answer)
        try:
            done, _ = await asyncio.wait([task], timeout=PROMPT_S)
            if not done:
                self.give_back()
                await asyncio.wait([task])
                await self.take()
        except asyncio.CancelledError:
            task.cancel()
            raise
        return await task
