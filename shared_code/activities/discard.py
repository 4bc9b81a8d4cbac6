"""Discarding what jobs have staged: each job its own, and what others have left that ended without that."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from shared_code.api.job_instances import is_live
from shared_code.clients import Clients
from shared_code.storage.staging import discard_staged, sweep_staged


async def discard(clients: Clients, payload: dict[str, Any], host: Any) -> dict[str, Any]:
    """Discards what a job staged, and sweeps up after others that the host, by its client, has no more.

    Age alone tells nothing: a job may be held at its budget for months, and then goes on.
    """
    container = clients.jobs_container
    await discard_staged(container, payload["jobId"])
    abandoned_before = datetime.now(UTC) - timedelta(clients.settings.job_retention_days)
    await sweep_staged(container, older_than=abandoned_before, is_live=partial(is_live, host))
    return {}
