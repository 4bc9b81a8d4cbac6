"""A sample app on the Azurite of the test run, and what the tests see of its queues and blobs."""

import asyncio
import base64
import inspect
import itertools
import os
from collections.abc import Callable
from typing import Any

from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient, QueueServiceClient

PATIENCE = 15  # seconds that a test waits for something to come true

_numbers = itertools.count()


def queue_trigger(queue: str, **properties: Any) -> dict[str, Any]:
    return {"name": "msg", "type": "queueTrigger", "direction": "in", "queueName": queue, **properties}


def timer_trigger(schedule: str, **properties: Any) -> dict[str, Any]:
    return {"name": "timer", "type": "timerTrigger", "direction": "in", "schedule": schedule, **properties}


def fresh_name(kind: str) -> str:
    """A name that no other test uses."""
    return f"{kind}-{os.getpid()}-{next(_numbers)}"


def base64_text(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def until(condition: Callable[[], Any]) -> Any:
    """The first truthy value of a condition that nobody announces; it may have to be awaited."""
    async with asyncio.timeout(PATIENCE):
        while True:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return value
            await asyncio.sleep(0.02)


class Storage:
    """The storage as somebody sees it who is not the host."""

    def __init__(self, queues: QueueServiceClient, blobs: BlobServiceClient, connection_string: str) -> None:
        self.queues = queues
        self.blobs = blobs
        self.connection_string = connection_string

    async def new_queue(self) -> QueueClient:
        return await self.queues.create_queue(fresh_name("queue"))

    def queue(self, name: str) -> QueueClient:
        return self.queues.get_queue_client(name)

    async def names_of_queues(self) -> set[str]:
        return {queue.name or "" async for queue in self.queues.list_queues()}

    async def arrivals(self, name: str, count: int = 1) -> list[QueueMessage]:
        """What is in a queue, when it exists and holds so many messages."""

        async def arrived() -> list[QueueMessage]:
            if name not in await self.names_of_queues():
                return []
            messages = list(await self.queue(name).peek_messages(max_messages=32))
            return messages if len(messages) >= count else []

        found: list[QueueMessage] = await until(arrived)
        return found

    async def is_empty(self, name: str) -> bool:
        """Whether a queue holds nothing, hidden messages included."""
        properties = await self.queue(name).get_queue_properties()
        return properties.approximate_message_count == 0

    async def blob(self, container: str, name: str) -> bytes:
        download = await self.blobs.get_blob_client(container, name).download_blob()
        return await download.readall()

    async def new_container(self) -> str:
        """The name of a new container."""
        name = fresh_name("container")
        await self.blobs.create_container(name)
        return name

    async def upload(self, path: str, content: bytes = b"content") -> None:
        """Writes a blob; `path` is container and name."""
        container, _, name = path.partition("/")
        await self.blobs.get_blob_client(container, name).upload_blob(content, overwrite=True)
