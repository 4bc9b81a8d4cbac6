import asyncio

import pytest

from shared_code.concurrency import Once, PerLoop, run_all


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


async def test_value_is_made_once_for_all_who_ask():
    made: list[int] = []

    async def make() -> int:
        await asyncio.sleep(0)
        made.append(1)
        return len(made)

    once = Once(make)
    assert set(await asyncio.gather(once.get(), once.get(), once.get())) == {1}
    assert await once.get() == 1


async def test_failure_is_told_to_all_who_waited_and_then_tried_again():
    results: list[Exception | str] = [ValueError("first"), "second"]

    async def make() -> str:
        await asyncio.sleep(0)
        if isinstance(result := results.pop(0), Exception):
            raise result
        return result

    once = Once(make)
    failures = await asyncio.gather(once.get(), once.get(), return_exceptions=True)
    assert [str(failure) for failure in failures] == ["first", "first"]
    assert await once.get() == "second"


async def test_who_gives_up_waiting_does_not_end_the_attempt_of_others():
    ready = asyncio.Event()

    async def make() -> str:
        await ready.wait()
        return "made"

    once = Once(make)
    impatient, patient = asyncio.create_task(once.get()), asyncio.create_task(once.get())
    await asyncio.sleep(0)
    impatient.cancel()
    ready.set()
    assert await patient == "made"


class Opened:
    """A value that notes how it is opened and closed; the first `failures` attempts to open it fail."""

    def __init__(self, failures: int = 0) -> None:
        self.log: list[str] = []
        self.failures = failures
        self.values = PerLoop(self.open, self.close)

    async def open(self) -> object:
        self.log.append("open")
        await asyncio.sleep(0)
        if len(self.log) <= self.failures:
            raise ValueError("cannot be opened")
        return object()

    async def close(self, value: object) -> None:
        await asyncio.sleep(0)
        self.log.append("close")


async def both(values: PerLoop[object]) -> tuple[object, object]:
    first, second = await asyncio.gather(values.get(), values.get())
    return first, second


def test_value_is_opened_once_for_its_loop_and_closed_with_it():
    opened = Opened()
    first, second = asyncio.run(both(opened.values))
    assert first is second
    assert opened.log == ["open", "close"]


def test_each_loop_has_a_value_of_its_own():
    opened = Opened()
    assert asyncio.run(opened.values.get()) is not asyncio.run(opened.values.get())
    assert opened.log == ["open", "close"] * 2


def test_value_that_could_not_be_opened_is_opened_at_the_next_use():
    opened = Opened(failures=1)

    async def use() -> None:
        with pytest.raises(ValueError, match="cannot be opened"):
            await opened.values.get()
        await opened.values.get()

    asyncio.run(use())
    assert opened.log == ["open", "open", "close"]


def test_loop_that_has_shut_down_is_not_kept():
    opened = Opened()
    asyncio.run(opened.values.get())
    assert not opened.values._values
    assert not opened.values._closers
