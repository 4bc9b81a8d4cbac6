"""Which request may be sent when: it needs a slot, an end of the service's pause, and a closed circuit."""

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
    StatusError,
    Throttled,
)
from shared_code.http_pool.restraint import Circuit, RetryBudget, Slots
from shared_code.http_pool.service import Service

PAUSING = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
# A service that names a longer time is asked once more after this one, in seconds.
LONGEST_PAUSE = 3_600.0
_ILL = (ConnectionFailed, ConnectionLost, AttemptTimeout, ResponseBroken)


class Admission:
    """The gate of one service; whoever has entered leaves with `leave`, whatever happens."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self.slots = Slots(service.limits.max_connections)
        self.circuit = Circuit(service.breaker.failures, service.breaker.open_for)
        self.budget = RetryBudget(service.retries.budget, service.retries.budget_refill)
        self.paused_until = 0.0
        self._has_failed = False
        self._policy = service.retries
        self._clock = clock

    def enters_at_once(self) -> bool:
        """Takes a free slot if nothing else holds the service's requests back."""
        slots = self.slots
        if self.paused_until or not self.circuit.closed or not slots.free:
            return False
        slots.free -= 1
        return True

    async def enter(self, call: Call) -> None:
        """Waits for a slot, and with it for the end of a pause.

        Raises:
            Throttled: the pause ends too late for this call.
            CircuitOpen: the service is not to be called now.
            DeadlineExceeded: no slot came free in time.
        """
        self._refuse_hopeless(call)
        try:
            await self.slots.wait(call.deadline - self._clock.now())
        except TimeoutError:
            raise call.failed(DeadlineExceeded, "found no free slot in time") from None
        try:
            await self._sit_out_pause(call)
            self._refuse_hopeless(call)
        except BaseException:
            self.slots.give_back()
            raise
        self.circuit.begin()

    def succeeded(self) -> None:
        """Learns that an attempt was answered as it ought to be."""
        if self._has_failed:
            self.circuit.succeeded()
            self._has_failed = not self.budget.earn()

    def failed(self, failure: BaseException) -> None:
        """Learns what an attempt came to."""
        self._has_failed = True
        if isinstance(failure, StatusError | Throttled | ResponseTooLarge):
            self._failed_with(failure.status or 0, failure.retry_after)
        elif isinstance(failure, _ILL):
            self.circuit.failed(self._clock.now())
        else:
            self.circuit.abandoned()

    def _failed_with(self, status: int, retry_after: float | None) -> None:
        now = self._clock.now()
        if status in PAUSING and retry_after:
            self.paused_until = max(self.paused_until, now + min(retry_after, LONGEST_PAUSE))
            self.circuit.abandoned()
        elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.circuit.failed(now)
        else:
            self.circuit.succeeded()

    def _refuse_hopeless(self, call: Call) -> None:
        now = self._clock.now()
        pause = self.paused_until - now
        if pause > 0 and (pause > self._policy.retry_after_max or now + pause > call.deadline):
            raise call.failed(Throttled, "was not sent: the service asked for a pause", retry_after=pause)
        if self.circuit.refuses(now):
            retry_after = max(self.circuit.retry_at - now, 0.0)
            raise call.failed(CircuitOpen, "was not sent: the service is failing", retry_after=retry_after)

    async def _sit_out_pause(self, call: Call) -> None:
        """Another answer may prolong the pause meanwhile; the jitter keeps all from ending it at once."""
        while (pause := self.paused_until - self._clock.now()) > 0:
            self._refuse_hopeless(call)
            await self._clock.sleep(pause + self._policy.backoff(1, self._clock.random()))
        self.paused_until = 0.0
