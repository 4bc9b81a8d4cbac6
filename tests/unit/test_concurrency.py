import asyncio

import pytest

from shared_code.concurrency import run_all


async def test_results_come_in_the_order_of_their_coroutines():
    async def after(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    assert await run_all((after(turns) for turns in (5, 0, 3)), at_once=3) == [5, 0, 3]


async def test_no_more_run_at_once_than_allowed():
    running, most = 0, 0

    async def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    await run_all((work() for _ in range(20)), at_once=4)
    assert most == 4


async def test_first_failure_is_raised_as_itself_and_ends_the_others():
    ended = []

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("first")

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    with pytest.raises(ValueError, match="first"):
        await run_all((work() for work in (fail, wait, wait)), at_once=3)
    assert ended == ["ended", "ended"]
