"""One timer for all attempts of a service: one of aiohttp's own for each costs a tenth of a small request.

Attempts have one duration and end in the order in which they began, so that it is enough to wait for the
oldest. Time runs out as in `asyncio.timeout`: the task is cancelled, and the cancellation taken back.
"""

import asyncio
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class RunningAttempt:
    """An attempt that is being timed."""

    task: "asyncio.Task[object]"
    cancellations: int
    ends: float
    expired: bool = False

    def take_back(self) -> bool:
        """Whether the task was cancelled for no reason but the time, which is then undone."""
        return self.expired and self.task.uncancel() <= self.cancellations


class AttemptTimer:
    """Cancels what runs longer than this many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._running: dict[RunningAttempt, None] = {}
        self._alarm: asyncio.TimerHandle | None = None

    def start(self) -> RunningAttempt:
        """Times the task that calls."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("Requests are sent from a task: use asyncio.run or asyncio.create_task.")
        attempt = RunningAttempt(task, task.cancelling(), self._loop.time() + self._seconds)
        self._running[attempt] = None
        if self._alarm is None:
            self._alarm = self._loop.call_at(attempt.ends, self._expire)
        return attempt

    def stop(self, attempt: RunningAttempt) -> None:
        """Times it no longer."""
        self._running.pop(attempt, None)

    def close(self) -> None:
        """Gives the alarm back to the loop."""
        if self._alarm:
            self._alarm.cancel()

    def _expire(self) -> None:
        # A loop may call a little early, by the resolution of its clock.
        now = self._loop.time() + 0.001
        while self._running and (oldest := next(iter(self._running))).ends <= now:
            del self._running[oldest]
            oldest.expired = True
            oldest.task.cancel()
        self._alarm = self._loop.call_at(oldest.ends, self._expire) if self._running else None
