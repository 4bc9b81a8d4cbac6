"""What clients decide about a job that is under way: it is written down first, and then the job is woken up.

An answer of 202 means that the decision is kept, so that no step begins that it forbids.
"""

import asyncio
import re
from typing import Any, Protocol

from shared_code.api.job_instances import ENDED, find_instance, find_job, parsed_job, status_of
from shared_code.errors import HostUnavailable, InvalidField
from shared_code.jobs import DurableClient
from shared_code.jobs.durable import CANCEL_EVENT
from shared_code.telemetry import log_event
from shared_code.workflows.fan_out import lane_id

# Whoever gives no name.
CLIENT = "client"
_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,200}")


class Cancellations(Protocol):
    """Where it is kept that jobs are to end."""

    async def cancel(self, job_id: str, by: str) -> None:
        """Has a job end."""


def name_of_client(value: Any) -> str:
    """Who decides, as a field of the request says.

    Raises:
        InvalidField: it cannot be shown.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value) or not value.strip():
        raise InvalidField("by", "use 1 to 200 characters, none of them a control character")
    return value.strip()


async def cancel_job(client: DurableClient, cancellations: Cancellations, job_id: str, *, by: str) -> str:
    """Has a job end, with its lanes and its running steps; its status, which is the last one if it had ended.

    Raises:
        JobNotFound: no job has this id.
        HostUnavailable: the host did not answer: the job ends, sooner or later, and may be cancelled again.
    """
    job = await find_job(client, job_id)
    if status_of(job) in ENDED:
        return status_of(job)
    await cancellations.cancel(job_id, by)
    asked_for = parsed_job(job)
    lanes = range(asked_for.lanes if asked_for else 0)
    await asyncio.gather(*(_wake(client, each) for each in (job_id, *(lane_id(job_id, n) for n in lanes))))
    log_event("job.canceled", jobId=job_id)
    return status_of(await find_job(client, job_id))


async def _wake(client: DurableClient, instance_id: str) -> None:
    """Ends the pause of an instance, of a suspended one too; it may not exist, or have ended by itself."""
    instance = await find_instance(client, instance_id)
    if instance is None or instance.runtime_status.value in ENDED:
        return
    try:
        await client.raise_event(instance_id, CANCEL_EVENT)
        if instance.runtime_status.value == "Suspended":
            await client.resume(instance_id, "cancelled")
    except Exception as error:
        # The SDK raises a bare Exception for whatever the host answers, also for an instance that just ended.
        instance = await find_instance(client, instance_id)
        if instance and instance.runtime_status.value not in ENDED:
            raise HostUnavailable from error
