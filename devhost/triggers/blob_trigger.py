"""Looks for blobs that are new or were overwritten, and runs a function for each, as the Functions host does.

A receipt in the same storage account says that a version of a blob is done with; without one it is delivered
again, so that nothing is lost when the host is killed, and a function may run twice. What fails too often is
put on a poison queue (ADR 56).
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.functions.meta import Datum

from devhost.app.bindings import text_datum
from devhost.app.blob_path import BlobPath
from devhost.engine.errors import FunctionFailed
from devhost.settings.extension_options import MessageEncoding
from devhost.storage.blob_receipts import BlobReceipts
from devhost.storage.queue_messages import encode, send
from devhost.storage.storage_connection import StorageConnection
from devhost.triggers.ending import finish
from devhost.triggers.queue_trigger import Run

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties
    from azure.storage.queue.aio import QueueClient

logger = logging.getLogger(__name__)

POISON_QUEUE = "webjobs-blobtrigger-poison"

_SHORTEST_PAUSE = 0.1  # seconds between two looks into the container
_LONGEST_PAUSE = 1.0  # while nothing is new; the Functions host looks every two


@dataclass(frozen=True, slots=True)
class _Version:
    """A blob as it is between two writes of it; `path` is container and name."""

    path: str
    etag: str
    blob_type: str

    @property
    def name(self) -> str:
        """The blob's name in its container."""
        return self.path.partition("/")[2]

    @classmethod
    def of(cls, properties: "BlobProperties") -> "_Version":
        etag = str(properties.etag).strip('"')  # some answers have it in quotation marks and some have not
        return cls(f"{properties.container}/{properties.name}", etag, str(properties.blob_type.value))


class BlobTrigger:
    """One blob function's listener."""

    def __init__(
        self,
        name: str,
        path: BlobPath,
        run: Run,
        *,
        properties: Mapping[str, Any],
        connection: StorageConnection,
        receipts: BlobReceipts,
        encoding: MessageEncoding,
        tries: int,
        slots: asyncio.Semaphore,
    ) -> None:
        """Runs the function `name` for blobs that fit a path.

        Args:
            name: of the function.
            path: which blobs.
            run: calls the function.
            properties: those of its trigger.
            connection: the account that the blobs are in.
            receipts: which blobs are done with.
            encoding: of messages in the poison queue.
            tries: how often a blob is tried.
            slots: for the calls of all blob functions.
        """
        self._name = name
        self._path = path
        self._run = run
        self._properties = properties
        self._connection = connection
        self._receipts = receipts
        self._encoding = encoding
        self._container = connection.blobs.get_container_client(path.container)
        self._poison_queue: QueueClient = connection.queues.get_queue_client(POISON_QUEUE)
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._tries = tries
        self._slots = slots
        self._owed: dict[_Version, bool] = {}  # done with and without a receipt yet; true: nor on the queue
        self._stopping = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look."""
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self, *, grace: float) -> None:
        """Takes no more blobs; what is not done with in `grace` seconds comes again at the next start."""
        self._stopping.set()
        if self._watcher is not None:
            await finish(self._watcher, lambda: [*self._in_hand.values()], grace=grace)

    async def run_by_hand(self, path: str) -> None:
        """Runs the function once for a blob; `path` is container and name.

        Raises:
            FunctionFailed: it failed, or there is no such blob.
        """
        try:
            content, properties = await self._read(path.strip("/").partition("/")[2])
        except (AzureError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise FunctionFailed(f"the blob '{path}' cannot be read: {reason}") from error
        await self._run(self._name, self._value(content), self._metadata(properties))

    async def _watch(self) -> None:
        pause = _SHORTEST_PAUSE
        while not self._stopping.is_set():
            await self._look()
            pause = _SHORTEST_PAUSE if self._in_hand else min(2 * pause, _LONGEST_PAUSE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()

    async def _look(self) -> None:
        """Takes what is new, as soon as there is room for it."""
        try:
            for version in [version for version in self._owed if version.name not in self._in_hand]:
                await self._settle(version)
            with contextlib.suppress(ResourceNotFoundError):  # the container may come later
                async for properties in self._container.list_blobs(name_starts_with=self._path.prefix):
                    await self._take(properties)
                    if self._stopping.is_set():
                        return
        except AzureError as error:
            self._connection.fails(error)
        else:
            self._connection.answers()

    async def _take(self, properties: "BlobProperties") -> None:
        name = str(properties.name)
        if self._path.match(name) is None or name in self._in_hand:
            return
        if await self._is_done_with(_Version.of(properties)):
            return
        await self._slots.acquire()
        task = self._in_hand[name] = asyncio.create_task(self._deliver(name))
        task.add_done_callback(lambda _: self._finished(name))

    def _finished(self, name: str) -> None:
        self._slots.release()
        del self._in_hand[name]

    async def _is_done_with(self, version: _Version) -> bool:
        return version in self._owed or await self._receipts.holds(version.etag, version.path)

    async def _deliver(self, name: str) -> None:
        try:
            content, properties = await self._read(name)
            version = _Version.of(properties)  # which may be a newer one than was listed
            if not await self._is_done_with(version):
                await self._process(version, content, properties)
        except ResourceNotFoundError:
            logger.debug("The blob '%s' is gone.", name)
        except AzureError as error:
            self._connection.fails(error)

    async def _process(self, version: _Version, content: bytes, properties: "BlobProperties") -> None:
        for number in range(1, self._tries + 1):
            if await self._succeeds(content, properties):
                self._owed[version] = False
                break
            if self._stopping.is_set():
                return
            if number == self._tries:
                self._owed[version] = True
        await self._settle(version)

    async def _succeeds(self, content: bytes, properties: "BlobProperties") -> bool:
        try:
            await self._run(self._name, self._value(content), self._metadata(properties))
        except FunctionFailed:  # logged where it ran
            return False
        return True

    async def _settle(self, version: _Version) -> None:
        """Writes down that a version is done with; what cannot be written stays owed."""
        if self._owed[version]:
            logger.warning(
                "'%s' failed %d times for the blob '%s', which goes to the queue '%s'.",
                self._name,
                self._tries,
                version.path,
                POISON_QUEUE,
            )
            await send(self._poison_queue, encode(self._poison_message(version), self._encoding))
            self._owed[version] = False
        await self._receipts.add(version.etag, version.path)
        del self._owed[version]

    def _poison_message(self, version: _Version) -> bytes:
        message = {
            "Type": "BlobTrigger",
            "FunctionId": f"Host.Functions.{self._name}",
            "BlobType": version.blob_type,
            "ContainerName": self._path.container,
            "BlobName": version.name,
            "ETag": f'"{version.etag}"',
        }
        return json.dumps(message, indent=2, ensure_ascii=False).encode()

    async def _read(self, name: str) -> "tuple[bytes, BlobProperties]":
        download = await self._container.download_blob(name)
        return await download.readall(), download.properties

    def _value(self, content: bytes) -> Datum:
        is_text = str(self._properties.get("dataType", "")).lower() == "string"
        return text_datum(content.decode("utf-8-sig", "replace")) if is_text else Datum(content, "bytes")

    def _metadata(self, properties: "BlobProperties") -> dict[str, Datum]:
        """What the trigger tells beside the value: names that the converter reads, and parts of the path."""
        name = str(properties.name)
        described = {
            "ContentLength": properties.size,
            "ContentType": properties.content_settings.content_type,
            "ETag": str(properties.etag),
            "LastModified": properties.last_modified.isoformat(),
            "CreatedOn": properties.creation_time.isoformat() if properties.creation_time else None,
        }
        return {
            **{part: text_datum(text) for part, text in (self._path.match(name) or {}).items()},
            "BlobTrigger": text_datum(f"{self._path.container}/{name}"),
            "Uri": text_datum(self._container.get_blob_client(name).url),
            "Properties": Datum(json.dumps(described), "json"),
            "Metadata": Datum(json.dumps(properties.metadata or {}), "json"),
        }
