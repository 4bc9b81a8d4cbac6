"""A task hub of years: jobs that ended, written straight into the state file, the table and the blobs.

They are as the app leaves them: each has a lane and a short history, and a row that says how it ended.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableServiceClient
from azure.storage.blob import ContainerClient

from devhost.engine.dotnet_json import to_json
from devhost.engine.episode import new_instance
from devhost.engine.instance import Instance, RuntimeStatus
from devhost.engine.store import Store
from devhost.engine.work import Checkpoint
from shared_code.jobs import ORCHESTRATOR, AuditQueryJob, ledger_prefix
from shared_code.jobs.date_range import DateRange
from shared_code.jobs.job_rows import JobRow
from shared_code.workflows.fan_out import LANE_ORCHESTRATOR, lane_id

TABLE = "asyncjobsJobs"  # by the name of the task hub in host.json
BETWEEN_JOBS = timedelta(seconds=7)
_ROWS_PER_REQUEST = 100
_EVENTS = 8
_AT_ONCE = 2_000


@dataclass(frozen=True)
class OldJob:
    """A job that was submitted at some time and has this status since a moment later."""

    row: JobRow
    status: RuntimeStatus

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing more to come."""
        return self.status.is_terminal

    def instances(self) -> list[Instance]:
        """Those of the job and of its lane."""
        given = self.row.input_of(_JOB.to_json())
        job = self._instance(ORCHESTRATOR, self.row.job_id, given)
        return [job, self._instance(LANE_ORCHESTRATOR, lane_id(self.row.job_id, 0), given)]

    def _instance(self, name: str, instance_id: str, given: object) -> Instance:
        text = to_json(to_json(given))
        begun = new_instance(
            self.row.submitted_at, name=name, instance_id=instance_id, input_text=text, version=None
        ).instance
        return replace(begun, status=self.status, output="37" if self.has_ended else None)


def old_jobs(count: int, *, newest: datetime, status: RuntimeStatus) -> list[OldJob]:
    """So many jobs, the newest first, one every few seconds."""
    times = (newest - number * BETWEEN_JOBS for number in range(count))
    rows = (JobRow.new(uuid4().hex, _JOB.to_json(), moment) for moment in times)
    if not status.is_terminal:
        return [OldJob(row, status) for row in rows]
    return [OldJob(row.ended(status, row.submitted_at), status) for row in rows]


def write(jobs: Sequence[OldJob], *, state: Path, storage: str, ledgers: bool = False) -> None:
    """Writes the jobs, and for one in ten a ledger if they are to have some."""
    asyncio.run(_write_instances(jobs, state))
    with TableServiceClient.from_connection_string(storage) as service:
        table = service.create_table_if_not_exists(TABLE)
        for start in range(0, len(jobs), _ROWS_PER_REQUEST):
            table.submit_transaction(
                [("upsert", _columns(job.row)) for job in jobs[start : start + _ROWS_PER_REQUEST]]
            )
        # Nobody need look for jobs of earlier releases.
        table.upsert_entity({"PartitionKey": "table", "RowKey": "filling", "Marker": "", "Done": "yes"})
    if ledgers:
        _write_ledgers(jobs[::10], storage)


async def _write_instances(jobs: Sequence[OldJob], state: Path) -> None:
    store = Store.open(str(state))
    event = to_json({"EventType": 12, "EventId": -1, "IsPlayed": False, "Timestamp": "2026-01-01T00:00:00Z"})
    try:
        for start in range(0, len(jobs), _AT_ONCE):
            instances = [each for job in jobs[start : start + _AT_ONCE] for each in job.instances()]
            await asyncio.gather(
                *(store.complete(Checkpoint(each, [event] * _EVENTS, [])) for each in instances)
            )
    finally:
        store.close()


def _write_ledgers(jobs: Sequence[OldJob], storage: str) -> None:
    with ContainerClient.from_connection_string(storage, "jobs") as container:
        with suppress(ResourceExistsError):
            container.create_container()
        for job in jobs:
            container.upload_blob(f"{ledger_prefix(job.row.job_id)}0.json", b"[]")


def _columns(row: JobRow) -> dict[str, str]:
    ended = row.ended_at.astimezone(UTC).isoformat(timespec="seconds") if row.ended_at else ""
    key = {"PartitionKey": "jobs", "RowKey": row.key}
    return {**key, "Kind": row.kind, "Env": row.env, "Status": row.final_status, "Ended": ended}


_JOB = AuditQueryJob.plan(DateRange.parse("2021-02-03", "2021-02-05", max_days=10))
