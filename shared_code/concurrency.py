"""Coroutines that share a bound, an attempt or an event loop. It knows nothing of what they do.

`run_all` runs N at a time and raises the first failure as itself; `Once` makes one value for all who ask;
`PerLoop` keeps one open for each event loop.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


async def run_all(coroutines: Iterable[Coroutine[Any, Any, Result]], *, at_once: int) -> list[Result]:
    """The results in order; a coroutine of a generator is only made when its turn has come.

    The first failure cancels the others and is raised: it is the cause, and what a caller can act on.
    """
    numbered = enumerate(coroutines)
    results: dict[int, Result] = {}

    async def work() -> None:
        for number, coroutine in numbered:
            results[number] = await coroutine

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(at_once):
                workers.create_task(work())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [results[number] for number in range(len(results))]


class Once(Generic[Result]):
    """Makes a value at first use; who asks meanwhile waits for the same attempt. A failure is not kept."""

    def __init__(self, make: Callable[[], Coroutine[Any, Any, Result]]) -> None:
        self._make = make
        self._attempt: asyncio.Task[Result] | None = None

    async def get(self) -> Result:
        """The value, or the failure of the attempt to make it."""
        if self._attempt is None or _has_failed(self._attempt):
            self._attempt = asyncio.create_task(self._make())
        # Who gives up waiting must not end the attempt of the others.
        return await asyncio.shield(self._attempt)


class PerLoop(Generic[Result]):
    """Opens a value at first use in an event loop, and closes it when that loop shuts down.

    Whoever asks while it is being opened waits for the same attempt. A failure to open is not kept.
    """

    def __init__(
        self,
        open_value: Callable[[], Coroutine[Any, Any, Result]],
        close: Callable[[Result], Coroutine[Any, Any, None]],
    ) -> None:
        """Opens nothing yet."""
        self._open_value = open_value
        self._close = close
        self._values: dict[asyncio.AbstractEventLoop, Once[Result]] = {}
        self._closers: dict[asyncio.AbstractEventLoop, AsyncGenerator[None]] = {}

    async def get(self) -> Result:
        """The value of the running loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._values:
            self._values[loop] = Once(self._open)
        return await self._values[loop].get()

    async def _open(self) -> Result:
        loop = asyncio.get_running_loop()
        value = await self._open_value()
        # What a loop closes when it shuts down are the async generators that it has begun.
        self._closers[loop] = self._close_at_end(loop, value)
        await anext(self._closers[loop])
        return value

    async def _close_at_end(self, loop: asyncio.AbstractEventLoop, value: Result) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            del self._values[loop], self._closers[loop]
            await self._close(value)


def _has_failed(attempt: asyncio.Task[Any]) -> bool:
    return attempt.done() and (attempt.cancelled() or attempt.exception() is not None)
