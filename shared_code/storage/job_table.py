"""The table of jobs, `{task hub}Jobs` in the host's own account: one partition of all, and one of each env.

ADR 45 has the reasons.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from shared_code.errors import EndpointUnusable, JobTableUnavailable, TableNotFound
from shared_code.http_pool import ServiceError, Timeouts
from shared_code.jobs.job_rows import Filling, JobFilter, JobRow, before
from shared_code.storage.tables import StorageTable

# A client waits for the answer, and can ask again.
TIMEOUTS = Timeouts(attempt=5, total=10)
_ALL = "jobs"
_FILLING = ("table", "filling")
_COLUMNS = "RowKey,Kind,Env,Status,Ended"

Result = TypeVar("Result")


class StoredJobs:
    """The rows of jobs; the table is created by the first write."""

    def __init__(self, table: StorageTable) -> None:
        self._table = table
        self._filling = Filling()

    async def put(self, row: JobRow) -> None:
        """Writes a row, or replaces it."""
        columns = {
            "Kind": row.kind,
            "Env": row.env,
            "Status": row.final_status,
            "Ended": _text(row.ended_at) if row.ended_at else "",
        }
        for partition in _partitions(row):
            await self._put(partition, row.key, columns)

    async def remove(self, row: JobRow) -> None:
        """Deletes a row, if it is there; last where everybody looks, so that a second try finds it."""
        for partition in reversed(_partitions(row)):
            await _answer(self._table.delete_row(partition, row.key))

    async def rows(self, wanted: JobFilter, *, after: str, most: int) -> Sequence[JobRow]:
        """At most `most` rows whose keys come after `after`, the newest job first."""
        found: list[JobRow] = []
        query = " and ".join(_conditions(wanted, after))

        async def read() -> None:
            async for page in self._table.pages(query, select=_COLUMNS, top=min(most, 1_000)):
                found.extend(map(_row, page))
                if len(found) >= most:
                    break

        try:
            await _answer(read())
        except TableNotFound:
            return []
        return found[:most]

    async def filling(self) -> Filling:
        """How far the table is filled; what is done stays so, and is not read again."""
        if self._filling.is_done:
            return self._filling
        try:
            found = await _answer(self._table.row(*_FILLING, select="Marker,Done"))
        except TableNotFound:
            found = None
        if found:
            self._filling = Filling(marker=found["Marker"] or None, is_done=found["Done"] == "yes")
        return self._filling

    async def save_filling(self, filling: Filling) -> None:
        """Notes how far it is."""
        await self._put(
            *_FILLING, {"Marker": filling.marker or "", "Done": "yes" if filling.is_done else "no"}
        )

    async def _put(self, partition: str, key: str, columns: dict[str, str]) -> None:
        def write() -> Awaitable[None]:
            return self._table.put_row(partition, key, columns)

        try:
            await _answer(write())
        except TableNotFound:
            await _answer(self._create(write))

    async def _create(self, write: Callable[[], Awaitable[None]]) -> None:
        await self._table.create()
        await write()


async def _answer(call: Awaitable[Result]) -> Result:
    """What a call of the table answers; a table that cannot is unavailable, and nothing else."""
    try:
        return await call
    except (ServiceError, EndpointUnusable) as error:
        raise JobTableUnavailable from error


def _partitions(row: JobRow) -> list[str]:
    """Where a row stands, as often as there are ways to look for it."""
    return [_ALL, _of(row.env)] if row.env else [_ALL]


def _of(env: str) -> str:
    return f"env:{env}"


def _conditions(wanted: JobFilter, after: str) -> Iterator[str]:
    yield f"PartitionKey eq '{_ALL if wanted.env is None else _of(wanted.env)}'"
    if after:
        yield f"RowKey gt '{after}'"
    if wanted.created_after:
        yield f"RowKey lt '{before(wanted.created_after)}'"
    if wanted.kind is not None:
        yield f"Kind eq '{wanted.kind}'"
    if wanted.final_statuses:
        statuses = " or ".join(f"Status eq '{each}'" for each in wanted.final_statuses)
        yield f"({statuses})"
    if wanted.ended_before:
        yield f"Ended gt '' and Ended lt '{_text(wanted.ended_before)}'"


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _row(columns: dict[str, Any]) -> JobRow:
    ended = columns["Ended"]
    return JobRow.at(
        columns["RowKey"],
        kind=columns["Kind"],
        env=columns["Env"],
        final_status=columns["Status"],
        ended_at=datetime.fromisoformat(ended) if ended else None,
    )
