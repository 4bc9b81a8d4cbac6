"""The whole ledgers of jobs: a blob for each page of files that has entries."""

from collections.abc import Sequence

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import ContainerClient

from shared_code.errors import LedgerUnavailable
from shared_code.jobs import Json, LedgerEntry, ledger_prefix
from shared_code.jobs.evaluation import Miss
from shared_code.storage.for_requests import soon
from shared_code.storage.reading import read_json


class StoredLedger:
    """The ledger of one job."""

    def __init__(self, container: ContainerClient, job_id: str) -> None:
        self._container = container
        self._prefix = ledger_prefix(job_id)

    async def pages(self, *, after: int) -> Sequence[int]:
        """The numbers of the pages that have entries, in their order, after a given one."""
        try:
            names = [name async for name in self._container.list_blob_names(name_starts_with=self._prefix)]
        except ResourceNotFoundError:
            return []  # no job has staged anything: there is no container
        numbers = (int(name.removeprefix(self._prefix).removesuffix(".json")) for name in names)
        return sorted(number for number in numbers if number > after)

    async def read(self, page: int) -> Sequence[LedgerEntry]:
        """The entries of a page; none if it was deleted meanwhile."""
        try:
            return [_entry(each) for each in await read_json(self._container, f"{self._prefix}{page}.json")]
        except ResourceNotFoundError:
            return []


def _entry(value: Json) -> LedgerEntry:
    """What was kept: of an evaluation, that is the questions that it missed."""
    return Miss.from_json(value).entry if "question" in value else LedgerEntry.from_json(value)


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
        return await soon(self._ledger.pages(after=after), LedgerUnavailable)

    async def read(self, page: int) -> Sequence[LedgerEntry]:
        """The entries of a page.

        Raises:
            LedgerUnavailable: storage does not answer.
            AccessDenied: it refuses the app.
        """
        return await soon(self._ledger.read(page), LedgerUnavailable)
