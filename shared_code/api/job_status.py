"""What a client may see of its job: built member by member, so that nothing else can slip through.

Never shown: input, history, management links, the output of a failure, the names of lanes and steps.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared_code.api.job_instances import ENDED, find_instance, find_job
from shared_code.usage.metering import HELD
from shared_code.workflows.fan_out import lane_id

_COUNTS = ("completed", "failed", "skipped")
_UNKNOWN_FAILURE = {"code": "JobFailed", "message": "The job failed: submit it again."}


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """One look at a job."""

    id: str
    status: str
    result: Any
    progress: dict[str, Any]
    created_at: datetime
    last_updated_at: datetime
    retention: timedelta
    error: dict[str, str] | None

    @property
    def ended(self) -> bool:
        """Whether this is the last status the job will have."""
        return self.status in ENDED

    def to_json(self) -> dict[str, Any]:
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
        return {**body, "error": self.error} if self.error else body


async def read_status(client: Any, job_id: str, *, retention_days: int) -> JobStatus:
    """Looks at a job and its lanes.

    Raises:
        JobNotFound: no job has this id.
        HostUnavailable: the host did not answer.
    """
    job = await find_job(client, job_id)
    own = _custom_status(job)
    lanes = await asyncio.gather(
        *(find_instance(client, lane_id(job_id, number)) for number in range(own.get("lanes", 0)))
    )
    status = "Running" if job.runtime_status.value == "ContinuedAsNew" else job.runtime_status.value
    return JobStatus(
        id=job_id,
        status=status,
        result=job.output if status == "Completed" else None,
        progress=_progress(own, [_custom_status(lane) for lane in lanes]),
        created_at=job.created_time,
        last_updated_at=job.last_updated_time,
        retention=timedelta(retention_days),
        error=own.get("error") or _UNKNOWN_FAILURE if status == "Failed" else None,
    )


def _custom_status(instance: Any | None) -> Mapping[str, Any]:
    """An instance has none before its first step, and a lane not even itself."""
    return (instance and instance.custom_status) or {}


def _progress(own: Mapping[str, Any], lanes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    parts = (own, *lanes)
    counts = {name: sum(part.get(name, 0) for part in parts) for name in _COUNTS}
    estimate = {"estimate": own["estimate"]} if "estimate" in own else {}
    return {
        "phase": own.get("phase", "pending"),
        "total": own.get("total", 0),
        **counts,
        **estimate,
        **_held(parts),
    }


def _held(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The phase of a job that waits for its budget, and why; the other lanes are about to wait as well."""
    reasons = [part[HELD] for part in parts if HELD in part]
    return {"phase": HELD, HELD: reasons[0]} if reasons else {}


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
