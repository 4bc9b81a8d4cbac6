"""The time of an app under test: its durable timers', and what its clients waited, which takes none."""

import asyncio
import threading
from datetime import UTC, datetime

from devhost.engine.clock import VirtualClock
from shared_code.http_pool import Clock


def months_ago(months: int = 6) -> datetime:
    """The beginning of a month so long before this one, from which jobs may go on for as long.

    The app purges by the host's time only where that is earlier than the machine's (ADR 46), and its usage
    tells of the last twelve months.
    """
    today = datetime.now(UTC)
    year, month = divmod(12 * today.year + today.month - 1 - months, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)


class AppTime(Clock):
    """A clock for an app's clients on which every wait jumps to its end; other threads may read it."""

    def __init__(self, chance: float = 1.0) -> None:
        self._engine: VirtualClock | None = None
        self._start = datetime.now().astimezone()
        self._jumped = 0.0
        self._lock = threading.Lock()
        self.now = self._now
        self.wall = lambda: self._start.timestamp() + self._now()
        self.random = lambda: chance
        self.sleep = self._sleep  # type: ignore[assignment]

    def follow(self, engine: VirtualClock) -> None:
        """From now on this includes the time of an engine."""
        self._engine = engine
        self._start = engine.now()

    def skip(self, seconds: float) -> None:
        """Lets time pass."""
        with self._lock:
            self._jumped += seconds

    def _now(self) -> float:
        engine = (self._engine.now() - self._start).total_seconds() if self._engine else 0.0
        return engine + self._jumped

    async def _sleep(self, seconds: float) -> None:
        end = self._now() + seconds
        # Whoever began to wait at the same time ends at the same time, too.
        await asyncio.sleep(0)
        with self._lock:
            self._jumped += max(0.0, end - self._now())
