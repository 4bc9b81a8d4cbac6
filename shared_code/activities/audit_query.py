"""The steps of an audit query. Each overwrites or reads again what an earlier try of it left."""

import asyncio
from time import monotonic

from shared_code.activities.results import milliseconds_since
from shared_code.activities.stopping import JobLife, ends_with_its_job
from shared_code.audit.audit_table import read_window
from shared_code.audit.distinct_ids import DistinctIds
from shared_code.audit.union import count_staged
from shared_code.clients.composition import Clients
from shared_code.digests import DIGEST_SIZE
from shared_code.errors import AccessDenied
from shared_code.jobs.date_range import Window
from shared_code.jobs.steps import CountDistinct, DistinctCounted, QueryWindow, WindowRead
from shared_code.storage.staging import stage_run
from shared_code.telemetry import log_event


@ends_with_its_job
async def query_window(clients: Clients, step: QueryWindow) -> WindowRead:
    """Reads one window: how many distinct ids it has; they are staged if the step says so."""
    began = monotonic()
    window = step.window
    async with clients.large_steps:
        ids = await _read(clients, window)
        run = await asyncio.to_thread(ids.sorted_run)
    if step.stage:
        await stage_run(clients.jobs_container, step.job_id, f"{window.lower}.ids", run)
    else:
        await JobLife(clients, step.job_id).finish()  # it is all that the job does
    count = len(run) // DIGEST_SIZE
    log_event(
        "window.read",
        window=window.lower,
        distinct=count,
        skipped=ids.skipped,
        milliseconds=milliseconds_since(began),
    )
    return WindowRead(count=count, skipped=ids.skipped)


async def _read(clients: Clients, window: Window) -> DistinctIds:
    try:
        return await read_window(await clients.audit_table(), window)
    except AccessDenied:
        clients.forget_audit_table()
        raise


@ends_with_its_job
async def count_distinct(clients: Clients, step: CountDistinct) -> DistinctCounted:
    """Counts the union of a job's staged windows."""
    began = monotonic()
    count = await count_staged(clients.jobs_container, step.job_id, runs=step.runs)
    log_event("windows.counted", distinct=count, milliseconds=milliseconds_since(began))
    return DistinctCounted(count=count)
