"""Jobs as instances on the Durable host: starts them, finds them, and takes nothing else for a job.

All that is asked of the host about instances is in here; what of them is public is job_status's to say.
"""

import json
from dataclasses import dataclass
from typing import Any

from shared_code.errors import HostUnavailable, IdempotencyKeyReused, InvalidJob, JobNotFound
from shared_code.jobs import ORCHESTRATOR, Job, is_job_id, keyed_job_id, new_job_id, parse_job
from shared_code.telemetry import log_event
from shared_code.usage_report import require_budget


@dataclass(frozen=True)
class StartedJob:
    """A job that runs, or ran, for a request."""

    id: str
    runtime_status: str = "Pending"


async def start_job(client: Any, job: Job, *, idempotency_key: str | None) -> StartedJob:
    """Starts a job, or finds the one that the same request with the same key started before.

    Raises:
        InvalidIdempotencyKey: the key cannot be used.
        IdempotencyKeyReused: the key belongs to another request.
        BudgetReached: its environment has spent the month's budget; earlier jobs are found all the same.
        HostUnavailable: the host did not take the job.
    """
    if idempotency_key is None:
        return await _start(client, new_job_id(), job)
    job_id = keyed_job_id(idempotency_key)
    if earlier := await _earlier_job(client, job_id, job):
        return earlier
    try:
        return await _start(client, job_id, job)
    except HostUnavailable:
        # Another request with this key may have come first: then the host refused a live id.
        if earlier := await _earlier_job(client, job_id, job):
            return earlier
        raise


async def find_job(client: Any, job_id: str) -> Any:
    """The instance of a job.

    Raises:
        JobNotFound: nothing has this id, or what has it is no job.
        HostUnavailable: the host did not answer.
    """
    # The SDK pastes an id into a URL as it is, so an odd one must not get that far.
    instance = await find_instance(client, job_id) if is_job_id(job_id) else None
    if instance is None or instance.name != ORCHESTRATOR:
        raise JobNotFound
    return instance


async def find_instance(client: Any, instance_id: str) -> Any | None:
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


async def _start(client: Any, job_id: str, job: Job) -> StartedJob:
    await require_budget(client, job.account)
    try:
        await client.start_new(ORCHESTRATOR, job_id, job.to_json())
    except Exception as error:
        # The SDK raises a bare Exception for whatever the host answers.
        raise HostUnavailable from error
    log_event("job.submitted", jobId=job_id, kind=job.KIND)
    return StartedJob(job_id)


async def _earlier_job(client: Any, job_id: str, job: Job) -> StartedJob | None:
    try:
        instance = await find_job(client, job_id)
        earlier = parse_job(_input_of(instance))
    except JobNotFound:
        return None
    except InvalidJob:
        raise IdempotencyKeyReused from None
    if not job.asks_the_same_as(earlier):
        raise IdempotencyKeyReused
    return StartedJob(job_id, instance.runtime_status.value)


def _input_of(instance: Any) -> Any:
    """The job's input, which the SDK posts as JSON text within JSON."""
    return json.loads(instance.input_) if isinstance(instance.input_, str) else instance.input_
