"""Retention: what is left of jobs that ended long ago goes, with everything that was theirs.

Blobs first, then lanes, then the job, its row last: a purge that is killed is done again from the row on, and
no new job can take the id before. The time is that of the host, since the host has dated the jobs.

ADR 46 has the reasons.
"""

import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, Protocol

from shared_code.api.job_filling import fill
from shared_code.api.job_instances import ENDED, find_instance, find_job, input_of, status_of
from shared_code.concurrency import run_all
from shared_code.errors import JobNotFound, JobTableFilling, Unavailable
from shared_code.jobs import DurableClient
from shared_code.jobs.durable import HubListing, ListedInstance
from shared_code.jobs.job_rows import JobFilter, JobRow, JobTable
from shared_code.telemetry import log_event, name_of
from shared_code.usage.report import utc_now

# A function has ten minutes (functionTimeout in host.json); what is left over is for the next purge.
_SECONDS = 240.0
_ROWS_PER_WINDOW = 100
_JOBS_AT_ONCE = 16
# Between its row and its start a job has moments; no request lasts as long.
_UNBORN = timedelta(days=1)


class JobBlobs(Protocol):
    """What jobs have staged and kept."""

    async def delete(self, job_id: str) -> None:
        """Deletes all of it that is one job's."""


def host_time(schedule_status: Mapping[str, Any], *, clock: Callable[[], datetime] = utc_now) -> datetime:
    """When a timer was due by the host's clock, if the host says so; never later than it is."""
    now, due = clock(), schedule_status.get("Next")
    moment = datetime.fromisoformat(due) if due else now
    return min(now, moment) if moment.tzinfo else now


@dataclass(frozen=True, kw_only=True)
class Purge:
    """One purge.

    Attributes:
        client: of the Durable host.
        hub: all of its instances.
        table: of jobs.
        blobs: of jobs.
        retention_days: for how long an ended job can be read.
        now: the time by the host's clock.
        clock: tells, in seconds, when the purge is over.
    """

    client: DurableClient
    hub: HubListing
    table: JobTable
    blobs: JobBlobs
    retention_days: int
    now: datetime
    clock: Callable[[], float] = field(default=monotonic)
    _failures: list[Exception] = field(default_factory=list, init=False)

    async def run(self, *, seconds: float = _SECONDS) -> None:
        """Notes which jobs have ended, and purges those that have expired, for at most this many seconds.

        Raises:
            HostUnavailable: the host did not answer; the next purge goes on.
            JobTableUnavailable: nor did the table.
            Exception: what kept the first of those jobs that could not be purged. The others are.
        """
        until = self.clock() + seconds
        with suppress(JobTableFilling):  # what is in it can be purged all the same
            await fill(self.table, self.hub, seconds=seconds / 2, clock=self.clock)
        await self._each(JobFilter(final_statuses=("",)), self._note_end, until)
        expired = JobFilter(ended_before=self.now - self._retention)
        purged = await self._each(expired, self._purge, until)
        log_event("jobs.purged", jobs=sum(purged))
        if self._failures:  # so that the host shows that this run has failed
            raise self._failures[0]

    @property
    def _retention(self) -> timedelta:
        return timedelta(self.retention_days)

    async def _each(
        self, wanted: JobFilter, work: Callable[[JobRow], Coroutine[Any, Any, bool]], until: float
    ) -> Sequence[bool]:
        """What the work gives for each of the rows, as far as time allows."""
        results: list[bool] = []
        after = ""
        while self.clock() < until:
            rows = await self.table.rows(wanted, after=after, most=_ROWS_PER_WINDOW)
            tried = (self._tried(work, row, until) for row in rows)
            results += await run_all(tried, at_once=_JOBS_AT_ONCE)
            if len(rows) < _ROWS_PER_WINDOW:
                break
            after = rows[-1].key
        return results

    async def _tried(
        self, work: Callable[[JobRow], Coroutine[Any, Any, bool]], row: JobRow, until: float
    ) -> bool:
        """What the work gives for a row; what is wrong with one job must not keep the others."""
        if self.clock() >= until:
            return False
        try:
            return await work(row)
        except Unavailable:
            raise  # for the others, too
        except Exception as error:  # noqa: BLE001 - it is logged, and raised at the end
            log_event("job.not_purged", level=logging.ERROR, jobId=row.job_id, error=name_of(error))
            self._failures.append(error)
            return False

    async def _note_end(self, row: JobRow) -> bool:
        """Notes how the job of a row has ended, if it has; one that never began loses its row in the end."""
        job = await self._job_of(row)
        if job is not None:
            return await self._is_over(row, job)
        if row.submitted_at < self.now - _UNBORN:
            await self.table.remove(row)
        return False

    async def _is_over(self, row: JobRow, job: Any) -> bool:
        """Whether the job has ended; the row says so, too."""
        if job.runtime_status.value in ENDED:
            known = row.ended(status_of(job), job.last_updated_time)
        else:
            known = replace(row, final_status="", ended_at=None)
        if known != row:
            await self.table.put(known)
        return known.ended_at is not None

    async def _purge(self, row: JobRow) -> bool:
        """Purges the job of a row, unless it lives, or ended later than the row says; whether it did."""
        job = await self._job_of(row)
        if job is not None:
            is_over = await self._is_over(row, job)
            if not is_over or job.last_updated_time + self._retention > self.now:
                return False
        elif await self._find(row.job_id) is not None:
            await self.table.remove(row)  # all that has this id is another submission's
            return False
        lanes = await self._lanes(row.job_id)
        if any(lane.status not in ENDED for lane in lanes):
            log_event("job.kept", jobId=row.job_id)
            return False
        await self.blobs.delete(row.job_id)
        for instance_id in (*(lane.id for lane in lanes), row.job_id):
            await self._purge_instance(instance_id)
        await self.table.remove(row)
        return True

    async def _job_of(self, row: JobRow) -> Any | None:
        """The instance of a row's job."""
        job = await self._find(row.job_id)
        return job if job is not None and row.is_of(input_of(job), job.created_time) else None

    async def _find(self, job_id: str) -> Any | None:
        try:
            return await find_job(self.client, job_id)
        except JobNotFound:
            return None

    async def _lanes(self, job_id: str) -> list[ListedInstance]:
        """Everything that a job has started beside itself."""
        read = partial(self.hub.page, prefix=f"{job_id}:")
        page = await read(None)
        found = [*page.instances]
        while page.token:
            page = await read(page.token)
            found += page.instances
        return found

    async def _purge_instance(self, instance_id: str) -> None:
        try:
            await self.client.purge_instance_history(instance_id)
        except Exception:
            # The SDK raises a bare Exception for whatever the host answers: is it only about this instance?
            await find_instance(self.client, instance_id)
            raise
