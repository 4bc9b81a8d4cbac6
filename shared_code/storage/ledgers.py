"""The whole ledgers of jobs: a blob for each page of files that has entries."""

import asyncio
import json
from collections.abc import Awaitable, Sequence
from http import HTTPStatus
from typing import TypeVar

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob.aio import ContainerClient

from shared_code.errors import AccessDenied, LedgerUnavailable
from shared_code.jobs import LedgerEntry, ledger_prefix

# The SDK's own tries would last longer than a client waits for an answer.
_SECONDS = 15
_DENIED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}

Result = TypeVar("Result")


class StoredLedger:
    """The ledger of one job."""

    def __init__(self, container: ContainerClient, job_id: str) -> None:
        self._container = container
        self._prefix = ledger_prefix(job_id)

    async def pages(self, *, after: int) -> Sequence[int]:
        """The numbers of the pages that have entries, in their order, from behind one on."""
        try:
            names = [name async for name in self._container.list_blob_names(name_starts_with=self._prefix)]
        except ResourceNotFoundError:
            return []  # no job has staged anything: there is no container
        numbers = (int(name.removeprefix(self._prefix).removesuffix(".json")) for name in names)
        return sorted(number for number in numbers if number > after)

    async def read(self, page: int) -> Sequence[LedgerEntry]:
        """The entries of a page; none if it was deleted meanwhile."""
        try:
            download = await self._container.download_blob(f"{self._prefix}{page}.json")
            return [LedgerEntry.from_json(each) for each in json.loads(await download.readall())]
        except ResourceNotFoundError:
            return []


class ReadableLedger:
    """The same for a request, which gets its answer soon, or an error that says what to do."""

    def __init__(self, ledger: StoredLedger) -> None:
        self._ledger = ledger

    async def pages(self, *, after: int) -> Sequence[int]:
        """The numbers of the pages that have entries.

        Raises:
            LedgerUnavailable: storage does not answer.
            AccessDenied: it refuses the app.
        """
        return await _soon(self._ledger.pages(after=after))

    async def read(self, page: int) -> Sequence[LedgerEntry]:
        """The entries of a page.

        Raises:
            LedgerUnavailable: storage does not answer.
            AccessDenied: it refuses the app.
        """
        return await _soon(self._ledger.read(page))


async def _soon(answer: Awaitable[Result]) -> Result:
    try:
        async with asyncio.timeout(_SECONDS):
            return await answer
    except HttpResponseError as error:
        if error.status_code in _DENIED:
            raise AccessDenied("Storage refused access to the ledgers: check the app's role.") from error
        raise LedgerUnavailable from error
    except (AzureError, TimeoutError) as error:
        raise LedgerUnavailable from error
