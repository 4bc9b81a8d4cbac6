import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_code.http_pool import (
    DEFAULT_METHODS,
    DEFAULT_STATUSES,
    AttemptTimeout,
    ConnectionFailed,
    ConnectionLost,
    ResponseBroken,
    RetryBudgetExhausted,
    RetryPolicy,
    Service,
    ServicePool,
    StatusError,
    Throttled,
    Timeouts,
)
from tests.unit.http_pool.scripted_service import (
    HeldClock,
    JumpingClock,
    answer,
    calling,
    eventually,
    half_a_body,
    raw,
    reset,
    serving,
    silence,
)

QUICK = Timeouts(connect=1, attempt=0.2, total=60)  # a busy machine takes 0.05 for an answer
BROKEN = [
    (reset, ConnectionLost),
    (raw(b""), ConnectionLost),
    (raw(b"HTTP/1.1 200 OK\r\nContent-Le"), ConnectionLost),
    (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"), ResponseBroken),
    (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nshort"), ResponseBroken),
    (raw(b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n"), ResponseBroken),
    (raw(b"SSH-2.0-server\r\n\r\n"), ResponseBroken),
    (silence, AttemptTimeout),
    (half_a_body, AttemptTimeout),
]


@pytest.mark.parametrize("status", sorted(DEFAULT_STATUSES))
async def test_passing_failure_is_retried_until_the_service_recovers(status):
    async with calling(answer(status), answer(status), answer(body=b"well")) as (service, caller):
        assert (await caller.get("/")).body == b"well"
    assert len(service.received) == 3


@pytest.mark.parametrize(("step", "kind"), BROKEN)
async def test_broken_answer_is_retried_and_named_in_the_end(step, kind):
    async with calling(step, answer(), step, timeouts=QUICK, retries=RetryPolicy(attempts=2)) as (
        service,
        caller,
    ):
        assert (await caller.get("/")).status == 200
        with pytest.raises(kind) as caught:
            await caller.get("/")
    assert caught.value.attempts == 2
    assert len(service.received) == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500, 501])
async def test_lasting_failure_is_not_retried(status):
    async with calling(answer(status)) as (service, caller):
        with pytest.raises(StatusError):
            await caller.get("/")
    assert len(service.received) == 1


async def test_status_500_is_retried_by_opt_in():
    policy = RetryPolicy(statuses=DEFAULT_STATUSES | {500})
    async with calling(answer(500), answer(), retries=policy) as (_, caller):
        assert (await caller.get("/")).status == 200


@pytest.mark.parametrize("method", ["post", "patch"])
@pytest.mark.parametrize("step", [answer(503), reset])
async def test_post_is_not_retried_without_idempotency_key(method, step):
    async with calling(step) as (service, caller):
        with pytest.raises((StatusError, ConnectionLost)):
            await getattr(caller, method)("/", json={})
    assert len(service.received) == 1


@pytest.mark.parametrize("status", [500, 503])
async def test_post_with_idempotency_key_is_retried_with_the_same_body(status):
    async with calling(answer(status), answer()) as (service, caller):
        await caller.post("/", json={"a": 1}, headers={"idempotency-key": "k"})
    assert [request.body for request in service.received] == [b'{"a":1}'] * 2


async def test_post_is_retried_by_opt_in():
    async with calling(answer(503), answer(), retries=RetryPolicy(methods=DEFAULT_METHODS | {"POST"})) as (
        _,
        caller,
    ):
        assert (await caller.post("/")).status == 200


async def test_body_that_can_be_read_once_is_not_sent_again():
    async def body() -> AsyncIterator[bytes]:
        yield b"once"

    async with calling(answer(503)) as (service, caller):
        with pytest.raises(StatusError):
            await caller.put("/", data=body(), headers={"Content-Length": "4"})
    assert len(service.received) == 1


async def test_refused_connection_is_retried_even_for_post():
    async with serving() as gone:
        url = gone.url
    clock = JumpingClock()
    async with ServicePool(clock=clock) as pool:
        with pytest.raises(ConnectionFailed, match="was refused a connection"):
            await pool.register(Service(name="gone", base_url=url)).post("/")
    assert len(clock.slept) == 3


async def test_unknown_host_is_a_connection_that_failed():
    async with ServicePool(clock=JumpingClock()) as pool:
        with pytest.raises(ConnectionFailed, match="found no such host"):
            await pool.register(Service(name="none", base_url="http://none.invalid")).get("/")


async def test_waits_grow_exponentially_up_to_their_maximum():
    clock = JumpingClock(chance=1.0)
    policy = RetryPolicy(attempts=6, wait_initial=1, wait_max=5)
    async with calling(reset, clock=clock, retries=policy) as (_, caller):
        with pytest.raises(ConnectionLost):
            await caller.get("/")
    assert clock.slept == [1, 2, 4, 5, 5]


@given(
    attempt=st.integers(1, 5_000),
    chance=st.floats(0, 1),
    initial=st.floats(0, 1e6),
    longest=st.floats(0, 1e6),
)
def test_backoff_stays_between_nothing_and_its_bounds(attempt, chance, initial, longest):
    policy = RetryPolicy(wait_initial=min(initial, longest), wait_max=longest)
    bound = min(longest, policy.wait_initial * 2.0 ** min(attempt - 1, 900))
    assert 0 <= policy.backoff(attempt, chance) <= bound


async def test_retry_after_header_overrides_backoff():
    clock = JumpingClock(chance=0.0)
    async with calling(answer(429, retry_after="7"), answer(), clock=clock) as (service, caller):
        await caller.get("/")
    assert service.received[1].at - service.received[0].at == 7


async def test_wait_beyond_the_deadline_fails_at_once():
    clock = JumpingClock()
    async with calling(answer(503, retry_after="50"), clock=clock, timeouts=Timeouts(total=40)) as (
        _,
        caller,
    ):
        with pytest.raises(Throttled) as caught:
            await caller.get("/")
    assert (caught.value.status, caught.value.retry_after, clock.slept) == (503, 50, [])


@pytest.mark.parametrize("status", [429, 503])
async def test_no_caller_of_a_throttled_service_sends_before_the_time_it_named(status):
    """A storm of 200 callers meets one answer with Retry-After."""
    clock = HeldClock()
    async with calling(answer(status, retry_after="9"), answer(), clock=clock) as (service, caller):
        began = clock.now()
        first = asyncio.create_task(caller.get("/"))
        await eventually(lambda: bool(clock.sleepers))
        storm = [asyncio.create_task(caller.get("/")) for _ in range(200)]
        await eventually(lambda: caller.figures().requests == 201 and len(clock.sleepers) >= 100)
        clock.advance(8.999)
        await asyncio.sleep(0)
        assert len(service.received) == 1
        clock.advance(0.001)
        responses = await asyncio.gather(first, *storm)
    assert [response.status for response in responses] == [200] * 201
    assert all(request.at >= began + 9 for request in service.received[1:])


async def test_waiting_callers_are_spread_after_a_pause():
    chances = itertools.cycle([0.0, 0.5, 1.0])
    clock = HeldClock()
    clock.random = lambda: next(chances)
    async with calling(answer(429, retry_after="9"), answer(), clock=clock) as (_, caller):
        tasks = [asyncio.create_task(caller.get("/"))]
        await eventually(lambda: bool(clock.sleepers))
        tasks += [asyncio.create_task(caller.get("/")) for _ in range(5)]
        await eventually(lambda: len(clock.sleepers) == 6)
        assert len({wakes for wakes, _, _ in clock.sleepers}) == 3
        clock.advance(10)
        await asyncio.gather(*tasks)


async def test_retries_end_when_their_budget_is_spent():
    policy = RetryPolicy(attempts=4, budget=5)
    async with calling(answer(502), retries=policy) as (service, caller):
        for _ in range(10):
            with pytest.raises((RetryBudgetExhausted, StatusError)):
                await caller.get("/")
        with pytest.raises(RetryBudgetExhausted) as caught:
            await caller.get("/")
    assert len(service.received) == 11 + 5
    assert caught.value.status == 502
    assert isinstance(caught.value.__cause__, StatusError)


async def test_successes_earn_retries_back():
    policy = RetryPolicy(budget=1, budget_refill=0.5)
    async with calling(answer(502), answer(), answer(), answer(502), answer(), retries=policy) as (_, caller):
        for _ in range(3):
            await caller.get("/")
        assert caller.figures().budget == 0.5


async def test_first_attempt_that_succeeds_never_enters_the_retry_machinery(monkeypatch):
    async with calling() as (_, caller):
        monkeypatch.setattr("shared_code.http_pool.caller.AsyncRetrying", None)
        assert (await caller.get("/")).status == 200


async def test_connection_of_a_failed_attempt_is_used_again_by_the_next():
    async with calling(answer(503, b"later"), answer()) as (service, caller):
        await caller.get("/")
        assert len(service.open_connections) == 1


async def test_cancellation_during_a_wait_sends_no_more():
    clock = HeldClock(chance=1.0)
    async with calling(answer(503), clock=clock) as (service, caller):
        request = asyncio.create_task(caller.get("/"))
        await eventually(lambda: bool(clock.sleepers))
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert (len(service.received), caller.figures().in_flight) == (1, 0)


async def test_request_that_sits_out_a_pause_holds_no_slot():
    clock = HeldClock()
    async with calling(answer(429, retry_after="9"), answer(), clock=clock) as (service, caller):
        requests = [asyncio.create_task(caller.get("/"))]
        await eventually(lambda: len(clock.sleepers) == 1)
        requests.append(asyncio.create_task(caller.get("/")))
        await eventually(lambda: len(clock.sleepers) == 2)
        assert caller.figures().in_flight == 0
        for request in requests:
            request.cancel()
        await asyncio.wait(requests)
        assert (len(service.received), caller.figures().in_flight) == (1, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"budget": -1},
        {"wait_initial": 2, "wait_max": 1},
        {"wait_initial": -1},
        {"retry_after_max": -1},
    ],
)
def test_policy_without_bounds_is_refused(wrong):
    with pytest.raises(ValueError, match="A retry policy"):
        RetryPolicy(**wrong)
