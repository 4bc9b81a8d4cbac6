"""What a client may see of its job: built member by member, so that nothing else can slip through.

Never shown: input but for kind and environment, history, management links, the output of a failure, the names
of lanes and steps.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared_code.api.answers import status_uri
from shared_code.api.host_waits import host_wait
from shared_code.api.job_instances import ENDED, find_instance, find_job, row_of, status_of
from shared_code.jobs import DurableClient, Failure, Json, Phase, Progress, Waiting
from shared_code.jobs.approval import Approval
from shared_code.jobs.job_rows import JobRow
from shared_code.jobs.watch import Watch
from shared_code.settings import settings
from shared_code.usage.report import utc_now
from shared_code.workflows.fan_out import lane_id

_COUNTS = ("completed", "failed", "skipped")
_UNKNOWN_FAILURE = Failure("JobFailed", "The job failed: submit it again.")


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """One look at a job; its row knows what was asked for."""

    id: str
    row: JobRow
    status: str
    result: Any
    progress: Json
    last_updated_at: datetime
    retention: timedelta
    error: Failure | None
    canceled_by: str | None
    awaits_approval: bool
    origin: str

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
            "createdAt": _timestamp(self.row.submitted_at),
            "lastUpdatedAt": _timestamp(self.last_updated_at),
            "expiresAt": _timestamp(self.last_updated_at + self.retention) if self.ended else None,
        }
        more = {
            "kind": self.row.kind or None,
            "env": self.row.env or None,
            "error": self.error and self.error.to_json(),
            "canceledBy": self.canceled_by,
            "cancelUri": None if self.ended else status_uri(self.origin, self.id),
            "approvalUri": f"{status_uri(self.origin, self.id)}/approval" if self.awaits_approval else None,
        }
        return {**body, **{name: value for name, value in more.items() if value is not None}}

    def listed(self) -> Json:
        """The body among those of other jobs, which has no room for results."""
        return {name: value for name, value in self.to_json().items() if name != "result"}


async def read_status(
    client: DurableClient,
    job_id: str,
    *,
    retention_days: int,
    origin: str = "",
    clock: Callable[[], datetime] = utc_now,
) -> JobStatus:
    """Looks at a job and its lanes; URIs in the answer are relative without an origin.

    Raises:
        JobNotFound: no job has this id.
        HostUnavailable: the host did not answer.
    """
    job = await find_job(client, job_id)
    return await look_at(client, job_id, job, retention_days=retention_days, origin=origin, clock=clock)


async def look_at(
    client: DurableClient,
    job_id: str,
    job: Any,
    *,
    retention_days: int,
    origin: str = "",
    clock: Callable[[], datetime] = utc_now,
) -> JobStatus:
    """What the instance of a job, and its lanes, show.

    Raises:
        HostUnavailable: the host did not answer.
    """
    own = Progress.from_json(job.custom_status)
    lanes = await asyncio.gather(
        *(find_instance(client, lane_id(job_id, number)) for number in range(own.lanes))
    )
    status = status_of(job)
    held_up = None if status in ENDED else host_wait(job, lanes, running=settings().release, now=clock())
    return JobStatus(
        id=job_id,
        row=row_of(job_id, job),
        status=status,
        result=job.output if status in {"Completed", "Canceled"} else None,
        progress={
            **_progress(own, [Progress.from_json(lane and lane.custom_status) for lane in lanes]),
            **(_waits(held_up.to_json(_timestamp)) if held_up else {}),
        },
        last_updated_at=job.last_updated_time,
        retention=timedelta(retention_days),
        error=own.error or _UNKNOWN_FAILURE if status == "Failed" else None,
        canceled_by=own.canceled_by if status == "Canceled" else None,
        awaits_approval=own.phase == Phase.AWAITING_APPROVAL and status not in ENDED,
        origin=origin,
    )


def _progress(own: Progress, lanes: Sequence[Progress]) -> Json:
    parts = (own, *lanes)
    return {
        "phase": own.phase or Phase.PENDING,
        "total": own.total,
        **{name: sum(part.counts.get(name, 0) for part in parts) for name in _COUNTS},
        **({"estimate": own.estimate.to_json()} if own.estimate else {}),
        **({"approval": _approval(own.approval)} if own.approval else {}),
        **({"watch": _watch(own.watch)} if own.watch else {}),
        **({"lanes": [_lane(lane) for lane in lanes]} if lanes else {}),
        **_pause(parts),
    }


def _lane(lane: Progress) -> Json:
    return {**{name: lane.counts.get(name, 0) for name in _COUNTS}, **_pause([lane])}


def _pause(parts: Sequence[Progress]) -> Json:
    """Why the job waits, if it does; what stops one of its lanes is about to stop the others as well."""
    held = next((part.held for part in parts if part.held), None)
    if held:
        return {"phase": Phase.HELD, "held": held.to_json()}
    waiting = next((part.waiting for part in parts if part.waiting), None)
    return _waits(_waiting(waiting)) if waiting else {}


def _waits(waiting: Json) -> Json:
    return {"phase": Phase.WAITING, "waiting": waiting}


def _waiting(waiting: Waiting) -> Json:
    return {
        "service": waiting.service,
        **waiting.failure.to_json(),
        "since": _timestamp(waiting.since),
        "nextTry": _timestamp(waiting.next_try),
    }


def _approval(approval: Approval) -> Json:
    return {**approval.to_json(), "expiresAt": _timestamp(approval.expires_at)}


def _watch(watch: Watch) -> Json:
    last = watch.last and {**watch.last.to_json(), "endedAt": _timestamp(watch.last.ended_at)}
    following = {"round": watch.round, "at": _timestamp(watch.next_at)} if watch.next_at else None
    return {"minutes": watch.minutes, "round": watch.round, "last": last, "next": following}


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
