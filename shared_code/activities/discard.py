"""Discarding what jobs have staged: each job its own, and what others left that ended without doing so."""

from datetime import UTC, datetime, timedelta
from functools import partial

from shared_code.activities.results import answer
from shared_code.api.job_instances import is_live
from shared_code.clients.composition import Clients
from shared_code.jobs import DurableClient, Json
from shared_code.jobs.steps import Discarded, DiscardStaged
from shared_code.storage.staging import discard_staged, sweep_staged


async def discard(clients: Clients, step: DiscardStaged, *, host: DurableClient) -> Discarded:
    """Discards what a job staged, and sweeps up after others that the host, by its client, no longer has.

    Age alone proves nothing: a job may be held at its budget for months, and then goes on.
    """
    container = clients.jobs_container
    await discard_staged(container, step.job_id)
    abandoned_before = datetime.now(UTC) - timedelta(clients.settings.job_retention_days)
    await sweep_staged(container, older_than=abandoned_before, is_live=partial(is_live, host))
    look_up = clients.decisions.close if step.closes else clients.decisions.canceled_by
    return Discarded(canceled_by=await look_up(step.job_id))


async def discards(clients: Clients, payload: Json, host: DurableClient) -> Json:
    """The activity: what `answer` makes of `discard`, with the client that knows which jobs are live."""
    return await answer(clients, DiscardStaged, payload, partial(discard, host=host))
