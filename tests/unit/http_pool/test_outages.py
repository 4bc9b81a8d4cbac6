"""A service fails for a while: who waits, who is the probe, and that nobody with time left is lost."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest

from shared_code.http_pool import (
    CircuitBreaker,
    CircuitOpen,
    CircuitState,
    ConnectionLost,
    DeadlineExceeded,
    Facts,
    Hooks,
    PoolClosed,
    RetryPolicy,
    ServiceError,
    Throttled,
    Timeouts,
    Token,
    TokenAuth,
    TokenUnavailable,
)
from tests.unit.http_pool.scripted_service import (
    HeldClock,
    JumpingClock,
    Peer,
    ScriptedService,
    Step,
    answer,
    calling,
    eventually,
    raw,
    reset,
    silence,
    until,
)

ONCE = RetryPolicy(attempts=1)
FRAGILE = CircuitBreaker(failures=1, open_for=5)
END_OF_TIME = "Fri, 31 Dec 9999 23:59:59 GMT"


class Panic(BaseException):
    """What a native library raises past every `except Exception`."""


@asynccontextmanager
async def opened(*script: Step, **options: Any) -> AsyncIterator[tuple[ScriptedService, Any, JumpingClock]]:
    """A service whose circuit a lost connection has opened; the script is what comes after it."""
    clock = JumpingClock(chance=0.0)
    options = {"breaker": FRAGILE, "retries": ONCE, **options}
    async with calling(reset, *script, clock=clock, **options) as (service, caller):
        with pytest.raises(ConnectionLost):
            await caller.get("/")
        yield service, caller, clock


async def test_dead_service_gets_a_probe_and_nothing_else():
    clock = JumpingClock(chance=0.0)
    breaker = CircuitBreaker(failures=3, open_for=5)
    async with calling(reset, breaker=breaker, retries=ONCE, clock=clock) as (service, caller):
        began = clock.now()
        while clock.now() < began + 60:
            with pytest.raises(ConnectionLost):
                await caller.get("/")
    assert len(service.received) == 3 + 60 / 5


async def test_caller_waits_for_its_turn_as_the_probe():
    async with opened(answer()) as (service, caller, _):
        assert (await caller.get("/")).status == 200
        assert caller.figures().circuit is CircuitState.CLOSED
    assert service.received[1].at - service.received[0].at == 5


async def test_caller_whose_deadline_precedes_the_next_probe_learns_at_once_when_that_is():
    async with opened(timeouts=Timeouts(total=4)) as (service, caller, clock):
        with pytest.raises(CircuitOpen, match=r"failing \(ConnectionLost\).* in 5\.0 s") as caught:
            await caller.get("/")
    error = caught.value
    assert (error.service, error.retry_after, error.attempts) == ("peer", 5, 0)
    assert error.retry_at == clock.wall() + 5
    assert isinstance(error.__cause__, ConnectionLost)
    assert len(service.received) == 1


async def test_one_probe_is_under_way_and_the_others_follow_it():
    release = asyncio.Event()
    async with opened(until(release, answer()), answer()) as (service, caller, clock):
        clock.time += 5
        calls = [asyncio.create_task(caller.get("/")) for _ in range(20)]
        await eventually(lambda: len(service.received) == 2)
        figures = caller.figures()
        release.set()
        assert [(await call).status for call in calls] == [200] * 20
    assert (figures.circuit, figures.in_flight) == (CircuitState.HALF_OPEN, 1)


async def test_failed_probe_costs_its_caller_neither_attempts_nor_budget():
    policy = RetryPolicy(attempts=2, budget=0)
    options: Any = {"retries": policy, "breaker": FRAGILE}
    async with calling(*[answer(503)] * 9, answer(), **options) as (service, caller):
        assert (await caller.get("/")).status == 200
    assert len(service.received) == 10


async def test_circuit_is_closed_by_its_probe_and_by_no_request_of_before_the_outage():
    release = asyncio.Event()
    options: Any = {"breaker": FRAGILE, "retries": ONCE}
    async with calling(until(release, answer()), reset, answer(), **options) as (service, caller):
        early = asyncio.create_task(caller.get("/"))
        await eventually(lambda: len(service.received) == 1)
        with pytest.raises(ConnectionLost):
            await caller.get("/")
        release.set()
        await early
        assert caller.figures().circuit is CircuitState.OPEN
        await caller.get("/")
        assert caller.figures().circuit is CircuitState.CLOSED


@pytest.mark.parametrize("method", ["get", "stream"])
async def test_cancelled_probe_hands_over_to_the_next_at_once(method):
    async def read_stream(caller: Any) -> None:
        async with caller.stream("GET", "/"):
            pass

    async with opened(silence, answer()) as (service, caller, clock):
        clock.time += 5
        probe = asyncio.create_task(caller.get("/") if method == "get" else read_stream(caller))
        await eventually(lambda: len(service.received) == 2)
        follower = asyncio.create_task(caller.get("/"))
        await asyncio.sleep(0)
        probe.cancel()
        assert (await follower).status == 200
    assert service.received[2].at == service.received[1].at


async def test_sibling_that_fails_cancels_no_probe_for_good():
    async def fail() -> None:
        await eventually(lambda: len(service.received) == 2)
        raise ValueError

    async def siblings(*coroutines: Any) -> None:
        async with asyncio.TaskGroup() as group:
            for coroutine in coroutines:
                group.create_task(coroutine)

    async with opened(silence, answer()) as (service, caller, clock):
        clock.time += 5
        with pytest.raises(ExceptionGroup):
            await siblings(caller.get("/"), fail())
        assert (await caller.get("/")).status == 200


@pytest.mark.parametrize("kind", [asyncio.CancelledError, TokenUnavailable])
async def test_probe_that_gets_no_token_hands_over_with_what_it_asked_for(kind):
    asked: list[asyncio.Future[Token]] = []

    async def provider() -> Token:
        asked.append(asyncio.get_running_loop().create_future())
        if len(asked) == 2:
            return await asked[-1]
        return Token("t", 0.0)

    async with opened(answer(), auth=TokenAuth(provider)) as (_, caller, clock):
        clock.time += 5
        probe = asyncio.create_task(caller.get("/"))
        await eventually(lambda: len(asked) == 2)
        probe.cancel() if kind is asyncio.CancelledError else asked[-1].set_exception(OSError())
        with pytest.raises(kind):
            await probe
        if not asked[-1].done():
            asked[-1].set_result(Token("t", 0.0))
        assert (await caller.get("/")).status == 200
        assert len(asked) == (2 if kind is asyncio.CancelledError else 3)


async def test_token_that_does_not_come_holds_no_call_beyond_its_deadline():
    async def provider() -> Token:
        await asyncio.get_running_loop().create_future()
        return Token("never", 0.0)

    async with calling(auth=TokenAuth(provider), timeouts=Timeouts(total=0.05)) as (_, caller):
        with pytest.raises(TokenUnavailable):
            await caller.get("/")


async def test_stream_is_a_successful_probe_once_it_begins():
    async with opened(answer(), answer()) as (_, caller, _), caller.stream("GET", "/"):
        assert (await caller.get("/")).status == 200


async def test_abandoned_stream_leaves_circuit_and_slots_free():
    async with opened(answer(), answer()) as (_, caller, _):
        abandoned = caller.stream("GET", "/")
        await abandoned.__aenter__()
        del abandoned
        gc.collect()
        await eventually(lambda: caller.figures().in_flight == 0)
        assert (await caller.get("/")).status == 200


async def test_probe_that_its_deadline_cuts_short_has_failed():
    async with opened(silence, timeouts=Timeouts(total=0.1)) as (service, caller, clock):
        clock.time += 5
        with pytest.raises(DeadlineExceeded, match="not answered in time"):
            await caller.get("/")
        with pytest.raises(CircuitOpen):
            await caller.get("/")
    assert len(service.received) == 2


async def test_pool_that_closes_during_the_probe_leaves_nobody_waiting():
    async with opened(silence) as (service, caller, clock):
        clock.time += 5
        calls = [asyncio.create_task(caller.get("/")) for _ in range(3)]
        await eventually(lambda: len(service.received) == 2)
        await caller.close(drain=0)
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [PoolClosed] * 3


async def test_hook_that_panics_costs_no_call_no_slot_and_no_probe():
    def panic(_: Facts) -> None:
        raise Panic

    hooks = Hooks(on_attempt=panic, on_retry=panic, on_result=panic)
    async with opened(answer(), hooks=hooks) as (_, caller, _):
        async with caller.stream("GET", "/") as response:
            assert response.status == 200
        assert (await caller.get("/")).status == 200
        assert caller.figures().in_flight == 0


@pytest.mark.parametrize("word", ["61", "86400", "9" * 30, END_OF_TIME])
async def test_pause_too_long_to_be_believed_is_probed_after_a_minute(word):
    clock = JumpingClock(chance=0.0)
    async with calling(answer(429, retry_after=word), answer(), clock=clock) as (service, caller):
        assert (await caller.get("/")).status == 200
    assert service.received[1].at - service.received[0].at == 60


async def test_service_that_asks_for_a_day_again_and_again_is_probed_once_a_minute():
    clock = JumpingClock(chance=0.0)
    options: Any = {"clock": clock, "timeouts": Timeouts(total=50)}
    async with calling(answer(429, retry_after="86400"), **options) as (service, caller):
        for _ in range(60):
            with pytest.raises(Throttled) as caught:
                await caller.get("/")
            clock.time += 1
    asked = [request.at for request in service.received]
    assert {later - earlier for earlier, later in pairwise(asked)} == {60}
    assert caught.value.status == 429


async def test_pause_that_lasts_as_asked_needs_no_probe():
    clock, release = HeldClock(), asyncio.Event()
    script = [answer(429, retry_after="9"), until(release, answer())]
    async with calling(*script, clock=clock) as (service, caller):
        calls = [asyncio.create_task(caller.get("/"))]
        await eventually(lambda: bool(clock.sleepers))
        calls += [asyncio.create_task(caller.get("/")) for _ in range(4)]
        await eventually(lambda: len(clock.sleepers) == 5)
        clock.advance(9)
        await eventually(lambda: len(service.received) == 1 + 5)
        release.set()
        await asyncio.gather(*calls)


DEAD = {
    "resets": reset,
    "hangs": silence,
    "closes in the middle": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
    "500": answer(500),
    "503": answer(503),
    "429 for a second": answer(429, retry_after="1"),
    "429 for a minute": answer(429, retry_after="61"),
    "429 for a day": answer(429, retry_after="86400"),
}


@pytest.mark.parametrize("dead", DEAD.values(), ids=DEAD)
async def test_outage_of_a_minute_costs_at_most_sixty_requests_and_no_call_after_it(dead):
    """Twenty callers ask every half second, on a clock that moves on when nothing is under way."""
    clock, outcomes = HeldClock(chance=0.5), list[tuple[float, bool]]()
    ends = clock.now() + 60

    async def serve(peer: Peer) -> None:
        await (dead if clock.now() < ends else answer())(peer)

    async with calling(serve, clock=clock, timeouts=Timeouts(attempt=0.2, total=120)) as (service, caller):
        callers = [asyncio.create_task(ask_on(caller, clock, ends + 8, outcomes)) for _ in range(20)]
        while not all(task.done() for task in callers):
            for _ in range(5):
                await asyncio.sleep(0)
            await eventually(lambda: caller.figures().in_flight == 0)
            clock.advance(0.05)
    probes = [request.at for request in service.received if request.at >= ends]
    assert sum(request.at < ends for request in service.received) <= 60
    assert min(at for at, succeeded in outcomes if succeeded) - min(probes) <= 0.5
    assert all(succeeded for at, succeeded in outcomes if at >= ends)


async def ask_on(caller: Any, clock: HeldClock, until: float, outcomes: list[tuple[float, bool]]) -> None:
    while clock.now() < until:
        try:
            await caller.get("/")
        except ServiceError:
            outcomes.append((clock.now(), False))
        else:
            outcomes.append((clock.now(), True))
        await clock.sleep(0.5)
