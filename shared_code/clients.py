"""Composition root: the storage clients of this process, one set per event loop, opened at first use.

They close when their loop shuts down; no other module opens or closes a client.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from functools import cached_property
from typing import Any

from azure.data.tables.aio import TableClient
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob.aio import ContainerClient

from shared_code.audit_table import TakeRows
from shared_code.blob_files import CHUNK_SIZE
from shared_code.errors import InvalidSetting
from shared_code.settings import AUDIT_STORAGE, FILES_STORAGE, Setting, Settings, settings

JOBS_CONTAINER = "jobs"
# The SDKs' defaults would hold an activity for minutes, which its workflow can repeat anyway.
_OPTIONS: dict[str, Any] = {"retry_total": 5}
_BLOB_OPTIONS = {**_OPTIONS, "max_single_get_size": CHUNK_SIZE, "max_chunk_get_size": CHUNK_SIZE}


class Clients:
    """What the activities of one event loop share; each client is built when it is first asked for.

    A storage setting is a connection string or an account URL. A URL that carries a shared access
    signature is used as it is, any other with the identity of the app.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._closing = AsyncExitStack()

    @cached_property
    def days_at_once(self) -> asyncio.Semaphore:
        """Bounds the reading of all activities of this loop together."""
        return asyncio.Semaphore(self.settings.audit_concurrency)

    @cached_property
    def audit_table(self) -> TableClient:
        """The table that audit queries read."""
        storage, name = self.settings.audit_storage, self.settings.audit_table
        options = {**_OPTIONS, "per_call_policies": [TakeRows()]}
        try:
            if _is_url(storage):
                table = TableClient(storage, name, credential=self._credential(storage), **options)
            else:
                table = TableClient.from_connection_string(storage, name, **options)
        except ValueError:
            raise _unusable(AUDIT_STORAGE) from None
        self._closing.push_async_callback(table.close)
        return table

    @cached_property
    def jobs_container(self) -> ContainerClient:
        """The container of what jobs stage."""
        storage = self.settings.files_storage
        try:
            if _is_url(storage):
                credential = self._credential(storage)
                container = ContainerClient(storage, JOBS_CONTAINER, credential=credential, **_BLOB_OPTIONS)
            else:
                container = ContainerClient.from_connection_string(storage, JOBS_CONTAINER, **_BLOB_OPTIONS)
        except ValueError:
            raise _unusable(FILES_STORAGE) from None
        self._closing.push_async_callback(container.close)
        return container

    async def close(self) -> None:
        """Closes every client that was built."""
        await self._closing.aclose()

    def _credential(self, url: str) -> DefaultAzureCredential | None:
        if "sig=" in url:
            return None
        credential = DefaultAzureCredential()
        self._closing.push_async_callback(credential.close)
        return credential


def _is_url(storage: str) -> bool:
    return storage.startswith(("https://", "http://"))


def _unusable(setting: Setting) -> InvalidSetting:
    # The SDK's own error may quote the value, so it is not chained either.
    return InvalidSetting(setting.name, "use a storage connection string or an account URL")


_opened: dict[asyncio.AbstractEventLoop, tuple[Clients, AsyncGenerator[None]]] = {}


async def clients() -> Clients:
    """The clients of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _opened:
        opened = Clients(settings())
        _opened[loop] = opened, _close_with_loop(loop, opened)
        await anext(_opened[loop][1])
    return _opened[loop][0]


async def _close_with_loop(loop: asyncio.AbstractEventLoop, opened: Clients) -> AsyncGenerator[None]:
    """Waits for the end of the loop: a loop that shuts down closes the generators it has begun."""
    try:
        yield
    finally:
        del _opened[loop]
        await opened.close()
