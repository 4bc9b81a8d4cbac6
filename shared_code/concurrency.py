"""Many coroutines, so many at a time, and the first failure as itself; knows nothing of what they do."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

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
