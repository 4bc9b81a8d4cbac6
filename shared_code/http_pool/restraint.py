"""What holds requests back for the service's sake: slots, a circuit, a budget of retries.

State only, no clock: the times are given, in seconds of one monotonic clock.
"""

import asyncio
from collections import deque
from contextlib import suppress
from enum import StrEnum

from shared_code.http_pool.calls import Call
from shared_code.http_pool.errors import ServiceError


class Slots:
    """So many requests at once; the others take turns, and whoever waits is served before whoever comes."""

    def __init__(self, number: int) -> None:
        self.free = number
        self._number = number
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def taken(self) -> int:
        """How many are in use."""
        return self._number - self.free

    async def wait(self, seconds: float) -> None:
        """Takes a slot.

        Raises:
            TimeoutError: none came free in this time.
        """
        if self.free:
            self.free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(seconds):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.give_back()
            raise

    def give_back(self) -> None:
        """Hands the slot to the next who waits."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1


class CircuitState(StrEnum):
    """Closed: requests flow. Open: none is sent. Half open: one probe is under way, alone.

    closed -> open: too many failures in a row, or a pause too long to be believed
    open -> half open: its time is over, and a request is sent as the probe
    half open -> closed: the probe was answered; -> open: it failed, or ended without a verdict
    """

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Circuit:
    """Holds all requests back until `retry_at`; if it is open by then, a probe decides for the others.

    A closed circuit only sits out a pause that the service has named. An open one is closed by its probe and
    nothing else: what was sent before that says nothing of now.
    """

    def __init__(self, failures: int, open_for: float, longest_pause: float) -> None:
        self.state = CircuitState.CLOSED
        self.flows = True  # the one thing that a request looks at while all is well
        self.retry_at = 0.0
        self.cause: ServiceError | None = None
        self._limit = failures
        self._open_for = open_for
        self._longest_pause = longest_pause
        self._failures = 0
        self._probe: Call | None = None
        self._decided = asyncio.Event()

    def holds_back(self, now: float) -> bool:
        """Whether no request may be sent now."""
        return self.state is CircuitState.HALF_OPEN or now < self.retry_at

    def admits(self, call: Call, now: float) -> bool:
        """Whether the call may be sent now; if the circuit is open, it is the probe."""
        if self.holds_back(now):
            return False
        if self.state is CircuitState.OPEN:
            self.state, self._probe = CircuitState.HALF_OPEN, call
            self._decided.clear()
            call.probes += 1
        else:
            self._flow()
        return True

    async def decision(self, seconds: float) -> None:
        """Waits for what becomes of the probe, for at most this many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._decided.wait()

    def succeeded(self, call: Call) -> None:
        """The service has answered."""
        if call is self._probe:
            self._decide(CircuitState.CLOSED)
            self._flow()
        elif self.state is CircuitState.CLOSED:
            self._failures = 0

    def failed(self, call: Call, failure: ServiceError, now: float, *, pause: float = 0.0) -> None:
        """The service has failed, or has named a pause in seconds; the longest is what it may ask for."""
        if call is self._probe:
            self._decide(CircuitState.OPEN)
            self._hold(failure, now + max(pause, self._open_for))
        elif self.state is CircuitState.CLOSED:
            self._failures += 1
            if self._failures >= self._limit or 0 < self._longest_pause <= pause:
                self.state = CircuitState.OPEN
                self._hold(failure, now + (pause or self._open_for))
            elif pause:
                self._hold(failure, now + pause)
        elif pause and self.state is CircuitState.OPEN:
            self._hold(failure, now + pause)

    def abandoned(self, call: Call) -> None:
        """The call ended without a verdict: if it was the probe, another one is at once."""
        if call is self._probe:
            self._decide(CircuitState.OPEN)

    def _hold(self, cause: ServiceError, until: float) -> None:
        self.flows, self.cause = False, cause
        self.retry_at = max(self.retry_at, until)

    def _flow(self) -> None:
        self.flows, self.cause, self.retry_at, self._failures = True, None, 0.0, 0

    def _decide(self, state: CircuitState) -> None:
        self.state, self._probe = state, None
        self._decided.set()


class RetryBudget:
    """A bucket of retries: each takes one, each success gives a part of one back."""

    def __init__(self, size: int, refill: float) -> None:
        self.left = float(size)
        self._size = float(size)
        self._refill = refill

    def spend(self) -> bool:
        """Takes a retry if there is one."""
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def earn(self) -> bool:
        """A request has succeeded; whether the bucket is full."""
        self.left = min(self._size, self.left + self._refill)
        return self.left == self._size
