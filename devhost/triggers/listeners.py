"""The functions of an app that a queue, a blob or the clock starts, watched together.

A trigger that cannot be set up is an error of its function alone; the others keep working.
"""

import asyncio
import contextlib
import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from azure.functions.meta import Datum

from devhost.app.bindings import text_datum
from devhost.app.blob_path import BlobPath, InvalidBlobPath
from devhost.app.functions import Function
from devhost.app.trigger_states import QueueState, TimerState
from devhost.engine.clock import Clock
from devhost.errors import ConnectionUnusable, IndexingError, UnresolvedExpression
from devhost.settings.app_settings import app_setting, expand_settings
from devhost.settings.extension_options import BlobOptions, QueueOptions
from devhost.storage.blob_receipts import BlobReceipts
from devhost.storage.queue_messages import trigger_metadata, trigger_value
from devhost.storage.storage_connection import StorageConnections
from devhost.triggers.blob_trigger import BlobTrigger
from devhost.triggers.queue_trigger import QueueTrigger, Run
from devhost.triggers.retries import RetriedFunction
from devhost.triggers.timer_schedule import InvalidSchedule, parse_schedule
from devhost.triggers.timer_status import TimerMemory
from devhost.triggers.timer_trigger import TimerTrigger
from devhost.worker.worker import Worker

TIME_ZONE = "WEBSITE_TIME_ZONE"

_QUEUE_NAME = re.compile("[a-z0-9]+(-[a-z0-9]+)*")


class InvalidQueueName(ValueError):
    """A trigger's queueName is none that a queue can have."""


_UNUSABLE = (ConnectionUnusable, UnresolvedExpression, InvalidQueueName, InvalidBlobPath, InvalidSchedule)


class Listener(Protocol):
    """Waits for what starts one function."""

    def start(self) -> None:
        """Begins to wait."""

    async def stop(self, *, grace: float) -> None:
        """Starts no more calls and gives those that run up to `grace` seconds."""


class Triggers:
    """The listeners of an app; `errors` tells which functions have none."""

    def __init__(
        self,
        worker: Worker,
        *,
        connections: StorageConnections,
        queue_options: QueueOptions,
        blob_options: BlobOptions,
        clock: Clock,
        timer_memory: TimerMemory,
        host_id: str,
    ) -> None:
        self.errors: list[IndexingError] = []
        self._worker = worker
        self._connections = connections
        self._queue_options = queue_options
        self._blob_tries = blob_options.tries
        self._blob_slots = asyncio.Semaphore(blob_options.at_once)
        self._clock = clock
        self._timer_memory = timer_memory
        self._listeners: list[Listener] = []
        self._host_id = host_id
        self._timers: dict[str, TimerTrigger] = {}
        self._schedules: dict[str, str] = {}
        self._queues: list[QueueTrigger] = []
        self._blobs: dict[str, BlobTrigger] = {}
        self._stopping = asyncio.Event()

    def start(self, functions: Iterable[Function]) -> None:
        """Waits for what starts the functions that a queue, a blob or the clock starts."""
        make = {
            "queueTrigger": self._queue_trigger,
            "blobTrigger": self._blob_trigger,
            "timerTrigger": self._timer_trigger,
        }
        for function in functions:
            if function.trigger.type not in make:
                continue
            try:
                listener = make[function.trigger.type](function)
            except _UNUSABLE as error:
                self.errors.append(IndexingError(function.name, str(error)))
            else:
                listener.start()
                self._listeners.append(listener)

    @property
    def next_timer(self) -> datetime | None:
        """When the next timer function is due."""
        return min((timer.next_due for timer in self._timers.values()), default=None)

    def timer_states(self) -> list[TimerState]:
        """How the timer functions stand."""
        return [
            TimerState(name, self._schedules[name], timer.next_due, timer.last_run, timer.is_running)
            for name, timer in self._timers.items()
        ]

    async def queue_states(self) -> list[QueueState]:
        """How the queues stand that functions are run for."""
        return await asyncio.gather(*(queue.state() for queue in self._queues))

    def look_at_queue(self, name: str) -> None:
        """Wakes who waits for messages of a queue: this host has put one into it. So does Azure's."""
        for queue in self._queues:
            if queue.queue == name:
                queue.look()

    async def settle(self) -> None:
        """Returns when no timer function runs or is due."""
        for timer in self._timers.values():
            await timer.settle()

    async def run_by_hand(self, function: Function, text: str) -> None:
        """Calls a function as its trigger would, once and now; `text` is what the trigger has to say.

        Raises:
            FunctionFailed: it failed.
        """
        if timer := self._timers.get(function.name):
            await timer.run_by_hand()
        elif blobs := self._blobs.get(function.name):
            await blobs.run_by_hand(text)
        elif function.trigger.type == "queueTrigger":
            from azure.storage.queue import QueueMessage  # noqa: PLC0415 - many apps need not load it

            content = text.encode()
            message = QueueMessage(content=text, id=str(uuid.uuid4()), dequeue_count=1)
            value = trigger_value(content, function.trigger.properties)
            await self._worker.invoke(function.name, value, metadata=trigger_metadata(message, content))
        else:
            await self._worker.invoke(function.name, text_datum(text))

    async def stop(self, *, grace: float) -> None:
        """Starts no more calls and gives those that run up to `grace` seconds."""
        self._stopping.set()
        await asyncio.gather(*(listener.stop(grace=grace) for listener in self._listeners))

    def _queue_trigger(self, function: Function) -> Listener:
        properties = function.trigger.properties
        trigger = QueueTrigger(
            function.name,
            _queue_name(expand_settings(str(properties.get("queueName", "")))),
            self._retried(function),
            properties=properties,
            connection=self._connections.of(properties),
            options=self._queue_options,
            sent=self.look_at_queue,
            triggers=lambda: self._queues,
        )
        self._queues.append(trigger)
        return trigger

    def _blob_trigger(self, function: Function) -> Listener:
        properties = function.trigger.properties
        host_storage = self._connections.of({})  # which keeps the receipts, whatever account the blobs are in
        trigger = BlobTrigger(
            function.name,
            BlobPath.parse(expand_settings(str(properties.get("path", "")))),
            self._retried(function),
            properties=properties,
            connection=self._connections.of(properties),
            receipts=BlobReceipts(host_storage.blobs, host=self._host_id, function=function.name),
            encoding=self._queue_options.encoding,
            tries=self._blob_tries,
            slots=self._blob_slots,
        )
        self._blobs[function.name] = trigger
        return trigger

    def _retried(self, function: Function) -> Run:
        """Calls of the function with the retries of its function.json."""
        retried = RetriedFunction(self._worker, function)

        async def run(_name: str, value: Datum, metadata: Mapping[str, Datum]) -> None:
            await retried.run(value, metadata, self._wait_to_retry)

        return run

    async def _wait_to_retry(self, delay: timedelta) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay.total_seconds()):
                await self._stopping.wait()
        return not self._stopping.is_set()

    def _timer_trigger(self, function: Function) -> Listener:
        properties = function.trigger.properties
        text = expand_settings(str(properties.get("schedule", "")))
        schedule = parse_schedule(text, _time_zone())
        timer = TimerTrigger(
            RetriedFunction(self._worker, function),
            schedule,
            clock=self._clock,
            memory=self._timer_memory if properties.get("useMonitor", True) else None,
            run_on_startup=bool(properties.get("runOnStartup", False)),
        )
        self._timers[function.name] = timer
        self._schedules[function.name] = text
        return timer


def _queue_name(text: str) -> str:
    name = text.lower()
    if not _QUEUE_NAME.fullmatch(name):
        raise InvalidQueueName(
            f"'{text}' is not a valid queueName: use letters, digits and single dashes within."
        )
    return name


def _time_zone() -> tzinfo:
    name = app_setting(TIME_ZONE) or ""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidSchedule(
            f"{TIME_ZONE} is '{name}', which is not a time zone: use a name such as Europe/Berlin."
        ) from error
