"""Time as the engine sees it, so that tests can supply their own."""

import asyncio
from datetime import UTC, datetime
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
