"""A queue message that this host has taken: hidden from others until it is deleted or given back."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

from devhost.storage.storage_connection import StorageConnection

if TYPE_CHECKING:
    from azure.storage.queue import QueueMessage
    from azure.storage.queue.aio import QueueClient

logger = logging.getLogger(__name__)

_TAKEN_BY_ANOTHER = "PopReceiptMismatch"


class HeldMessage:
    """One message in hand; whoever hid it last holds the receipt to change it."""

    def __init__(
        self,
        connection: StorageConnection,
        queue: "QueueClient",
        message: "QueueMessage",
        hidden_for: timedelta,
    ) -> None:
        self.id = message.id
        self.text: str = message.content
        self._connection = connection
        self._queue = queue
        self._receipt = message.pop_receipt
        self._hidden_for = hidden_for

    @contextlib.asynccontextmanager
    async def kept_hidden(self) -> AsyncIterator[None]:
        """Keeps the message hidden inside the block, however long that takes."""
        done = asyncio.Event()
        renewal = asyncio.create_task(self._renew_until(done))
        try:
            yield
        finally:
            done.set()
            await renewal  # and does not cut it off: the receipt that it fetches is needed

    async def delete(self) -> None:
        """Removes the message for good; storage that is away is waited for."""
        with _unless_gone(self.id):
            await self._connection.ask(lambda: self._queue.delete_message(self.id, self._receipt))

    async def release(self, after: timedelta) -> datetime | None:
        """Gives the message back to the queue; returns when it is seen again, `None` if it is gone."""
        with _unless_gone(self.id):
            return await self._connection.ask(lambda: self._hide(after))
        return None

    async def _renew_until(self, done: asyncio.Event) -> None:
        while not await _is_set_within(done, self._hidden_for / 2):
            try:
                await self._hide(self._hidden_for)
            except AzureError as error:
                logger.debug("The message %s could not be kept hidden: %s", self.id, error)

    async def _hide(self, duration: timedelta) -> datetime | None:
        seconds = int(duration.total_seconds())
        changed = await self._queue.update_message(self.id, self._receipt, visibility_timeout=seconds)
        self._receipt = changed.pop_receipt
        return changed.next_visible_on


async def _is_set_within(event: asyncio.Event, duration: timedelta) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(duration.total_seconds()):
            await event.wait()
    return event.is_set()


@contextlib.contextmanager
def _unless_gone(message_id: str) -> Iterator[None]:
    """Passes over a message that someone else has taken or deleted: it is theirs then."""
    try:
        yield
    except ResourceNotFoundError:
        logger.debug("The message %s or its queue is gone.", message_id)
    except HttpResponseError as error:
        if getattr(error, "error_code", None) != _TAKEN_BY_ANOTHER:
            raise
        logger.debug("The message %s was taken by another.", message_id)
