"""What a client may see of its job: built member by member, so that nothing else can slip through.

Never shown: input, history, management links, the output of a failure, the names of lanes and steps.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared_code.api.job_instances import ENDED, find_instance, find_job, input_of
from shared_code.api.releases import newer_release
from shared_code.jobs import DurableClient, Failure, Json, Phase, Progress, Waiting
from shared_code.settings import settings
from shared_code.workflows.fan_out import lane_id

_COUNTS = ("completed", "failed", "skipped")
_UNKNOWN_FAILURE = Failure("JobFailed", "The job failed: submit it again.")


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """One look at a job."""

    id: str
    status: str
    result: Any
    progress: Json
    created_at: datetime
    last_updated_at: datetime
    retention: timedelta
    error: Failure | None

    @property
    def ended(self) -> bool:
        """Whether this is the last status the job will have."""
        return self.status in ENDED

    def to_json(self) -> Json:
        """The body of the answer."""
        body = {
            "id": self.id,
            "status": self.status,
            "result": self.result,
            "progress": self.progress,
            "createdAt": _timestamp(self.created_at),
            "lastUpdatedAt": _timestamp(self.last_updated_at),
            "expiresAt": _timestamp(self.last_updated_at + self.retention) if self.ended else None,
        }
        return {**body, "error": self.error.to_json()} if self.error else body


async def read_status(client: DurableClient, job_id: str, *, retention_days: int) -> JobStatus:
    """Looks at a job and its lanes.

    Raises:
        JobNotFound: no job has this id.
        HostUnavailable: the host did not answer.
    """
    job = await find_job(client, job_id)
    own = Progress.from_json(job.custom_status)
    lanes = await asyncio.gather(
        *(find_instance(client, lane_id(job_id, number)) for number in range(own.lanes))
    )
    status = "Running" if job.runtime_status.value == "ContinuedAsNew" else job.runtime_status.value
    return JobStatus(
        id=job_id,
        status=status,
        result=job.output if status == "Completed" else None,
        progress={
            **_progress(own, [Progress.from_json(lane and lane.custom_status) for lane in lanes]),
            **({} if status in ENDED else _wait_for_release(job)),
        },
        created_at=job.created_time,
        last_updated_at=job.last_updated_time,
        retention=timedelta(retention_days),
        error=own.error or _UNKNOWN_FAILURE if status == "Failed" else None,
    )


def _progress(own: Progress, lanes: Sequence[Progress]) -> Json:
    parts = (own, *lanes)
    return {
        "phase": own.phase or Phase.PENDING,
        "total": own.total,
        **{name: sum(part.counts.get(name, 0) for part in parts) for name in _COUNTS},
        **({"estimate": own.estimate.to_json()} if own.estimate else {}),
        **_pause(parts),
    }


def _pause(parts: Sequence[Progress]) -> Json:
    """Why the job waits, if it does; what stops one of its lanes is about to stop the others as well."""
    held = next((part.held for part in parts if part.held), None)
    if held:
        return {"phase": Phase.HELD, "held": held.to_json()}
    waiting = next((part.waiting for part in parts if part.waiting), None)
    return {"phase": Phase.WAITING, "waiting": _waiting(waiting)} if waiting else {}


def _waiting(waiting: Waiting) -> Json:
    return {
        "service": waiting.service,
        **waiting.failure.to_json(),
        "since": _timestamp(waiting.since),
        "nextTry": _timestamp(waiting.next_try),
    }


def _wait_for_release(job: Any) -> Json:
    """Why the host lets the job wait, if it does; nobody knows until when."""
    reason = newer_release(input_of(job), settings().release)
    if not reason:
        return {}
    since = _timestamp(job.last_updated_time)
    waiting = {"service": "release", **reason.to_json(), "since": since, "nextTry": None}
    return {"phase": Phase.WAITING, "waiting": waiting}


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
