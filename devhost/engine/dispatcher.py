"""Fetches work items, has them processed and stores what they lead to, within the hub's limits.

What waits is known to the store; the queues here only say where to look, so that nothing is lost with them.
An instance is in one pair of hands at a time: what arrives meanwhile is seen by its next episode.
"""

import asyncio
import heapq
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import Any, Final, TypeAlias

from devhost.engine.activity import ActivityProcessor
from devhost.engine.clock import Clock
from devhost.engine.entity import EntityProcessor
from devhost.engine.execution import ExecutionCache
from devhost.engine.executor import FunctionExecutor, is_cancelled
from devhost.engine.history import succeeded_task
from devhost.engine.instance import Instance
from devhost.engine.options import HubOptions
from devhost.engine.orchestration import OrchestrationProcessor
from devhost.engine.store import Store
from devhost.engine.turns import Turns
from devhost.engine.work import ActivityCall, Checkpoint, Message, QueuedActivity, WorkItem

logger = logging.getLogger(__name__)

Processor: TypeAlias = OrchestrationProcessor | EntityProcessor

_FINISHING_TIME: Final = 0.5  # seconds that code gets which runs when its instance is terminated
_KEPT_CHARACTERS: Final = 200_000_000  # of live executions: two with inputs of 30 MB, 30,000 short ones


class Dispatcher:
    """Runs orchestrations, entities, activities and timers until it is stopped.

    Attributes:
        begun: how many activities have got a slot.
    """

    def __init__(self, store: Store, executor: FunctionExecutor, clock: Clock, options: HubOptions) -> None:
        self._store = store
        self._clock = clock
        self._options = options
        self._orchestrations = OrchestrationProcessor(executor, clock, options)
        self._entities = EntityProcessor(executor, clock)
        self._executions = ExecutionCache(_KEPT_CHARACTERS)
        self._turns = Turns(lambda: len(self._waiting) + len(self._busy) - len(self._large))
        self._activities = ActivityProcessor(executor, clock, self._turns)
        self._ready: asyncio.Queue[str | None] = asyncio.Queue()
        self._calls: asyncio.Queue[QueuedActivity | None] = asyncio.Queue()
        self._waiting: set[str] = set()
        self._busy: dict[str, datetime] = {}
        self._large: set[str] = set()
        self._aside: dict[str, None] = {}
        self._slots_for_large = max(1, options.max_concurrent_orchestrators - 1)
        self._large_calls = 0
        self._calls_aside: deque[QueuedActivity] = deque()
        self._slots_for_large_calls = max(1, options.max_concurrent_activities - 1)
        self._missed: set[str] = set()
        self._awaited: dict[str, set[int]] = {}
        self._episodes: dict[str, asyncio.Future[Checkpoint | None]] = {}
        self._running: dict[int, tuple[ActivityCall, datetime]] = {}
        self._timers: list[tuple[datetime, str]] = []
        self._timer_added = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._endings: set[asyncio.Task[None]] = set()
        self.begun = 0
        self._unfinished = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    async def start(self) -> None:
        """Takes up everything that the store holds unfinished, then waits for more."""
        self._enqueue(await self._store.queued_activities())
        for instance_id, due in (await self._store.arrivals()).items():
            self.wake(instance_id, due)
        self._spawn(self._options.max_concurrent_orchestrators, self._run_all_instances)
        self._spawn(self._options.max_concurrent_activities, self._run_all_activities)
        self._spawn(1, self._watch_timers)

    async def stop(self, *, grace: float) -> None:
        """Finishes work items in hand within `grace` seconds; what is cut off runs again after a start."""
        self._stopping = True
        self._timer_added.set()
        for _ in self._tasks:
            self._ready.put_nowait(None)
            self._calls.put_nowait(None)
        tasks = [*self._tasks, *self._endings]
        if not tasks:
            return
        _, unfinished = await asyncio.wait(tasks, timeout=grace)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self, instance_id: str, due: datetime | None = None) -> None:
        """Says that an instance has something to do, now or later."""
        if due is not None:
            heapq.heappush(self._timers, (due, instance_id))
            self._timer_added.set()
        elif instance_id in self._busy:
            self._missed.add(instance_id)
        elif instance_id not in self._waiting:
            self._waiting.add(instance_id)
            self._begin()
            self._ready.put_nowait(instance_id)

    def end(self, instance_id: str) -> None:
        """Sees to an instance that was terminated, whatever holds up its code or takes all the slots."""
        if instance_id in self._busy:
            self._missed.add(instance_id)
            if episode := self._episodes.get(instance_id):
                asyncio.get_running_loop().call_later(_FINISHING_TIME, episode.cancel)
            return
        self._begin()
        ending = asyncio.create_task(self._run_instance(instance_id))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    def is_at(self, instance_id: str) -> bool:
        """Whether an instance is in hand, or waits to be."""
        return any(instance_id in those for those in (self._busy, self._waiting, self._aside))

    @property
    def in_hand(self) -> Mapping[str, datetime]:
        """The instances and entities whose code runs now, and since when."""
        return dict(self._busy)

    @property
    def next_timer(self) -> datetime | None:
        """When the next timer is due."""
        return self._timers[0][0] if self._timers else None

    @property
    def running(self) -> list[tuple[ActivityCall, datetime]]:
        """The activities that have a slot, and when each got it."""
        return list(self._running.values())

    def running_since(self, instance: Instance) -> dict[int, datetime]:
        """When the activities of the instance's execution that run now began to, by task id."""
        return {
            call.task_id: started_at
            for call, started_at in self._running.values()
            if call.execution_id == instance.execution_id
        }

    async def settle(self) -> None:
        """Returns when nothing runs, nothing waits to run and no timer is due."""
        self._wake_due()
        while self._unfinished:
            await self._idle.wait()
            self._wake_due()

    def _enqueue(self, activities: Iterable[QueuedActivity]) -> None:
        for activity in activities:
            self._begin()
            self._calls.put_nowait(activity)

    def _begin(self) -> None:
        self._unfinished += 1
        self._idle.clear()

    def _end(self) -> None:
        self._unfinished -= 1
        if not self._unfinished:
            self._idle.set()

    def _spawn(self, count: int, loop: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks += [asyncio.create_task(loop()) for _ in range(count)]

    async def _run_all_instances(self) -> None:
        while (instance_id := await self._ready.get()) is not None and not self._stopping:
            self._waiting.discard(instance_id)
            await self._run_instance(instance_id)

    async def _run_instance(self, instance_id: str) -> None:
        if instance_id in self._busy:
            self._missed.add(instance_id)
        else:
            self._awaited.pop(instance_id, None)
            self._busy[instance_id] = self._clock.now()
            await self._guarded(self._process(instance_id), f"instance {instance_id}")
            del self._busy[instance_id]
            self._make_room(instance_id)
            if instance_id in self._missed:
                self._missed.discard(instance_id)
                self.wake(instance_id)
        self._end()

    async def _process(self, instance_id: str) -> None:
        known = self._executions.get(instance_id)
        item = await self._store.load(instance_id, self._clock.now(), known)
        if item is None or not self._has_room(item):
            return
        self._executions.drop(instance_id)  # what it comes to counts only when it is stored
        processor = self._entities if item.instance.is_entity else self._orchestrations
        try:
            with ExitStack() as turn:
                checkpoint = await self._episode(processor, item, turn)
                await self._complete(instance_id, checkpoint)
        except sqlite3.OperationalError:
            raise  # the disk's matter, and not that of the instance
        except BaseException as error:
            if is_cancelled(error):
                raise
            logger.exception("The host failed at instance %s and ends what it was at.", instance_id)
            await self._give_up(processor, instance_id, error)

    def _has_room(self, item: WorkItem) -> bool:
        """Whether a work item may keep its slot. Large ones leave one free: those too many are put aside."""
        instance_id = item.instance.instance_id
        if item.is_large and len(self._large) >= self._slots_for_large:
            self._executions.keep(instance_id, item.execution)
            self._aside[instance_id] = None
            return False
        self._aside.pop(instance_id, None)
        if item.is_large:
            self._large.add(instance_id)
        return True

    def _make_room(self, instance_id: str) -> None:
        """Lets the next one come that was put aside, if there is a slot for it now."""
        self._large.discard(instance_id)
        if self._aside and len(self._large) < self._slots_for_large:
            first = next(iter(self._aside))
            del self._aside[first]
            self.wake(first)

    async def _episode(self, processor: Processor, item: WorkItem, turn: ExitStack) -> Checkpoint | None:
        """What the work item comes to; `None` if it was interrupted, or has to wait. `turn` is left open."""
        instance_id = item.instance.instance_id
        self._episodes[instance_id] = episode = asyncio.ensure_future(self._in_turn(processor, item, turn))
        try:
            return await episode
        except asyncio.CancelledError as error:
            if is_cancelled(error):
                raise
            return None
        finally:
            del self._episodes[instance_id]

    async def _in_turn(self, processor: Processor, item: WorkItem, turn: ExitStack) -> Checkpoint | None:
        """Processes a work item when its turn has come."""
        turn.enter_context(await self._turns.take(item.size if item.is_large else 0))
        return await processor.process(item)

    async def _give_up(self, processor: Processor, instance_id: str, error: BaseException) -> None:
        item = await self._store.load(instance_id, self._clock.now())
        if item is not None:
            await self._complete(instance_id, processor.give_up(item, error))

    async def _complete(self, instance_id: str, checkpoint: Checkpoint | None) -> None:
        if checkpoint is None:
            return
        activities = await self._store.complete(checkpoint)
        if activities is None:
            return
        if checkpoint.execution is not None:
            self._executions.keep(instance_id, checkpoint.execution)
        self._follow_up(checkpoint, activities)

    def _follow_up(self, checkpoint: Checkpoint, activities: list[QueuedActivity]) -> None:
        if checkpoint.awaited:
            self._awaited[checkpoint.instance.instance_id] = checkpoint.awaited
        self._enqueue(activities)
        for message in checkpoint.messages:
            self._deliver(message)
        for child in checkpoint.children:
            self.wake(child.instance.instance_id)
        if checkpoint.children:
            # A child whose id was in use has failed already: its parent has the news.
            self.wake(checkpoint.instance.instance_id)
        if checkpoint.instance.status.is_terminal:
            _log_end(checkpoint)

    async def _run_all_activities(self) -> None:
        while (activity := await self._calls.get()) is not None and not self._stopping:
            if activity.call.is_large and self._large_calls >= self._slots_for_large_calls:
                self._calls_aside.append(activity)
                continue
            self._large_calls += activity.call.is_large
            await self._guarded(self._run_activity(activity), f"activity {activity.call.name}")
            self._large_calls -= activity.call.is_large
            if self._calls_aside and activity.call.is_large:
                self._calls.put_nowait(self._calls_aside.popleft())
            self._end()

    async def _run_activity(self, activity: QueuedActivity) -> None:
        call, started_at = activity.call, self._clock.now()
        self.begun += 1
        self._running[activity.call_id] = (call, started_at)
        try:
            outcome = Message(call.instance_id, await self._activities.process(call), call.execution_id)
            await self._store.complete_activity(activity, outcome, started_at)
        finally:
            del self._running[activity.call_id]
        self._deliver(outcome)

    def _deliver(self, message: Message) -> None:
        """Wakes the receiver of a stored message, unless it can do nothing before others have come.

        So a fan-out is replayed when its last task is done or one fails, and not for every task.
        """
        awaited = self._awaited.get(message.instance_id, set())
        task_id = succeeded_task(message.event)
        if message.due is None and task_id in awaited and len(awaited) > 1:
            awaited.discard(task_id)
        else:
            self.wake(message.instance_id, message.due)

    async def _watch_timers(self) -> None:
        while not self._stopping:
            self._timer_added.clear()
            await self._clock.wait_until(self.next_timer, self._timer_added)
            self._wake_due()

    def _wake_due(self) -> None:
        while self._timers and self._timers[0][0] <= self._clock.now():
            self.wake(heapq.heappop(self._timers)[1])

    async def _guarded(self, work: Coroutine[Any, Any, None], what: str) -> None:
        """Abandons a work item that the engine itself fails at: it stays stored, and the worker goes on."""
        try:
            await work
        except Exception:
            logger.exception("The host failed at %s; it is tried again at the next event or start.", what)


def _log_end(checkpoint: Checkpoint) -> None:
    instance = checkpoint.instance
    seconds = (instance.updated_at - instance.created_at).total_seconds()
    logger.info("%s %s after %.2f s (%s)", instance.name, instance.status, seconds, instance.instance_id)
