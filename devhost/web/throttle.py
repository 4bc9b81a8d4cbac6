"""How many requests run at once, how many wait for their turn, and which are refused."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from devhost.settings.extension_options import HttpOptions


class TooManyRequests(Exception):
    """More requests are under way than host.json allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} requests run or wait, and maxOutstandingRequests allows no more.")


class Throttle:
    """Gives requests their turn, in the order in which they came."""

    def __init__(self, options: HttpOptions) -> None:
        self._limit = options.max_outstanding
        self._outstanding = 0
        count = options.max_concurrent
        self._slots: contextlib.AbstractAsyncContextManager[object] = (
            contextlib.nullcontext() if count is None else asyncio.Semaphore(count)
        )

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits until a request may run, which the block does.

        Raises:
            TooManyRequests: as many as may run or wait do so.
        """
        if self._limit is not None and self._outstanding >= self._limit:
            raise TooManyRequests(self._limit)
        self._outstanding += 1
        try:
            async with self._slots:
                yield
        finally:
            self._outstanding -= 1
