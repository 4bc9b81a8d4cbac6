"""Discarding what jobs have staged: each job its own, and what others left that ended without doing so."""

import logging
from datetime import UTC, datetime, timedelta
from functools import partial

from azure.core.exceptions import AzureError

from shared_code.activities.results import answer
from shared_code.api.job_instances import is_live
from shared_code.clients.composition import Clients
from shared_code.errors import AppError
from shared_code.jobs import DurableClient, Json
from shared_code.jobs.steps import Discarded, DiscardStaged
from shared_code.storage.staging import discard_staged, sweep_staged
from shared_code.telemetry import log_event, name_of


async def discard(clients: Clients, step: DiscardStaged, *, host: DurableClient) -> Discarded:
    """Learns whether the job was cancelled, and discards what it staged.

    What cannot be deleted stays for later jobs to sweep up; whether the job was cancelled has to be known.
    """
    look_up = clients.decisions.close if step.closes else clients.decisions.canceled_by
    by = await look_up(step.job_id)
    try:
        await _clear_up(clients, step.job_id, host)
    except (AzureError, AppError) as error:
        log_event("staged.kept", level=logging.WARNING, error=name_of(error))
    return Discarded(canceled_by=by)


async def _clear_up(clients: Clients, job_id: str, host: DurableClient) -> None:
    """Discards what a job staged, and sweeps up after others that the host, by its client, no longer has.

    Age alone proves nothing: a job may be held at its budget for months, and then goes on.
    """
    container = clients.jobs_container
    await discard_staged(container, job_id)
    abandoned_before = datetime.now(UTC) - timedelta(clients.settings.job_retention_days)
    await sweep_staged(container, older_than=abandoned_before, is_live=partial(is_live, host))


async def discards(clients: Clients, payload: Json, host: DurableClient) -> Json:
    """The activity: what `answer` makes of `discard`, with the client that knows which jobs are live."""
    return await answer(clients, DiscardStaged, payload, partial(discard, host=host))
