"""What holds requests back for the service's sake: slots, an open circuit, a budget of retries.

State only, no clock: the times are given, in seconds of one monotonic clock.
"""

import asyncio
from collections import deque
from enum import StrEnum


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
    """Closed: requests flow. Open: none is sent. Half open: one probe is under way, alone."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Circuit:
    """Opens after so many failures in a row; lets one probe through when its time is over."""

    def __init__(self, failures: int, open_for: float) -> None:
        self.state = CircuitState.CLOSED
        self.closed = True
        self.retry_at = 0.0
        self._limit = failures
        self._open_for = open_for
        self._failures = 0

    def refuses(self, now: float) -> bool:
        """Whether no request may be sent now."""
        return not self.closed and (self.state is CircuitState.HALF_OPEN or now < self.retry_at)

    def begin(self) -> None:
        """A request is sent: if the circuit is open, it is the probe."""
        if not self.closed:
            self.state = CircuitState.HALF_OPEN

    def succeeded(self) -> None:
        """The service has answered."""
        self._failures = 0
        if not self.closed:
            self.closed, self.state = True, CircuitState.CLOSED

    def failed(self, now: float) -> None:
        """The service has failed; what was sent before the circuit opened does not prolong it."""
        self._failures += 1
        if self.state is CircuitState.HALF_OPEN or (self.closed and self._failures >= self._limit):
            self.closed, self.state = False, CircuitState.OPEN
            self.retry_at = now + self._open_for

    def abandoned(self) -> None:
        """A request ended without a verdict: if it was the probe, the next one is."""
        if self.state is CircuitState.HALF_OPEN:
            self.state = CircuitState.OPEN


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
