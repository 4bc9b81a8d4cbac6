"""What jobs stage as blobs below `staging/{job id}/`: runs of digests, and pages of names.

A blob is overwritten when its activity is repeated, and nothing here deletes one that is still to be read:
discarding is a call of its own. Ledgers, below `ledger/`, stay until their job is purged.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobProperties
from azure.storage.blob.aio import ContainerClient

from shared_code.concurrency import run_all
from shared_code.errors import StagedRunsMissing
from shared_code.jobs import ledger_prefix
from shared_code.storage.blob_account import written_to
from shared_code.storage.decisions import decisions_prefix
from shared_code.storage.reading import as_json, chunks_of_blob, read_blob, read_json

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
        return (await read_blob(container, f"{STAGING}/{job_id}/{name}")).data
    except ResourceNotFoundError:
        raise _missing(job_id, name) from None


async def stage_json(container: ContainerClient, job_id: str, name: str, value: Any) -> None:
    """Writes a page of JSON values that a later step of the job reads."""
    await _upload(container, f"{STAGING}/{job_id}/{name}", json.dumps(value).encode())


async def read_staged_json(container: ContainerClient, job_id: str, name: str) -> Any:
    """Reads what stage_json wrote.

    Raises:
        StagedRunsMissing: there is no such page.
    """
    try:
        return await read_json(container, f"{STAGING}/{job_id}/{name}")
    except ResourceNotFoundError:
        raise _missing(job_id, name) from None


class StagedItem:
    """A JSON value of a job that several runs of a step may write: none overwrites what it has not seen."""

    def __init__(self, container: ContainerClient, job_id: str, name: str) -> None:
        self._container = container
        self._path = f"{STAGING}/{job_id}/{name}"
        self._etag: str | None = None

    async def read(self) -> Any:
        """The value, which may be overwritten then; None if there is none."""
        try:
            blob = await read_blob(self._container, self._path)
        except ResourceNotFoundError:
            self._etag = None
            return None
        self._etag = blob.etag
        return as_json(blob)

    async def write(self, value: Any) -> None:
        """Writes the value, unless there is one that was neither read nor written here.

        Raises:
            WrittenMeanwhile: there is one, or there is none any more.
        """
        data = json.dumps(value).encode()
        if self._etag:
            await self._overwrite(data, self._etag)
            return
        await written_to(self._container, partial(self._create, data))

    async def _create(self, data: bytes) -> None:
        try:
            self._etag = await self._uploaded(data, overwrite=False)
        except ResourceExistsError:
            raise WrittenMeanwhile from None

    async def _overwrite(self, data: bytes, etag: str) -> None:
        unchanged = {"etag": f'"{etag}"', "match_condition": MatchConditions.IfNotModified}
        try:
            self._etag = await self._uploaded(data, overwrite=True, **unchanged)
        except (ResourceModifiedError, ResourceNotFoundError):
            raise WrittenMeanwhile from None

    async def _uploaded(self, data: bytes, **condition: Any) -> str:
        blob = self._container.get_blob_client(self._path)
        answer = await blob.upload_blob(data, **condition)
        return str(answer["etag"]).strip('"')


class WrittenMeanwhile(Exception):
    """A value is not as it was read."""


async def keep_ledger(container: ContainerClient, job_id: str, name: str, entries: Sequence[Any]) -> None:
    """Writes entries of a job's ledger, which outlive the job."""
    await _upload(container, f"{ledger_prefix(job_id)}{name}", json.dumps(entries).encode())


async def discard_ledger(container: ContainerClient, job_id: str) -> None:
    """Deletes a job's ledger, which is about to be written again."""
    try:
        names = [name async for name in container.list_blob_names(name_starts_with=ledger_prefix(job_id))]
    except ResourceNotFoundError:
        return  # there never was one: there is no container
    await _delete_all(container, names)


async def _upload(container: ContainerClient, path: str, data: bytes) -> None:
    await written_to(container, partial(container.upload_blob, path, data, overwrite=True))


async def staged_runs(container: ContainerClient, job_id: str, *, runs: int) -> list[AsyncIterator[bytes]]:
    """The runs of a job, each a chunk at a time.

    Raises:
        StagedRunsMissing: there are not as many as the job staged.
    """
    names = [name async for name in container.list_blob_names(name_starts_with=f"{STAGING}/{job_id}/")]
    if len(names) != runs:
        raise StagedRunsMissing(f"Job {job_id} has {len(names)} staged runs of {runs}: submit it again.")
    return [chunks_of_blob(container, name) for name in names]


async def discard_staged(container: ContainerClient, job_id: str) -> None:
    """Deletes what a job staged."""
    await _delete_all(container, [blob.name async for blob in _below(container, f"{STAGING}/{job_id}/")])


class StoredBlobs:
    """Everything that jobs have in their container."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container

    async def delete(self, job_id: str) -> None:
        """Deletes what a job has staged, its ledger, and what was decided about it."""
        for prefix in (f"{STAGING}/{job_id}/", ledger_prefix(job_id), decisions_prefix(job_id)):
            await _delete_all(self._container, [blob.name async for blob in _below(self._container, prefix)])


async def sweep_staged(
    container: ContainerClient, *, older_than: datetime, is_live: Callable[[str], Awaitable[bool]]
) -> None:
    """Deletes what jobs staged before a time and never discarded; a live job may still come to it.

    Raises:
        AzureError: what kept the first blob that cannot be deleted; what other jobs staged is gone.
    """
    found: dict[str, list[str]] = {}
    async for blob in _below(container, f"{STAGING}/"):
        if blob.last_modified < older_than:
            found.setdefault(blob.name.split("/")[1], []).append(blob.name)
    failures: list[AzureError] = []
    for job_id, names in found.items():
        if await is_live(job_id):
            continue
        try:
            await _delete_all(container, names)
        except AzureError as error:
            failures.append(error)
    if failures:
        raise failures[0]


async def _below(container: ContainerClient, prefix: str) -> AsyncIterator[BlobProperties]:
    try:
        async for blob in container.list_blobs(name_starts_with=prefix):
            yield blob
    except ResourceNotFoundError:
        return  # nothing was staged: there is no container


def _missing(job_id: str, name: str) -> StagedRunsMissing:
    return StagedRunsMissing(f"Job {job_id} has no staged {name}: submit it again.")


async def _delete_all(container: ContainerClient, names: Iterable[str]) -> None:
    await run_all((_delete(container, name) for name in names), at_once=_DELETIONS_AT_ONCE)


async def _delete(container: ContainerClient, name: str) -> None:
    try:
        await container.delete_blob(name)
    except ResourceNotFoundError:
        return  # discarded twice
