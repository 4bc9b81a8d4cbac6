"""Filling the table of jobs, once, with the jobs that an earlier release started.

Every turn goes on where the last one stopped, whoever made it; rows that are written twice are the same.
"""

from collections.abc import Callable
from time import monotonic

from shared_code.api.job_instances import ENDED
from shared_code.concurrency import run_all
from shared_code.errors import JobTableFilling
from shared_code.jobs import ORCHESTRATOR, is_job_id
from shared_code.jobs.durable import HubListing, ListedInstance
from shared_code.jobs.job_rows import Filling, JobRow, JobTable
from shared_code.telemetry import log_event

# A client waits meanwhile.
_SECONDS = 20.0
_WRITES_AT_ONCE = 16


async def fill(
    table: JobTable, hub: HubListing, *, seconds: float = _SECONDS, clock: Callable[[], float] = monotonic
) -> None:
    """Makes sure that every job of the hub is in the table.

    Raises:
        JobTableFilling: there were too many for this turn, and the next one goes on.
        HostUnavailable: the host did not answer.
        JobTableUnavailable: nor did the table.
    """
    filling, rows = await table.filling(), 0
    if filling.is_done:
        return
    until = clock() + seconds
    while not filling.is_done:
        page = await hub.page(filling.marker)
        jobs = [_row(each) for each in page.instances if each.name == ORCHESTRATOR and is_job_id(each.id)]
        await run_all((table.put(job) for job in jobs), at_once=_WRITES_AT_ONCE)
        filling, rows = Filling(marker=page.token, is_done=page.token is None), rows + len(jobs)
        await table.save_filling(filling)
        if clock() > until and not filling.is_done:
            raise JobTableFilling
    log_event("jobs.filled", rows=rows)


def _row(instance: ListedInstance) -> JobRow:
    row = JobRow.of(instance.id, instance.given, instance.created_at)
    return row.ended(instance.status, instance.last_updated_at) if instance.status in ENDED else row
