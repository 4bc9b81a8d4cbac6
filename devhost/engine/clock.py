"""Time as the engine sees it, so that tests can supply their own."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits for it."""

    def now(self) -> datetime:
        """The current time, in UTC."""

    async def wait_until(self, when: datetime | None, wake: asyncio.Event) -> None:
        """Returns when the time has come or `wake` is set; waits for `wake` alone if `when` is `None`."""


class VirtualClock:
    """A clock that stands still until it is told to move on; waiting for it takes no time."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._sleepers: set[asyncio.Event] = set()

    def now(self) -> datetime:
        """The time that it was last told."""
        return self._now

    def advance_to(self, time: datetime) -> None:
        """Moves on to a later time and wakes all that wait."""
        self._now = max(self._now, time)
        for wake in self._sleepers:
            wake.set()

    async def wait_until(self, when: datetime | None, wake: asyncio.Event) -> None:
        """Returns when the clock has moved or `wake` is set."""
        if when is not None and when <= self._now:
            return
        self._sleepers.add(wake)
        try:
            await wake.wait()
        finally:
            self._sleepers.discard(wake)


class SkippingClock:
    """A clock that runs on from whatever time it has been put forward to."""

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        self._ahead = timedelta()
        self._skipped = asyncio.Event()

    @property
    def ahead(self) -> timedelta:
        """By how much it has been put forward."""
        return self._ahead

    def now(self) -> datetime:
        """The current time, in UTC, as this clock has it."""
        return self._clock.now() + self._ahead

    def skip_to(self, time: datetime) -> None:
        """Puts the clock forward; whoever waits for it looks again."""
        self._ahead += max(timedelta(), time - self.now())
        self._skipped.set()

    async def wait_until(self, when: datetime | None, wake: asyncio.Event) -> None:
        """Returns when the time has come, `wake` is set or the clock has been put forward."""
        self._skipped.clear()
        waits = [
            asyncio.ensure_future(self._clock.wait_until(when and when - self._ahead, wake)),
            asyncio.ensure_future(self._skipped.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in waits:
                waiting.cancel()


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current time, in UTC."""
        return datetime.now(UTC)

    async def wait_until(self, when: datetime | None, wake: asyncio.Event) -> None:
        """Returns when the time has come or `wake` is set."""
        seconds = None if when is None else max(0.0, (when - self.now()).total_seconds())
        try:
            async with asyncio.timeout(seconds):
                await wake.wait()
        except TimeoutError:
            return
