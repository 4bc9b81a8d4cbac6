"""Tests for durable apps: the real folders in this process, days in an instant, old histories on new code.

async with running_app(Path("my-app")) as app:
job = await app.start("my-orchestrator", {"files": 3})
await app.run_until_idle()
assert await app.output(job) == 3
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from devhost.engine.clock import VirtualClock
from devhost.engine.errors import InstanceNotFound
from devhost.engine.history import HistoryEvent
from devhost.engine.instance import Instance
from devhost.engine.replay import Difference, replay
from devhost.engine.task_hub import TaskHub
from devhost.host import IN_MEMORY, Host, HostOptions
from devhost.settings.host_json import load_settings

START = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)

_LOOK = 0.001  # seconds that who waited gets to ask again

__all__ = ["AppUnderTest", "Difference", "run_until_idle", "running_app"]


@dataclass(frozen=True)
class AppUnderTest:
    """A running app whose timers of both kinds follow `clock`; its HTTP functions answer at `host.origin`."""

    host: Host
    clock: VirtualClock

    async def start(self, name: str, value: Any = None, *, instance_id: str | None = None) -> str:
        """Starts an orchestration with a JSON value, as the SDK's client does; returns its id."""
        text = None if value is None else json.dumps(json.dumps(value))
        return await self.host.hub.start_orchestration(name, instance_id=instance_id, input_text=text)

    async def raise_event(self, instance_id: str, name: str, value: Any = None) -> None:
        """Raises an external event with a JSON value."""
        await self.host.hub.raise_event(instance_id, name, json.dumps(value))

    async def deliver(self, function: str, message: Any) -> None:
        """Runs a queue function for a message, a text or else a value sent as JSON; no queue is needed.

        Raises:
            FunctionFailed: the function raised, or there is none of the name.
        """
        text = message if isinstance(message, str) else json.dumps(message)
        await self.host.run_by_hand(function, text)

    async def settle(self) -> None:
        """Lets everything run that can without time passing, but for what waits for storage that is away."""
        settled = asyncio.create_task(self.host.settle())
        waiting = asyncio.create_task(self._pass_storage_waits())
        try:
            await settled
        finally:
            waiting.cancel()

    async def _pass_storage_waits(self) -> None:
        while True:
            self.clock.advance_to(await self.host.storage_wait())
            await asyncio.sleep(_LOOK)

    async def run_until_idle(self, *, limit: timedelta = YEAR) -> None:
        """Lets everything run that can, durable timers of the next `limit` included.

        Timer functions that are due on the way run too; they do not keep the app from being idle.
        """
        end = self.clock.now() + limit
        await self.settle()
        while (due := self.host.hub.next_timer) is not None and due <= end:
            await self._run_at(min(due, self.host.next_timer or due))

    async def advance(self, time: timedelta) -> None:
        """Lets time pass: durable timers and timer functions run whenever they are due, in their order."""
        end = self.clock.now() + time
        await self.settle()
        while (due := self._next_due()) is not None and due <= end:
            await self._run_at(due)
        self.clock.advance_to(end)

    async def _run_at(self, moment: datetime) -> None:
        self.clock.advance_to(moment)
        await self.settle()

    def _next_due(self) -> datetime | None:
        times = (self.host.hub.next_timer, self.host.next_timer)
        return min((time for time in times if time is not None), default=None)

    async def instance(self, instance_id: str) -> Instance:
        """The instance as it is now.

        Raises:
            InstanceNotFound: there is none.
        """
        instance = await self.host.hub.get_instance(instance_id)
        if instance is None:
            raise InstanceNotFound(instance_id)
        return instance

    async def output(self, instance_id: str) -> Any:
        """The result of a completed instance; fails the test if the instance has not completed."""
        instance = await self.instance(instance_id)
        if instance.status != "Completed":
            raise AssertionError(f"Instance {instance_id} is {instance.status}: {instance.output}")
        return None if instance.output is None else json.loads(instance.output)

    async def history(self, instance_id: str) -> list[HistoryEvent]:
        """The instance's history; as JSON, it can be kept and replayed by later versions of the code."""
        return await self.host.hub.get_history(instance_id)

    async def replay(self, name: str, history: Sequence[HistoryEvent]) -> Difference | None:
        """Runs today's orchestrator over a recorded history; the first difference, or `None`."""
        return await replay(self.host.worker, name, history)


@asynccontextmanager
async def running_app(
    app_dir: Path, *, strict_parity: bool = False, start: datetime = START
) -> AsyncIterator[AppUnderTest]:
    """Starts the app of a folder on a free port, with empty state in memory, at that time.

    Raises:
        StartError: host.json or local.settings.json cannot be used.
        AppIndexingError: function_app.py cannot be used.
    """
    options = HostOptions(app_dir, port=0, state=IN_MEMORY, strict_parity=strict_parity)
    clock = VirtualClock(start)
    host = await Host.start(options, load_settings(app_dir), clock=clock)
    try:
        if host.index.failure is not None:
            raise host.index.failure
        yield AppUnderTest(host, clock)
    finally:
        await host.stop()


async def run_until_idle(hub: TaskHub, clock: VirtualClock, *, limit: timedelta = YEAR) -> None:
    """Lets everything run that can, moving the clock from timer to timer."""
    end = clock.now() + limit
    await hub.settle()
    while hub.next_timer is not None and hub.next_timer <= end:
        clock.advance_to(hub.next_timer)
        await hub.settle()
