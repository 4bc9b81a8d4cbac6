import asyncio
from typing import Any

import pytest

from shared_code.http_pool import (
    AttemptTimeout,
    CircuitBreaker,
    CircuitState,
    DeadlineExceeded,
    Limits,
    RetryPolicy,
    StatusError,
    Timeouts,
)
from shared_code.http_pool.restraint import Slots
from tests.unit.http_pool.scripted_service import (
    answer,
    calling,
    eventually,
    silence,
    until,
)

ONCE = RetryPolicy(attempts=1)


async def test_no_more_requests_are_under_way_than_the_limit():
    release = asyncio.Event()
    async with calling(until(release, answer()), limits=Limits(max_connections=3)) as (service, caller):
        requests = [asyncio.create_task(caller.get("/")) for _ in range(10)]
        await eventually(lambda: len(service.received) == 3)
        assert (caller.figures().in_flight, len(service.open_connections)) == (3, 3)
        release.set()
        assert len(await asyncio.gather(*requests)) == 10


async def test_time_in_the_queue_is_not_time_of_the_attempt():
    release = asyncio.Event()
    options: Any = {"limits": Limits(max_connections=1), "timeouts": Timeouts(attempt=0.2), "retries": ONCE}
    async with calling(until(release, answer()), answer(), **options) as (service, caller):
        first = asyncio.create_task(caller.get("/"))
        await eventually(lambda: len(service.received) == 1)
        second = asyncio.create_task(caller.get("/"))
        with pytest.raises(AttemptTimeout):
            await first
        assert (await second).status == 200


async def test_queue_for_a_slot_ends_at_the_deadline():
    options: Any = {"limits": Limits(max_connections=1), "timeouts": Timeouts(total=0.2)}
    async with calling(answer(), **options) as (service, caller), caller.stream("GET", "/"):
        with pytest.raises(DeadlineExceeded, match="no free slot in time"):
            await caller.get("/")
    assert len(service.received) == 1


async def test_deadline_cuts_the_last_attempt_short():
    async with calling(silence, timeouts=Timeouts(attempt=60, total=0.05)) as (_, caller):
        with pytest.raises(DeadlineExceeded, match=r"raise Timeouts\.total"):
            await caller.get("/")


async def test_slots_go_to_those_who_wait_in_their_order():
    slots, order = Slots(1), []
    await slots.wait(1)

    async def take(name: str) -> None:
        await slots.wait(1)
        order.append(name)
        slots.give_back()

    async with asyncio.TaskGroup() as takers:
        for name in "abc":
            takers.create_task(take(name))
        await asyncio.sleep(0)
        slots.give_back()
    assert (order, slots.free) == (["a", "b", "c"], 1)


async def test_slot_handed_to_a_cancelled_waiter_goes_to_the_next():
    slots = Slots(1)
    await slots.wait(1)
    waiters = [asyncio.create_task(slots.wait(1)) for _ in range(2)]
    await asyncio.sleep(0)
    slots.give_back()
    waiters[0].cancel()
    await asyncio.wait(waiters)
    slots.give_back()
    assert (waiters[0].cancelled(), waiters[1].exception(), slots.free) == (True, None, 1)


@pytest.mark.parametrize("status", [400, 404, 409, 429])
async def test_answers_that_refuse_do_not_open_the_circuit(status):
    async with calling(answer(status), breaker=CircuitBreaker(failures=1), retries=ONCE) as (_, caller):
        for _ in range(3):
            with pytest.raises(StatusError):
                await caller.get("/")


async def test_success_in_between_starts_the_count_of_failures_anew():
    script = [answer(500), answer(), answer(500), answer()]
    async with calling(*script, breaker=CircuitBreaker(failures=2), retries=ONCE) as (_, caller):
        for _ in range(2):
            with pytest.raises(StatusError):
                await caller.get("/")
            await caller.get("/")
        assert caller.figures().circuit is CircuitState.CLOSED


@pytest.mark.parametrize(
    "make",
    [
        lambda: Limits(max_connections=0),
        lambda: Limits(keep_alive=-1),
        lambda: Timeouts(attempt=0),
        lambda: CircuitBreaker(failures=0),
    ],
)
def test_limit_that_lets_nothing_pass_is_refused(make):
    with pytest.raises(ValueError, match=r"."):
        make()
