"""Jobs as instances on the Durable host: starts them, finds them, and takes nothing else for a job.

All that is asked of the host about instances is in here; what of them is public is job_status's to say.
"""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from shared_code.api.releases import with_release
from shared_code.errors import (
    EventRunning,
    HostUnavailable,
    IdempotencyKeyReused,
    InvalidJob,
    JobEnded,
    JobNotFound,
    JobSuspended,
    JobTableUnavailable,
    TrackingIdReused,
)
from shared_code.jobs import (
    ORCHESTRATOR,
    Account,
    DurableClient,
    EmbedEventJob,
    EmbedFilesJob,
    Job,
    Phase,
    Progress,
    is_job_id,
    keyed_job_id,
    parse_job,
)
from shared_code.jobs.host import of_host
from shared_code.jobs.job_rows import JobRow, JobTable
from shared_code.jobs.steps import PaidPage
from shared_code.settings import settings
from shared_code.telemetry import log_event
from shared_code.usage.report import require_budget, utc_now
from shared_code.workflows.fan_out import lane_of

ENDED = {"Completed", "Failed", "Terminated", "Canceled"}
# What ended so has not heard of all its steps; an event is run again when it is next submitted.
_CUT_OFF = {"Failed", "Terminated", "Canceled"}


@dataclass(frozen=True)
class StartedJob:
    """A job that runs, or ran, for a request."""

    id: str
    runtime_status: str = "Pending"


@dataclass(frozen=True)
class JobStarter:
    """Where jobs are started, and where each is noted before.

    Attributes:
        client: of the Durable host.
        table: gives the table of jobs, which a request that is refused has no need of.
        forget: deletes what was decided about an id whose job is submitted again, for which it does not hold.
        clock: tells when a job is submitted.
    """

    client: DurableClient
    table: Callable[[], Awaitable[JobTable]]
    forget: Callable[[str], Awaitable[None]] | None = None
    clock: Callable[[], datetime] = field(default=utc_now)


async def start_job(
    starter: JobStarter, job: Job, *, idempotency_key: str | None, held_at_budget: bool = False
) -> StartedJob:
    """Starts a job, or finds the one that was started before for the same request.

    A job is in the table of jobs before it starts, so that none can run that is not listed.

    Requests with the same key are the same, and so are those for the same event or watch, with a key or
    without. With `held_at_budget` a job is started although its environment has spent the month's budget: it
    waits itself.

    Raises:
        InvalidIdempotencyKey: the key cannot be used.
        IdempotencyKeyReused: the key belongs to another request.
        TrackingIdReused: the event belongs to another session.
        EventRunning: an event is to run again by force while its job runs.
        BudgetReached: its environment has spent the month's budget; earlier jobs are found all the same.
        HostUnavailable: the host did not take the job.
        JobTableUnavailable: the table did not, and nothing was started.
    """
    run = new_job_id() if idempotency_key is None else keyed_job_id(idempotency_key)
    limit = None if held_at_budget else job.account
    if isinstance(job, EmbedEventJob):
        job = replace(job, submission=run)
    if job.id:
        return await _find_or_start(starter, job.id, job, limit)
    if idempotency_key is None:
        return await _start(starter, run, job, limit)
    return await _find_or_start(starter, run, job, limit)


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


def status_of(instance: Any) -> str:
    """The status of a job as its client sees it: that of its instance, unless it was cancelled."""
    status: str = instance.runtime_status.value
    if status == "Completed" and Progress.from_json(instance.custom_status).phase == Phase.CANCELED:
        return "Canceled"  # it ended by itself, which the host takes for complete
    return "Running" if status == "ContinuedAsNew" else status


def parsed_job(instance: Any) -> Job | None:
    """What the client asked for; None if this release cannot read it."""
    try:
        return parse_job(input_of(instance))
    except InvalidJob:
        return None


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


async def was_ended(client: DurableClient, instance_id: str) -> bool:
    """Whether an instance was ended before it had heard of all its steps; not if the host cannot say."""
    try:
        instance = await find_instance(client, instance_id)
    except HostUnavailable:
        return False
    return instance is None or instance.runtime_status.value in _CUT_OFF


def lane_of_page(step: PaidPage) -> str:
    """The instance that hears what becomes of a page."""
    return lane_of(step.job_id, step.page, lanes=step.job.lanes, wave_size=step.job.wave_size)


async def find_instance(client: DurableClient, instance_id: str) -> Any | None:
    """The instance with this id, if there is one.

    Raises:
        HostUnavailable: the host did not answer.
    """
    instance = await of_host(client.get_status(instance_id))
    if instance:
        return instance
    # The SDK answers something falsy for 404 and for 500; only a 404 comes without a message.
    if any(getattr(instance, name, None) for name in ("message", "Message", "ExceptionMessage")):
        raise HostUnavailable
    return None


async def _start(
    starter: JobStarter, job_id: str, job: Job, limit: Account | None, *, is_known: bool = False
) -> StartedJob:
    """Starts a job; one whose id `is_known` to other requests, only if none of them has meanwhile."""
    await require_budget(starter.client, limit)
    given = with_release(job.to_json(), settings().release)
    row = JobRow.new(job_id, given, starter.clock())
    table = await starter.table()
    await table.put(row)
    earlier = await _instance_of(starter.client, job_id) if is_known else None
    # Budget and table take their time, in which a job may start and end; the host would let it start again.
    if found := _same_job(earlier, job_id, job):
        await _forget_row(table, row)
        return found
    if earlier and starter.forget:
        await starter.forget(job_id)
    await of_host(starter.client.start_new(ORCHESTRATOR, job_id, row.input_of(given)))
    log_event("job.submitted", jobId=job_id, kind=job.KIND)
    if earlier and (replaced := row_of(job_id, earlier)).key != row.key:
        await _forget_row(table, replaced)
    return StartedJob(job_id)


async def _forget_row(table: JobTable, row: JobRow) -> None:
    """Removes a row that no job has any more."""
    with suppress(JobTableUnavailable):  # it is not shown, and the purge sweeps it up
        await table.remove(row)


async def _find_or_start(starter: JobStarter, job_id: str, job: Job, limit: Account | None) -> StartedJob:
    """The job with this id, unless it is for another request."""
    if found := _same_job(await _instance_of(starter.client, job_id), job_id, job):
        return found
    try:
        return await _start(starter, job_id, job, limit, is_known=True)
    except HostUnavailable:
        # Another request for this id may have come first: then the host refused a live id.
        if found := _same_job(await _instance_of(starter.client, job_id), job_id, job):
            return found
        raise


async def _instance_of(client: DurableClient, job_id: str) -> Any | None:
    try:
        return await find_job(client, job_id)
    except JobNotFound:
        return None


def _same_job(instance: Any | None, job_id: str, job: Job) -> StartedJob | None:
    """The job of an instance, if it is there for the same request and need not run again."""
    if instance is None:
        return None
    status, earlier = status_of(instance), parsed_job(instance)
    if isinstance(job, EmbedFilesJob) and job.watch:
        return None if status in ENDED else StartedJob(job_id, status)
    taken = TrackingIdReused if isinstance(job, EmbedEventJob) else IdempotencyKeyReused
    if earlier is None:
        raise taken
    if isinstance(job, EmbedEventJob) and status in _CUT_OFF:
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
    return job.force and job.submission != earlier.submission


def row_of(job_id: str, instance: Any) -> JobRow:
    """The row that a job has in the table of jobs."""
    return JobRow.of(job_id, input_of(instance), instance.created_time)


def input_of(instance: Any) -> Any:
    """The job's input, which the SDK posts as JSON text within JSON; None if it is something else."""
    try:
        return json.loads(instance.input_) if isinstance(instance.input_, str) else instance.input_
    except ValueError:
        return None
