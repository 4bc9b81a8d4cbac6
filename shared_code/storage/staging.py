"""What jobs stage as blobs below `staging/{job id}/`: runs of digests, and pages of names.

A blob is overwritten when its activity is repeated, and nothing here deletes one that is still to be read:
discarding is a call of its own. Ledgers, below `ledger/`, stay.
"""

import asyncio
import json
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobProperties
from azure.storage.blob.aio import ContainerClient

from shared_code.audit.distinct_ids import DIGEST_SIZE, split
from shared_code.concurrency import run_all
from shared_code.errors import StagedRunsMissing
from shared_code.jobs import ledger_prefix

STAGING = "staging"
_DELETIONS_AT_ONCE = 16


async def stage_run(container: ContainerClient, job_id: str, name: str, run: bytes) -> None:
    """Writes digests; the container is created on first use."""
    await _upload(container, f"{STAGING}/{job_id}/{name}", run)


async def read_staged_run(container: ContainerClient, job_id: str, name: str) -> bytes:
    """Reads what stage_run wrote.

    Raises:
        StagedRunsMissing: there is no such run.
    """
    try:
        download = await container.download_blob(f"{STAGING}/{job_id}/{name}")
        return await download.readall()
    except ResourceNotFoundError:
        raise StagedRunsMissing(f"Job {job_id} has no staged {name}: submit it again.") from None


async def stage_json(container: ContainerClient, job_id: str, name: str, value: Any) -> None:
    """Writes a page of JSON values that a later step of the job reads."""
    await _upload(container, f"{STAGING}/{job_id}/{name}", json.dumps(value).encode())


async def read_staged_json(container: ContainerClient, job_id: str, name: str) -> Any:
    """Reads what stage_json wrote.

    Raises:
        StagedRunsMissing: there is no such page.
    """
    return json.loads(await read_staged_run(container, job_id, name))


async def keep_ledger(container: ContainerClient, job_id: str, name: str, entries: Sequence[Any]) -> None:
    """Writes entries of a job's ledger, which outlive the job."""
    await _upload(container, f"{ledger_prefix(job_id)}{name}", json.dumps(entries).encode())


async def _upload(container: ContainerClient, path: str, data: bytes) -> None:
    try:
        await container.upload_blob(path, data, overwrite=True)
    except ResourceNotFoundError:
        await _create(container)
        await container.upload_blob(path, data, overwrite=True)


async def _create(container: ContainerClient) -> None:
    try:
        await container.create_container()
    except ResourceExistsError:
        return  # another step of the job was first


async def count_staged(container: ContainerClient, job_id: str, *, runs: int) -> int:
    """Counts the distinct digests of a job's runs.

    Raises:
        StagedRunsMissing: there are not as many runs as the job staged.
    """
    names = [name async for name in container.list_blob_names(name_starts_with=f"{STAGING}/{job_id}/")]
    if len(names) != runs:
        raise StagedRunsMissing(f"Job {job_id} has {len(names)} staged runs of {runs}: submit it again.")
    return await count_union([_chunks(container, name) for name in names])


async def _chunks(container: ContainerClient, name: str) -> AsyncIterator[bytes]:
    download = await container.download_blob(name)
    async for chunk in download.chunks():
        yield chunk


async def count_union(runs: Sequence[AsyncIterator[bytes]]) -> int:
    """Counts the distinct digests of sorted runs, in lockstep by their first byte: one 256th at a time."""
    readers = [_RunReader(run) for run in runs]
    count = 0
    for first_byte in range(256):
        parts = await asyncio.gather(*(reader.take(first_byte) for reader in readers))
        count += await asyncio.to_thread(_count_distinct, parts)
    return count


def _count_distinct(parts: Sequence[bytes]) -> int:
    return len(set[bytes]().union(*map(split, parts)))


class _RunReader:
    """Reads a sorted run from the front, no further than it has to."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()
        self._ended = False

    async def take(self, first_byte: int) -> bytes:
        """The digests that begin with this byte, once all lesser ones have been taken."""
        while not self._ended and self._may_go_on(first_byte):
            chunk = await anext(self._chunks, None)
            self._ended = chunk is None
            self._buffer += chunk or b""
        digests = range(len(self._buffer) // DIGEST_SIZE)
        end = DIGEST_SIZE * bisect_right(
            digests, first_byte, key=lambda index: self._buffer[index * DIGEST_SIZE]
        )
        taken = bytes(self._buffer[:end])
        del self._buffer[:end]
        return taken

    def _may_go_on(self, first_byte: int) -> bool:
        """Whether digests with this first byte may lie beyond the buffer; its tail may be a part of one."""
        whole = len(self._buffer) // DIGEST_SIZE * DIGEST_SIZE
        return whole == 0 or self._buffer[whole - DIGEST_SIZE] <= first_byte


async def discard_staged(container: ContainerClient, job_id: str) -> None:
    """Deletes what a job staged."""
    await _delete_all(container, [blob.name async for blob in _staged(container, f"{job_id}/")])


async def sweep_staged(
    container: ContainerClient, *, older_than: datetime, is_live: Callable[[str], Awaitable[bool]]
) -> None:
    """Deletes what jobs staged before a time and never discarded; a live job may still come to it."""
    found: dict[str, list[str]] = {}
    async for blob in _staged(container):
        if blob.last_modified < older_than:
            found.setdefault(blob.name.split("/")[1], []).append(blob.name)
    for job_id, names in found.items():
        if not await is_live(job_id):
            await _delete_all(container, names)


async def _staged(container: ContainerClient, prefix: str = "") -> AsyncIterator[BlobProperties]:
    try:
        async for blob in container.list_blobs(name_starts_with=f"{STAGING}/{prefix}"):
            yield blob
    except ResourceNotFoundError:
        return  # nothing was staged: there is no container


async def _delete_all(container: ContainerClient, names: Iterable[str]) -> None:
    await run_all((_delete(container, name) for name in names), at_once=_DELETIONS_AT_ONCE)


async def _delete(container: ContainerClient, name: str) -> None:
    try:
        await container.delete_blob(name)
    except ResourceNotFoundError:
        return  # discarded twice
