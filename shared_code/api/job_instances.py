"""Jobs as instances on the Durable host: starts them, finds them, and takes nothing else for a job.

All that is asked of the host about instances is in here; what of them is public is job_status's to say.
"""

import json
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from shared_code.api.releases import with_release
from shared_code.errors import (
    EventRunning,
    HostUnavailable,
    IdempotencyError,
    IdempotencyKeyReused,
    InvalidJob,
    JobEnded,
    JobNotFound,
    JobSuspended,
    TrackingIdReused,
)
from shared_code.jobs import (
    ORCHESTRATOR,
    Account,
    DurableClient,
    EmbedEventJob,
    Job,
    is_job_id,
    keyed_job_id,
    parse_job,
)
from shared_code.jobs.steps import EmbedPage
from shared_code.settings import settings
from shared_code.telemetry import log_event
from shared_code.usage.report import require_budget
from shared_code.workflows.fan_out import lane_of

ENDED = {"Completed", "Failed", "Terminated", "Canceled"}
# An event whose job ended so is not embedded, and its next submission is for a new run.
_CAME_TO_NOTHING = {"Failed", "Terminated", "Canceled"}


@dataclass(frozen=True)
class StartedJob:
    """A job that runs, or ran, for a request."""

    id: str
    runtime_status: str = "Pending"


async def start_job(
    client: DurableClient, job: Job, *, idempotency_key: str | None, held_at_budget: bool = False
) -> StartedJob:
    """Starts a job, or finds the one that was started before for the same request.

    Requests with the same key are the same, and so are those for the same event, with a key or without. With
    `held_at_budget` a job is started although its environment has spent the month's budget: it waits itself.

    Raises:
        InvalidIdempotencyKey: the key cannot be used.
        IdempotencyKeyReused: the key belongs to another request.
        TrackingIdReused: the event belongs to another session.
        EventRunning: an event is to run again by force while its job runs.
        BudgetReached: its environment has spent the month's budget; earlier jobs are found all the same.
        HostUnavailable: the host did not take the job.
    """
    run = new_job_id() if idempotency_key is None else keyed_job_id(idempotency_key)
    limit = None if held_at_budget else job.account
    if isinstance(job, EmbedEventJob):
        return await _find_or_start(client, job.id, replace(job, run=run), limit, TrackingIdReused)
    if idempotency_key is None:
        return await _start(client, run, job, limit)
    return await _find_or_start(client, run, job, limit, IdempotencyKeyReused)


def new_job_id() -> str:
    """An id for a job that nobody will ask for again."""
    return uuid4().hex


async def find_job(client: DurableClient, job_id: str) -> Any:
    """The instance of a job.

    Raises:
        JobNotFound: nothing has this id, or what has it is not a job.
        HostUnavailable: the host did not answer.
    """
    # The SDK pastes an id into a URL as it is, so an odd one must not get that far.
    instance = await find_instance(client, job_id) if is_job_id(job_id) else None
    if instance is None or instance.name != ORCHESTRATOR:
        raise JobNotFound
    return instance


async def is_live(client: DurableClient, job_id: str) -> bool:
    """Whether a job may still go on.

    Raises:
        HostUnavailable: the host did not answer.
    """
    try:
        job = await find_job(client, job_id)
    except JobNotFound:
        return False
    return job.runtime_status.value not in ENDED


async def require_running(client: DurableClient, job_id: str) -> None:
    """Checks that a job still wants its work done; where the host cannot say, it is taken to.

    Raises:
        JobSuspended: not now.
        JobEnded: not any more. What an operator ends has lanes, which the host lets go on.
    """
    try:
        job = await find_instance(client, job_id)
    except HostUnavailable:
        return
    status = job.runtime_status.value if job else "Terminated"
    if status == "Suspended":
        raise JobSuspended
    if status in ENDED:
        raise JobEnded


async def has_ended(client: DurableClient, instance_id: str) -> bool:
    """Whether an instance hears nothing any more; where the host cannot say, it is taken to."""
    try:
        instance = await find_instance(client, instance_id)
    except HostUnavailable:
        return False
    return instance is None or instance.runtime_status.value in ENDED


def lane_of_page(step: EmbedPage) -> str:
    """The instance that hears what becomes of a page."""
    return lane_of(step.job_id, step.page, lanes=step.job.lanes, page_size=step.job.page_size)


async def find_instance(client: DurableClient, instance_id: str) -> Any | None:
    """The instance with this id, if there is one.

    Raises:
        HostUnavailable: the host did not answer.
    """
    try:
        instance = await client.get_status(instance_id)
    except Exception as error:
        # The SDK raises a bare Exception for an unexpected status code.
        raise HostUnavailable from error
    if instance:
        return instance
    # The SDK answers something falsy for 404 and for 500; only a 404 comes without a message.
    if any(getattr(instance, name, None) for name in ("message", "Message", "ExceptionMessage")):
        raise HostUnavailable
    return None


async def _start(client: DurableClient, job_id: str, job: Job, limit: Account | None) -> StartedJob:
    await require_budget(client, limit)
    release = settings().release
    try:
        await client.start_new(ORCHESTRATOR, job_id, with_release(job.to_json(), release))
    except Exception as error:
        # The SDK raises a bare Exception for whatever the host answers.
        raise HostUnavailable from error
    log_event("job.submitted", jobId=job_id, kind=job.KIND)
    return StartedJob(job_id)


async def _find_or_start(
    client: DurableClient, job_id: str, job: Job, limit: Account | None, taken: type[IdempotencyError]
) -> StartedJob:
    """The job with this id; `taken` is raised if it is for another request."""
    if earlier := await _earlier_job(client, job_id, job, taken):
        return earlier
    try:
        return await _start(client, job_id, job, limit)
    except HostUnavailable:
        # Another request for this id may have come first: then the host refused a live id.
        if earlier := await _earlier_job(client, job_id, job, taken):
            return earlier
        raise


async def _earlier_job(
    client: DurableClient, job_id: str, job: Job, taken: type[IdempotencyError]
) -> StartedJob | None:
    try:
        instance = await find_job(client, job_id)
        earlier = parse_job(input_of(instance))
    except JobNotFound:
        return None
    except InvalidJob:
        raise taken from None
    status = instance.runtime_status.value
    if isinstance(job, EmbedEventJob) and status in _CAME_TO_NOTHING:
        return None
    if not job.asks_the_same_as(earlier):
        raise taken
    if not _is_forced(job, earlier):
        return StartedJob(job_id, status)
    if status == "Completed":
        return None
    raise EventRunning


def _is_forced(job: Job, earlier: Job) -> bool:
    """Whether an event is to be embedded again; a request that is repeated with its key was heard before."""
    if not isinstance(job, EmbedEventJob) or not isinstance(earlier, EmbedEventJob):
        return False
    return job.force and job.run != earlier.run


def input_of(instance: Any) -> Any:
    """The job's input, which the SDK posts as JSON text within JSON; None if it is something else."""
    try:
        return json.loads(instance.input_) if isinstance(instance.input_, str) else instance.input_
    except ValueError:
        return None
