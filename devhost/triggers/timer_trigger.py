"""Runs a timer function when it is due, one run at a time, as the Functions host does.

A run that was missed while the host was down is made up for once, at the start. A timer that is due again
while it still runs follows as soon as it can.
"""

import asyncio
import contextlib
import json
import logging
from datetime import datetime, timedelta

from azure.functions.meta import Datum

from devhost.engine.clock import Clock
from devhost.engine.errors import FunctionFailed
from devhost.triggers.retries import RetriedFunction, no_retry
from devhost.triggers.timer_schedule import Schedule, is_kept_in_mind
from devhost.triggers.timer_status import NEVER, TimerMemory, TimerStatus

logger = logging.getLogger(__name__)


class TimerTrigger:
    """One timer function's listener."""

    def __init__(
        self,
        function: RetriedFunction,
        schedule: Schedule,
        *,
        clock: Clock,
        memory: TimerMemory | None,
        run_on_startup: bool = False,
    ) -> None:
        """Without a memory, the function learns nothing of its past, and no missed run is made up for."""
        self._function = function
        self._name = function.name
        self._schedule = schedule
        self._clock = clock
        self._memory = memory if is_kept_in_mind(schedule, clock.now()) else None
        self._run_on_startup = run_on_startup
        self._status = TimerStatus(NEVER, schedule.next_after(clock.now()), NEVER)
        self._next_retry: datetime | None = None
        self._is_stopping = False
        self._wake = asyncio.Event()
        self._rests = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def next_due(self) -> datetime:
        """When the function runs next."""
        return self._next_retry or self._status.next

    @property
    def last_run(self) -> datetime | None:
        """When the function last began to run by its schedule; `None` if that is not known."""
        return None if self._status.last == NEVER else self._status.last

    @property
    def is_running(self) -> bool:
        """Whether the function runs, or waits to be tried again."""
        return not self._rests.is_set() or self._next_retry is not None

    async def settle(self) -> None:
        """Returns when the function neither runs nor is due."""
        if self._clock.now() >= self.next_due:
            self._rests.clear()  # it has yet to notice
        await self._rests.wait()

    def start(self) -> None:
        """Begins to watch the clock."""
        is_past_due = self._recall()
        self._task = asyncio.create_task(self._watch(is_past_due=is_past_due))

    async def stop(self, *, grace: float) -> None:
        """Starts no more runs and gives one that is under way up to `grace` seconds."""
        self._is_stopping = True
        self._wake.set()
        if self._task is None:
            return
        _, unfinished = await asyncio.wait([self._task], timeout=grace)
        for task in unfinished:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _recall(self) -> bool:
        """Takes up the remembered status; returns whether a run was missed since then."""
        if self._memory is None:
            return False
        now = self._clock.now()
        remembered = self._memory.get(self._name)
        if remembered is None:
            self._remember(TimerStatus(NEVER, self._status.next, now))
            return False
        basis = remembered.last_updated if remembered.last == NEVER else remembered.last
        expected = self._schedule.next_after(basis)
        if remembered.next == expected:
            self._status = remembered
            return now > expected
        # The schedule was edited: a due time of the new one that has passed counts as none.
        if now > expected:
            basis, expected = now, self._schedule.next_after(now)
        self._remember(TimerStatus(NEVER, expected, basis))
        return False

    async def _watch(self, *, is_past_due: bool) -> None:
        if is_past_due or self._run_on_startup:
            reason = "it is past due" if is_past_due else "runOnStartup is set"
            logger.info("'%s' runs at start: %s.", self._name, reason)
            await self._invoke(is_past_due=is_past_due)
        while await self._is_due():
            await self._invoke(is_past_due=False)

    async def _is_due(self) -> bool:
        """Waits for the due time; false if the host stops before it."""
        while not self._is_stopping and self._clock.now() < self.next_due:
            self._wake.clear()
            self._rests.set()
            await self._clock.wait_until(self.next_due, self._wake)
        self._rests.clear()
        return not self._is_stopping

    async def _wait_to_retry(self, delay: timedelta) -> bool:
        self._next_retry = self._clock.now() + delay
        is_due = await self._is_due()
        self._next_retry = None
        return is_due

    async def run_by_hand(self) -> None:
        """Runs the function now, whatever its schedule says.

        Raises:
            FunctionFailed: it failed.
        """
        await self._function.run(self._timer_info(is_past_due=False), {}, no_retry)

    async def _invoke(self, *, is_past_due: bool) -> None:
        began = self._clock.now()
        with contextlib.suppress(FunctionFailed):  # logged where it ran; the schedule goes on
            await self._function.run(self._timer_info(is_past_due=is_past_due), {}, self._wait_to_retry)
        self._remember(TimerStatus(began, self._schedule.next_after(began), began))

    def _timer_info(self, *, is_past_due: bool) -> Datum:
        info = {
            "Schedule": {"AdjustForDST": self._schedule.adjusts_for_dst},
            "ScheduleStatus": None if self._memory is None else self._status.to_json(),
            "IsPastDue": is_past_due,
        }
        return Datum(json.dumps(info), "json")

    def _remember(self, status: TimerStatus) -> None:
        self._status = status
        if self._memory is not None:
            self._memory.set(self._name, status)
