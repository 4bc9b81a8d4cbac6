"""Which request may be sent when: it needs a slot, and a circuit that does not hold it back."""

from http import HTTPStatus

from shared_code.http_pool.calls import Call
from shared_code.http_pool.clock import Clock
from shared_code.http_pool.errors import (
    AttemptTimeout,
    CircuitOpen,
    ConnectionFailed,
    ConnectionLost,
    DeadlineExceeded,
    ResponseBroken,
    ResponseTooLarge,
    ServiceError,
    StatusError,
    Throttled,
)
from shared_code.http_pool.restraint import Circuit, CircuitState, RetryBudget, Slots
from shared_code.http_pool.service import Service

_PAUSING = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
# A deadline that cuts an attempt short is a failure too: a hanging service would else be asked without end.
_ILL = (ConnectionFailed, ConnectionLost, AttemptTimeout, DeadlineExceeded, ResponseBroken)


class Admission:
    """The gate of one service; whoever has entered gives the slot back and tells how the attempt ended."""

    def __init__(self, service: Service, clock: Clock) -> None:
        breaker, retries = service.breaker, service.retries
        self.slots = Slots(service.limits.max_connections)
        self.circuit = Circuit(breaker.failures, breaker.open_for, retries.retry_after_max)
        self.budget = RetryBudget(retries.budget, retries.budget_refill)
        self._has_failed = False
        self._policy = retries
        self._clock = clock

    def enters_at_once(self) -> bool:
        """Takes a free slot if nothing else holds the service's requests back."""
        slots = self.slots
        if not self.circuit.flows or not slots.free:
            return False
        slots.free -= 1
        return True

    async def enter(self, call: Call) -> None:
        """Waits for the circuit without holding a slot, and for a slot without being the probe.

        Raises:
            Throttled: the service's pause outlasts the deadline.
            CircuitOpen: the service is failing, and the next probe comes after the deadline.
            DeadlineExceeded: no slot came free in time.
        """
        while True:
            await self._wait_for_circuit(call)
            await self._wait_for_slot(call)
            if self.circuit.admits(call, self._clock.now()):
                return
            self.slots.give_back()

    def refuse_hopeless(self, call: Call) -> None:
        """Raises what says when to come again if the call is held back beyond its deadline."""
        cause, now = self.circuit.cause, self._clock.now()
        if cause is None or not self.circuit.holds_back(now):
            return
        if max(self.circuit.retry_at, now) < call.deadline:
            return
        wait = self.held_for()
        kind, why = (Throttled, "asked for a pause") if cause.retry_after else (CircuitOpen, "is failing")
        what = f"was not sent: the service {why} ({type(cause).__name__}) and is asked again in {wait:.1f} s"
        raise call.failed(kind, what, status=cause.status, retry_after=wait) from cause

    def held_for(self) -> float:
        """Seconds until a request may be sent."""
        return max(self.circuit.retry_at - self._clock.now(), 0.0)

    def succeeded(self, call: Call) -> None:
        """Learns that an attempt was answered as it ought to be."""
        if self._has_failed:
            self.circuit.succeeded(call)
            has_full_budget = self.budget.earn()
            self._has_failed = not (has_full_budget and self.circuit.flows)

    def failed(self, call: Call, failure: BaseException) -> None:
        """Learns what an attempt came to."""
        self._has_failed = True
        if isinstance(failure, StatusError | ResponseTooLarge):
            self._answered(call, failure, failure.status or 0)
        elif isinstance(failure, _ILL):
            self.circuit.failed(call, failure, self._clock.now())
        else:
            self.circuit.abandoned(call)

    def _answered(self, call: Call, failure: ServiceError, status: int) -> None:
        pause = failure.retry_after or 0.0 if status in _PAUSING else 0.0
        if pause or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.circuit.failed(call, failure, self._clock.now(), pause=pause)
        else:
            self.circuit.succeeded(call)

    async def _wait_for_circuit(self, call: Call) -> None:
        """The jitter lets one be the first, and keeps the others from following all at once."""
        while self.circuit.holds_back(self._clock.now()):
            self.refuse_hopeless(call)
            held, left = self.held_for(), call.deadline - self._clock.now()
            if self.circuit.state is CircuitState.HALF_OPEN:
                await self.circuit.decision(left)
            else:
                jitter = self._policy.backoff(1, self._clock.random())
                await self._clock.sleep(held + min(jitter, (left - held) / 2))

    async def _wait_for_slot(self, call: Call) -> None:
        try:
            await self.slots.wait(call.deadline - self._clock.now())
        except TimeoutError:
            raise call.failed(DeadlineExceeded, "found no free slot in time") from None
