"""Many coroutines, so many at a time, and the first failure as itself; or one for all who ask.

It knows nothing of what they do.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
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


def _has_failed(attempt: asyncio.Task[Any]) -> bool:
    return attempt.done() and (attempt.cancelled() or attempt.exception() is not None)
