"""Reading a blob whole: as long as the service said that it is, and within bounds of time.

A connection that breaks off is noticed below; a proxy that breaks off with a good end is not, and half a file
looks like a file.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import DecodeError, IncompleteReadError
from azure.storage.blob.aio import ContainerClient, StorageStreamDownloader

# Seconds, and bytes in a second: what comes more slowly has in truth stopped.
_LEAST_TIME, _LEAST_SPEED = 60.0, 100_000


@dataclass(frozen=True, slots=True)
class ReadBlob:
    """A blob as it was read; its ETag is without the quotes of the header."""

    data: bytes
    etag: str


class TooManyBytes(Exception):
    """A blob is larger than whoever reads it wants."""


async def read_blob(container: ContainerClient, name: str, *, limit: int | None = None) -> ReadBlob:
    """Reads a whole blob.

    Args:
        container: where it is.
        name: of the blob.
        limit: the most bytes that are read.

    Raises:
        TooManyBytes: it has more than that.
        AzureError: it is not there, or could not be read whole.
        TimeoutError: it comes too slowly.
    """
    async with asyncio.timeout(_LEAST_TIME):
        download = await _begun(container, name)
    if limit is not None and download.size > limit:
        raise TooManyBytes
    async with asyncio.timeout(_LEAST_TIME + download.size / _LEAST_SPEED):
        data = await download.readall()
    _require_whole(len(data), download)
    return ReadBlob(data, (download.properties.etag or "").strip('"'))


async def read_json(container: ContainerClient, name: str) -> Any:
    """Reads a blob of JSON, as read_blob does.

    Raises:
        DecodeError: it is none.
    """
    return as_json(await read_blob(container, name))


def as_json(blob: ReadBlob) -> Any:
    """What a blob of JSON holds.

    Raises:
        DecodeError: it is none.
    """
    try:
        return json.loads(blob.data)
    except (ValueError, RecursionError) as error:
        raise DecodeError("A blob of JSON is something else.", error=error) from error


async def chunks_of_blob(container: ContainerClient, name: str) -> AsyncIterator[bytes]:
    """Reads a blob a chunk at a time; what is wrong with its length shows at its end.

    Raises:
        AzureError, TimeoutError: as read_blob.
    """
    async with asyncio.timeout(_LEAST_TIME):
        download = await _begun(container, name)
    chunks, length = aiter(download.chunks()), 0
    while True:
        async with asyncio.timeout(_LEAST_TIME):
            chunk = await anext(chunks, None)
        if chunk is None:
            break
        length += len(chunk)
        yield chunk
    _require_whole(length, download)


async def _begun(container: ContainerClient, name: str) -> StorageStreamDownloader[bytes]:
    try:
        return await container.download_blob(name)
    except ValueError as error:  # what the SDK calls an answer that does not say which part it is
        raise DecodeError("Storage did not say how long a blob is.", error=error) from error


def _require_whole(length: int, download: StorageStreamDownloader[bytes]) -> None:
    if length != download.size:
        raise IncompleteReadError(f"Of {download.size} bytes of a blob {length} came.")
