"""What clients decide about a job that is under way: it is written down first, and then the job is woken up.

An answer of 202 means that the decision is kept, so that no step begins that it forbids.
"""

import asyncio
import re
from typing import Any, Protocol
from uuid import uuid4

from shared_code.api.job_instances import ENDED, find_instance, find_job, parsed_job, status_of
from shared_code.errors import DecisionTaken, HostUnavailable, InvalidField, NothingToApprove
from shared_code.jobs import DurableClient, Phase, Progress
from shared_code.jobs.approval import APPROVAL_EVENT, Decision
from shared_code.jobs.durable import CANCEL_EVENT
from shared_code.jobs.fields import require_known
from shared_code.jobs.host import of_host
from shared_code.telemetry import log_event
from shared_code.workflows.fan_out import lane_id

# Whoever gives no name.
CLIENT = "client"
_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,200}")
_COMMENT = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]{0,1000}")
_FIELDS = ("approved", "by", "comment")
APPROVAL_BODY = "a JSON object with approved, true or false, and by and comment"


class Cancellations(Protocol):
    """Where it is kept that jobs are to end."""

    async def cancel(self, job_id: str, by: str) -> bool:
        """Has a job end; whether it hears that, as it has not done its work yet."""


class Approvals(Protocol):
    """Where it is kept whether jobs may go on."""

    async def is_canceled(self, job_id: str) -> bool:
        """Whether a job is to end."""

    async def approval(self, job_id: str, round_: int, /) -> Decision | None:
        """What was decided."""

    async def approve(self, job_id: str, round_: int, decision: Decision, /) -> Decision:
        """Decides; the decision that holds."""


def parse_decision(body: Any) -> Decision:
    """Reads the JSON body of a decision.

    Raises:
        InvalidField: a field is missing, unknown or malformed; the first one is named.
    """
    if not isinstance(body, dict):
        raise InvalidField("body", f"send {APPROVAL_BODY}")
    require_known(body, _FIELDS)
    if not isinstance(body.get("approved"), bool):
        raise InvalidField("approved", "use true or false")
    comment = body.get("comment", "")
    if not isinstance(comment, str) or not _COMMENT.fullmatch(comment):
        raise InvalidField("comment", "use at most 1000 characters, none of them a control character")
    by = name_of_client(body.get("by", CLIENT))
    return Decision(approved=body["approved"], by=by, comment=comment.strip(), token=uuid4().hex)


async def decide(client: DurableClient, approvals: Approvals, job_id: str, decision: Decision) -> bool:
    """Decides whether a job that waits may go on; whether that was news.

    Raises:
        JobNotFound: no job has this id.
        NothingToApprove: it does not wait for a decision.
        DecisionTaken: it was decided otherwise, or too late.
        HostUnavailable: the host did not answer: the decision may have been taken, and may be sent again.
    """
    job = await find_job(client, job_id)
    shown = Progress.from_json(job.custom_status)
    round_ = shown.watch.round if shown.watch else 0
    held = await approvals.approval(job_id, round_)
    if held is None:
        is_over = status_of(job) in ENDED or await approvals.is_canceled(job_id)
        if is_over or shown.phase != Phase.AWAITING_APPROVAL:
            raise NothingToApprove
        held = await approvals.approve(job_id, round_, decision)
    if held.is_expiry or held.approved != decision.approved:
        raise DecisionTaken
    await _wake(client, job_id, APPROVAL_EVENT)
    is_news = held.token == decision.token
    if is_news:
        log_event("job.decided", jobId=job_id, approved=str(decision.approved).lower())
    return is_news


def name_of_client(value: Any) -> str:
    """Who decides, as a field of the request says.

    Raises:
        InvalidField: it cannot be shown.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value) or not value.strip():
        raise InvalidField("by", "use 1 to 200 characters, none of them a control character")
    return value.strip()


async def cancel_job(
    client: DurableClient, cancellations: Cancellations, job_id: str, *, by: str
) -> str | None:
    """Has a job end, with its lanes and its running steps.

    Returns:
        Its status; None if it had ended, or done its work, and so does not hear of it.

    Raises:
        JobNotFound: no job has this id.
        HostUnavailable: the host did not answer: the job ends, sooner or later, and may be cancelled again.
    """
    job = await find_job(client, job_id)
    if status_of(job) in ENDED or not await cancellations.cancel(job_id, by):
        return None
    asked_for = parsed_job(job)
    lanes = range(asked_for.lanes if asked_for else 0)
    instances = (job_id, *(lane_id(job_id, number) for number in lanes))
    await asyncio.gather(*(_wake(client, each, CANCEL_EVENT) for each in instances))
    log_event("job.canceled", jobId=job_id)
    return status_of(await find_job(client, job_id))


async def _wake(client: DurableClient, instance_id: str, event: str) -> None:
    """Ends the pause of an instance; a cancel resumes it, too. There may be none, or it may have ended."""
    instance = await find_instance(client, instance_id)
    if instance is None or instance.runtime_status.value in ENDED:
        return
    try:
        await of_host(client.raise_event(instance_id, event))
        if event == CANCEL_EVENT and instance.runtime_status.value == "Suspended":
            await of_host(client.resume(instance_id, "cancelled"))
    except HostUnavailable:
        # So it answers also for an instance that just ended.
        instance = await find_instance(client, instance_id)
        if instance and instance.runtime_status.value not in ENDED:
            raise
