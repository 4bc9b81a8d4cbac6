import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from shared_code.http_pool import AttemptTimeout, RetryPolicy, Timeouts
from shared_code.http_pool.attempt_timer import AttemptTimer
from tests.unit.http_pool.scripted_service import answer, calling, eventually, silence

ONCE = RetryPolicy(attempts=1)


async def overtime(timer: AttemptTimer) -> bool:
    """An attempt that never ends by itself; whether it was ended by the timer."""
    attempt = timer.start()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return attempt.take_back()
    finally:
        timer.stop(attempt)
    return False


async def test_each_attempt_ends_after_its_own_time():
    loop, timer = asyncio.get_running_loop(), AttemptTimer(0.05)

    async def lifetime() -> float:
        began = loop.time()
        assert await overtime(timer)
        return loop.time() - began

    first = asyncio.create_task(lifetime())
    await asyncio.sleep(0.03)
    assert min(await asyncio.gather(first, lifetime())) >= 0.049


async def test_task_goes_on_uncancelled_after_its_attempt_has_timed_out():
    assert await overtime(AttemptTimer(0.01))
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_cancellation_from_outside_is_not_taken_for_a_timeout():
    task = asyncio.create_task(overtime(AttemptTimer(60)))
    await asyncio.sleep(0)
    task.cancel()
    assert not await task
    assert task.cancelling() == 1


async def test_no_alarm_is_left_when_nothing_runs():
    timer = AttemptTimer(0.01)
    timer.stop(timer.start())
    await eventually(lambda: timer._alarm is None)


async def test_timeout_of_the_caller_is_its_own():
    async with calling(silence, retries=ONCE) as (_, caller):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await caller.get("/")


async def test_one_slow_attempt_among_many_is_cut_alone():
    options: Any = {"timeouts": Timeouts(attempt=0.5), "retries": ONCE}
    async with calling(silence, answer(), **options) as (service, caller):
        slow = asyncio.create_task(caller.get("/"))
        await eventually(lambda: len(service.received) == 1)
        assert [(await caller.get("/")).status for _ in range(20)] == [200] * 20
        with pytest.raises(AttemptTimeout):
            await slow


async def test_request_outside_of_a_task_is_an_error_that_says_so():
    loop = asyncio.get_running_loop()
    failed = loop.create_future()
    loop.call_soon(lambda: failed.set_result(_error_of(AttemptTimer(1).start)))
    assert "from a task" in str(await failed)


def _error_of(call: Callable[[], object]) -> RuntimeError | None:
    try:
        call()
    except RuntimeError as error:
        return error
    return None
