"""Why the host lets a job wait, as far as its instances show; its workflow says its own reasons itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared_code.api.job_instances import input_of
from shared_code.api.releases import newer_release
from shared_code.jobs import Failure, Json

# A job that nobody has taken up by then is not only waiting for the next poll of a queue.
_USUAL_START = timedelta(seconds=60)
_OPERATOR, _RELEASE, _HOST = "operator", "release", "host"


@dataclass(frozen=True)
class HostWait:
    """A wait whose end nobody knows.

    Attributes:
        service: what the job waits for, as for any other wait.
        reason: why, with the remedy.
        since: when it began, as far as that is known.
    """

    service: str
    reason: Failure
    since: datetime

    def to_json(self, written: Callable[[datetime], str]) -> Json:
        """As the status shows it."""
        since = written(self.since)
        return {"service": self.service, **self.reason.to_json(), "since": since, "nextTry": None}


def host_wait(job: Any, lanes: Sequence[Any | None], *, running: str, now: datetime) -> HostWait | None:
    """Why the host lets a job wait that has not ended; None if it does not.

    Args:
        job: its instance.
        lanes: the instances of its lanes, as far as they are there.
        running: the release that runs.
        now: tells what has waited for long.
    """
    if reason := newer_release(input_of(job), running):
        return HostWait(_RELEASE, reason, job.last_updated_time)
    if _state_of(job) == "Suspended":
        return HostWait(_OPERATOR, _SUSPENDED, job.last_updated_time)
    suspended = next((lane for lane in lanes if lane and _state_of(lane) == "Suspended"), None)
    if suspended:
        return HostWait(_OPERATOR, _LANE_SUSPENDED, suspended.last_updated_time)
    if _state_of(job) == "Pending" and now - job.created_time > _USUAL_START:
        return HostWait(_HOST, _NOT_BEGUN, job.created_time)
    return None


_SUSPENDED = Failure("JobSuspended", "The job was suspended: resume or cancel it.")
_LANE_SUSPENDED = Failure("JobSuspended", "A lane of the job was suspended: resume it, or cancel the job.")
_NOT_BEGUN = Failure(
    "NotBegun",
    "The host has not begun the job, as it does within seconds: see that the app runs, that its storage "
    "answers, and that other jobs do not take all of its slots.",
)


def _state_of(instance: Any) -> str:
    state: str = instance.runtime_status.value
    return state
