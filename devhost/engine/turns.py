"""Turns of episodes that have much to read: one at a time, after what else there is to do.

The SDK reads the whole history and input in every episode, and nothing else runs in this process meanwhile:
for an input of 10 MB that is half a second. ADR 71 has the reasons.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

LARGE: Final = 1_000_000  # characters of history and input, which take the SDK some 20 ms
_PATIENCE: Final = 2.0  # seconds after which a turn is known to wait for something else than the processor
_LOOK: Final = 0.005  # seconds in which what has just arrived is begun with


class Turns:
    """Who may read next, of the episodes that have much to read."""

    def __init__(
        self,
        at_hand: Callable[[], int],
        *,
        clock: Callable[[], float] = time.monotonic,
        patience: float = _PATIENCE,
    ) -> None:
        """`at_hand` tells how many work items there are, those in turns or waiting for theirs included."""
        self._at_hand = at_hand
        self._clock = clock
        self._patience = patience
        self._large = 0
        self._lock = asyncio.Lock()
        self._last = 0.0

    @asynccontextmanager
    async def turn(self, size: int) -> AsyncIterator[None]:
        """Holds the turn of an episode that has `size` characters to read, once it has come."""
        if size < LARGE:
            yield
            return
        self._large += 1
        is_alone = False
        try:
            is_alone = await self._acquire()
            await self._let_others_go_first()
            began = self._clock()
            yield
            self._last = self._clock() - began
        finally:
            self._large -= 1
            if is_alone:
                self._lock.release()

    async def _acquire(self) -> bool:
        """Waits for the turn before this one to end, unless its code is held up."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._lock.acquire()
        except TimeoutError:
            return False

    async def _let_others_go_first(self) -> None:
        """Waits until nothing else is at hand, at most as long as the last turn made the others wait."""
        end = self._clock() + min(self._last, self._patience)
        await asyncio.sleep(_LOOK)
        while self._at_hand() > self._large and self._clock() < end:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(_LOOK)
