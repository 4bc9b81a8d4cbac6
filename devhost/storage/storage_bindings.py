"""The bindings `queue` (out) and `blob` (in and out): what a function reads and writes beside its trigger."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.functions.meta import Datum

from devhost.app.binding_expressions import BindingData
from devhost.app.bindings import Binding, text_datum
from devhost.errors import BindingFailed
from devhost.settings.extension_options import MessageEncoding
from devhost.storage.queue_messages import contents_of, encode, send
from devhost.storage.storage_connection import StorageConnections
from devhost.worker.worker import Worker

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobClient, BlobServiceClient


class StorageBindings:
    """Reads and writes storage for the calls of one app."""

    def __init__(
        self, connections: StorageConnections, encoding: MessageEncoding, *, sent: Callable[[str], None]
    ) -> None:
        """`sent` is called with the name of each queue that a function has put messages into."""
        self._connections = connections
        self._encoding = encoding
        self._sent = sent

    def offer_to(self, worker: Worker) -> None:
        """Lets the worker's functions use the bindings."""
        worker.provide_input("blob", self.read_blob)
        worker.provide_output("blob", self.write_blob)
        worker.provide_output("queue", self.write_queue)

    async def write_queue(self, binding: Binding, value: Datum, data: BindingData) -> None:
        """Sends one message, or each of a list; the queue is created if there is none.

        Raises:
            BindingFailed, ConnectionUnusable, UnresolvedExpression: it cannot be sent.
        """
        name = data.expand(str(binding.properties.get("queueName", ""))).lower()
        connection = self._connections.of(binding.properties)
        queue = connection.queues.get_queue_client(name)
        with _told_as_failure(binding, f"the queue '{name}'"):
            for content in contents_of(value):
                await connection.ask(partial(send, queue, encode(content, self._encoding)))
                self._sent(name)

    async def write_blob(self, binding: Binding, value: Datum, data: BindingData) -> None:
        """Writes a blob, over an older one if need be; the container is created if there is none.

        Raises:
            BindingFailed, ConnectionUnusable, UnresolvedExpression: it cannot be written.
        """
        path = data.expand(str(binding.properties.get("path", "")))
        connection = self._connections.of(binding.properties)
        with _told_as_failure(binding, f"the blob '{path}'"):
            content = value.value.encode() if isinstance(value.value, str) else value.value
            await connection.ask(lambda: _upload(connection.blobs, path, content))

    async def read_blob(self, binding: Binding, data: BindingData) -> Datum:
        """What a blob holds; an empty value if there is none, which the function gets as `None`.

        It is a text unless the binding's `dataType` is binary: bytes that are not UTF-8 are replaced.

        Raises:
            BindingFailed, ConnectionUnusable, UnresolvedExpression: it cannot be read.
        """
        path = data.expand(str(binding.properties.get("path", "")))
        connection = self._connections.of(binding.properties)
        with _told_as_failure(binding, f"the blob '{path}'"):
            try:
                content = await connection.ask(lambda: _download(connection.blobs, path))
            except ResourceNotFoundError:
                return Datum(None, None)
        if str(binding.properties.get("dataType", "")).lower() == "binary":
            return Datum(content, "bytes")
        return text_datum(content.decode("utf-8-sig", "replace"))


async def _download(blobs: "BlobServiceClient", path: str) -> bytes:
    download = await _blob(blobs, path).download_blob()
    return await download.readall()


async def _upload(blobs: "BlobServiceClient", path: str, content: bytes) -> None:
    blob = _blob(blobs, path)
    try:
        await blob.upload_blob(content, overwrite=True)
    except ResourceNotFoundError:
        with contextlib.suppress(ResourceExistsError):
            await blobs.create_container(blob.container_name)
        await blob.upload_blob(content, overwrite=True)


def _blob(blobs: "BlobServiceClient", path: str) -> "BlobClient":
    container, _, name = path.strip("/").partition("/")
    if not name:
        raise ValueError("a path is container/blob")
    return blobs.get_blob_client(container, name)


@contextlib.contextmanager
def _told_as_failure(binding: Binding, where: str) -> Iterator[None]:
    try:
        yield
    except (AzureError, ValueError) as error:
        raise BindingFailed(binding.name, where, str(error).partition("\n")[0]) from error
