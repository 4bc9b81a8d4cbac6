"""Messages on the queue of live events: JSON such as a request's body, as it is or as base64.

The log says what is wrong with a message, and repeats nothing that it holds.
"""

import json
from base64 import b64decode
from dataclasses import replace
from typing import Any

from shared_code.api.job_instances import JobStarter, start_job
from shared_code.errors import AppError, InvalidField, TrackingIdReused
from shared_code.jobs import EVENT_FIELDS, EmbedEventJob, EventDefaults
from shared_code.telemetry import log_event


class InvalidMessage(AppError):
    """A message is not a live event."""


async def submit_message(
    starter: JobStarter, body: bytes, *, message_id: str | None, defaults: EventDefaults
) -> bool:
    """Starts the job of a message's event, or finds it; whether the message is one that can be used.

    At its environment's budget the job is started and held, so that no event is lost.

    Raises:
        HostUnavailable: the host did not take the job, and may do so later.
        JobTableUnavailable: nor did the table of jobs.
        EventRunning: it asks by force while the job is under way, and may do so later.
    """
    try:
        job = replace(EmbedEventJob.parse(parse_message(body), defaults), from_queue=True)
        await start_job(starter, job, idempotency_key=None, held_at_budget=True)
    except (InvalidMessage, InvalidField, TrackingIdReused) as error:
        log_event("message.refused", messageId=message_id, error=error.code, reason=str(error))
        return False
    return True


def parse_message(body: bytes) -> dict[str, Any]:
    """The fields of a message.

    Raises:
        InvalidMessage: it is not a JSON object of an event's fields.
    """
    try:
        value = json.loads(_text_of(body))
    except (ValueError, RecursionError):
        raise InvalidMessage("The message is neither JSON nor base64 of JSON.") from None
    if not isinstance(value, dict):
        raise InvalidMessage("The message is not a JSON object.")
    if not value.keys() <= set(EVENT_FIELDS):
        raise InvalidMessage(f"The message has fields other than {', '.join(EVENT_FIELDS)}.")
    return value


def _text_of(body: bytes) -> str:
    text = body.decode("utf-8-sig").strip()
    if text.startswith("{"):
        return text
    return b64decode("".join(text.split()), validate=True).decode("utf-8-sig")
