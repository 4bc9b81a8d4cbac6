"""Polls a storage queue and runs a function for every message, as the Functions host does.

A message is hidden while its function runs and deleted after it. What fails too often, or cannot be read,
goes to the poison queue. Nothing is lost when the host is killed or the storage goes away: a message that was
in hand comes back when its time of being hidden is over, so that a function may run twice for it.
"""

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.functions.meta import Datum

from devhost.app.trigger_states import QueueState
from devhost.engine.errors import FunctionFailed
from devhost.settings.extension_options import QueueOptions
from devhost.storage.queue_depth import depth, first_messages, visible
from devhost.storage.queue_messages import Undecodable, decode, send, trigger_metadata, trigger_value
from devhost.storage.storage_connection import StorageConnection
from devhost.triggers.ending import finish
from devhost.triggers.held_message import HeldMessage

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage

logger = logging.getLogger(__name__)

Run = Callable[[str, Datum, Mapping[str, Datum]], Awaitable[Any]]

# The Functions host hides a message for ten minutes; here a killed host is started again sooner than that.
HIDDEN_FOR = timedelta(minutes=1)

_PATIENCE = 2.0  # seconds that the storage gets to say how a queue stands
_SHORTEST_PAUSE = 0.1  # seconds, between two polls


class QueueTrigger:
    """One queue function's listener."""

    def __init__(
        self,
        name: str,
        queue: str,
        run: Run,
        *,
        properties: Mapping[str, Any],
        connection: StorageConnection,
        options: QueueOptions,
        sent: Callable[[str], None] = lambda _queue: None,
        triggers: Callable[[], Iterable["QueueTrigger"]] = tuple,
        hidden_for: timedelta = HIDDEN_FOR,
    ) -> None:
        """Runs the function `name` for messages of `queue`; `properties` are those of its trigger.

        `sent` is called with the name of a queue that it has put a message into; `triggers` are all of the
        app, which may take messages of the same queue.
        """
        self._name = name
        self._queue = connection.queues.get_queue_client(queue)
        self._poison_queue = connection.queues.get_queue_client(f"{queue}-poison")
        self._run = run
        self._properties = properties
        self._connection = connection
        self._options = options
        self._sent = sent
        self._triggers = triggers
        self._hidden_for = hidden_for
        self._in_hand: set[asyncio.Task[None]] = set()
        self._taken = 0
        self._returning: deque[datetime] = deque()
        self._poller: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._has_news = False
        self._wake = asyncio.Event()

    def start(self) -> None:
        """Begins to poll."""
        self._poller = asyncio.create_task(self._poll())

    @property
    def queue(self) -> str:
        """The name of the queue."""
        return self._queue.queue_name

    @property
    def taken(self) -> tuple[int, int]:
        """How many messages it has taken, and how many of them are in hand."""
        return self._taken, len(self._in_hand)

    @property
    def hides(self) -> int:
        """How many messages nobody can see for its sake: those in hand, and those that it has given back."""
        self._forget_returned()
        return len(self._in_hand) + len(self._returning)

    def is_of_the_queue_of(self, other: "QueueTrigger") -> bool:
        """Whether it is another one that takes messages of the same queue."""
        return self is not other and self._queue.url == other._queue.url  # noqa: SLF001 - its own class

    def look(self) -> None:
        """Looks at once: this host has put a message into the queue."""
        self._has_news = True
        self._wake.set()

    async def stop(self, *, grace: float) -> None:
        """Takes no more messages; those that are not done with in `grace` seconds go back to the queue."""
        self._is_stopping = True
        self._wake.set()
        if self._poller is None:
            return
        await finish(self._poller, lambda: self._in_hand, grace=grace)

    async def state(self) -> QueueState:
        """How the queue stands; if the storage does not answer in time, why."""
        state = QueueState(self._name, self._queue.queue_name, self._connection.name, len(self._in_hand))
        try:
            async with asyncio.timeout(_PATIENCE):
                return replace(
                    await self._counted(state),
                    poisoned=await depth(self._poison_queue),
                    first=await first_messages(self._poison_queue, self._options.encoding),
                )
        except TimeoutError:
            return replace(state, problem=f"The storage has not answered within {_PATIENCE:g} seconds.")
        except AzureError as error:
            return replace(state, problem=str(error).partition("\n")[0])

    async def _counted(self, state: QueueState) -> QueueState:
        """With how many messages there are, and how many of them nobody can see for a while.

        The storage counts both alike. What comes or goes while it is asked does not pass for hidden.
        """
        others = [trigger for trigger in self._triggers() if trigger.is_of_the_queue_of(self)]
        before = [trigger.taken for trigger in (self, *others)]
        first, seen, last = await depth(self._queue), await visible(self._queue), await depth(self._queue)
        self._forget_returned()
        if last < len(self._returning):  # somebody has deleted some of them, and does not tell which
            self._returning.clear()
        hidden, returning = len(self._returning), tuple(sorted(self._returning))
        if seen is not None and before == [trigger.taken for trigger in (self, *others)]:
            known = len(self._in_hand) + sum(trigger.hides for trigger in others)
            hidden = max(hidden, min(first, last) - seen - known)
        return replace(state, waiting=last, hidden=hidden, returning=returning)

    def _returns(self, when: datetime | None) -> None:
        """Keeps in mind when a message is seen again that was given back, unless it is gone."""
        self._forget_returned()
        if when is not None:
            self._returning.append(when)

    def _forget_returned(self) -> None:
        now = datetime.now(UTC)
        while self._returning and self._returning[0] <= now:  # the first one first: all have the same delay
            self._returning.popleft()

    async def _poll(self) -> None:
        pause = _SHORTEST_PAUSE
        while not self._is_stopping:
            messages = await self._receive()
            for message in messages:
                self._take(message)
            if messages:
                pause = _SHORTEST_PAUSE
                await self._until_few_are_in_hand()
            else:
                await self._wait(pause)
                pause = _SHORTEST_PAUSE if self._has_news else self._longer(pause)
                self._has_news = False

    async def _receive(self) -> "list[QueueMessage]":
        """The next messages, those that came before the storage failed; none where there is no queue."""
        pages = self._queue.receive_messages(
            messages_per_page=self._options.batch_size,
            max_messages=self._options.batch_size,
            visibility_timeout=int(self._hidden_for.total_seconds()),
        )
        messages: list[QueueMessage] = []
        try:
            with contextlib.suppress(ResourceNotFoundError):
                async for message in pages:
                    messages.append(message)  # noqa: PERF401 - a comprehension that fails loses all of them
        except AzureError as error:
            self._connection.fails(error)
        else:
            self._connection.answers()
        return messages

    async def _until_few_are_in_hand(self) -> None:
        while len(self._in_hand) > self._options.new_batch_threshold and not self._is_stopping:
            await self._wait()

    async def _wait(self, seconds: float | None = None) -> None:
        """Returns when a message is done with or has come, at a stop, or after some seconds."""
        if self._is_stopping:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()

    def _longer(self, pause: float) -> float:
        # At random, so that the queues of an app are not asked in step.
        longer = pause * random.uniform(1.5, 2.5)  # noqa: S311 - nothing depends on its being unforeseeable
        return min(longer, self._options.max_polling_interval.total_seconds())

    def _take(self, message: "QueueMessage") -> None:
        task = asyncio.create_task(self._deliver(message))
        self._in_hand.add(task)
        self._taken += 1
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._in_hand.discard(task)
        self._wake.set()

    async def _deliver(self, message: "QueueMessage") -> None:
        held = HeldMessage(self._connection, self._queue, message, self._hidden_for)
        try:
            await self._process(message, held)
        except AzureError as error:
            self._connection.fails(error)

    async def _process(self, message: "QueueMessage", held: HeldMessage) -> None:
        tries = message.dequeue_count or 1
        if tries > self._options.max_dequeue_count:
            await self._poison(held, f"it was taken {tries - 1} times before")
            return
        try:
            content = decode(message.content, self._options.encoding)
        except Undecodable as error:
            await self._poison(held, str(error))
            return
        if await self._succeeds(message, content, held):
            await held.delete()
        elif tries == self._options.max_dequeue_count:
            await self._poison(held, f"'{self._name}' failed {tries} times")
        else:
            self._returns(await held.release(self._options.visibility_timeout))

    async def _succeeds(self, message: "QueueMessage", content: bytes, held: HeldMessage) -> bool:
        value = trigger_value(content, self._properties)
        try:
            async with held.kept_hidden():
                await self._run(self._name, value, trigger_metadata(message, content))
        except FunctionFailed:  # logged where it ran
            return False
        except asyncio.CancelledError:
            await held.release(timedelta())
            raise
        return True

    async def _poison(self, held: HeldMessage, reason: str) -> None:
        logger.warning(
            "Message %s moves to the queue '%s': %s.", held.id, self._poison_queue.queue_name, reason
        )
        await self._connection.ask(lambda: send(self._poison_queue, held.text))
        self._sent(self._poison_queue.queue_name)
        await held.delete()
