"""Whatever happens in whatever order, a circuit stays alive and lets no more through than it may."""

import asyncio
from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared_code.http_pool import (
    CircuitBreaker,
    CircuitState,
    ConnectionLost,
    DeadlineExceeded,
    Limits,
    PoolClosed,
    Service,
    StatusError,
    Timeouts,
    TokenUnavailable,
)
from shared_code.http_pool.admission import Admission
from shared_code.http_pool.calls import Call
from tests.unit.http_pool.scripted_service import HeldClock

SERVICE = Service(
    name="peer",
    base_url="http://peer.invalid",
    breaker=CircuitBreaker(failures=2, open_for=5),
    limits=Limits(max_connections=3),
    timeouts=Timeouts(total=90),
)
MINUTE = SERVICE.retries.retry_after_max
REFUSALS = [(400, None), (429, None), (429, 0.5), (429, MINUTE), (500, None), (503, None), (503, 9.0)]


class Panic(BaseException):
    """What a native library raises past every `except Exception`."""


outcomes = st.one_of(
    st.just("answered"),
    st.sampled_from(REFUSALS),
    st.sampled_from([ConnectionLost, DeadlineExceeded, TokenUnavailable, PoolClosed, Panic]),
)
steps = st.one_of(
    st.just(("call", None)),
    st.tuples(st.just("end"), outcomes),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("advance"), st.sampled_from([0.3, 1.0, 5.0, 30.0, 60.0])),
)


class Callers:
    """Calls of one service; the test says how each attempt ends."""

    def __init__(self) -> None:
        self.clock = HeldClock()
        self.admission = Admission(SERVICE, self.clock)
        self.under_way: dict[Call, asyncio.Future[None]] = {}
        self.probing: set[Call] = set()
        self.tasks: list[asyncio.Task[None]] = []
        self.refusals: list[tuple[float, float]] = []

    async def call(self) -> None:
        admission, call = self.admission, Call(self.clock, SERVICE, "GET", "/", {})
        held_until = admission.circuit.retry_at
        if not admission.enters_at_once():
            try:
                await admission.enter(call)
            except DeadlineExceeded as refusal:
                self.refusals.append((self.clock.now() + (refusal.retry_after or 0.0), call.deadline))
                return
            held_until = admission.held_for() + self.clock.now()
        assert held_until <= self.clock.now()
        await self.attempt(call)

    async def attempt(self, call: Call) -> None:
        if call.probes:
            self.probing.add(call)
        self.under_way[call] = asyncio.get_running_loop().create_future()
        try:
            await self.under_way[call]
        except BaseException as failure:
            self.admission.slots.give_back()
            self.admission.failed(call, failure)
            if isinstance(failure, asyncio.CancelledError):
                raise
        else:
            self.admission.slots.give_back()
            self.admission.succeeded(call)
        finally:
            self.probing.discard(call)
            del self.under_way[call]

    def end(self, outcome: Any) -> None:
        for call, attempt in list(self.under_way.items())[:1]:
            if outcome == "answered":
                attempt.set_result(None)
            else:
                attempt.set_exception(failure_of(call, outcome))

    async def take(self, step: str, value: Any) -> None:
        if step == "call":
            self.tasks.append(asyncio.create_task(self.call()))
        elif step == "end":
            self.end(value)
        elif step == "cancel" and self.tasks:
            self.tasks[value % len(self.tasks)].cancel()
        elif step == "advance":
            self.clock.advance(value)
        for _ in range(8):
            await asyncio.sleep(0)

    def check(self) -> None:
        """The circuit is closed, has a probe under way, or a time at which everybody who waits is awake."""
        circuit, now = self.admission.circuit, self.clock.now()
        waiting = [task for task in self.tasks if not task.done()]
        awake = {wakes for wakes, _, woken in self.clock.sleepers if not woken.done()}
        assert len(self.under_way) == self.admission.slots.taken <= 3
        assert len(self.probing) == (circuit.state is CircuitState.HALF_OPEN)
        assert self.admission.held_for() <= MINUTE
        if circuit.holds_back(now) and circuit.state is not CircuitState.HALF_OPEN:
            assert len(awake) > 0 or len(waiting) == len(self.under_way)
        assert all(wakes <= now + MINUTE for wakes in awake)

    async def recover(self) -> None:
        """The service is well, and two minutes pass."""
        for _ in range(9):
            while self.under_way:
                await self.take("end", "answered")
            await self.take("advance", 15.0)


def failure_of(call: Call, outcome: Any) -> BaseException:
    if isinstance(outcome, tuple):
        status, retry_after = outcome
        return call.failed(StatusError, "was refused", status=status, retry_after=retry_after)
    if outcome is PoolClosed:
        return PoolClosed("peer")
    return Panic() if outcome is Panic else call.failed(outcome, "failed")


async def play(scene: Iterable[tuple[str, Any]]) -> Callers:
    callers = Callers()
    for step, value in scene:
        await callers.take(step, value)
        callers.check()
    await callers.recover()
    await callers.take("call", None)
    await callers.recover()
    return callers


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=30))
def test_no_order_of_events_leaves_a_circuit_without_its_probe_or_with_two(scene):
    callers = asyncio.run(play(scene))
    assert all(next_probe >= deadline for next_probe, deadline in callers.refusals)
    assert [task for task in callers.tasks if not task.done()] == []
    assert [task.exception() for task in callers.tasks if not task.cancelled() and task.exception()] == []
    assert (callers.admission.circuit.state, callers.admission.slots.taken) == (CircuitState.CLOSED, 0)
