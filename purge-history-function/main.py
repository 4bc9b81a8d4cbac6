"""Purges jobs that ended longer ago than they are kept, with everything that was theirs."""

import azure.durable_functions as df
import azure.functions as func

from shared_code.api.retention import Purge, host_time
from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs.durable import host_address
from shared_code.settings import settings


@at_edge
async def main(timer: func.TimerRequest, starter: str) -> None:
    """Every hour; what a run has no time for, or a kill prevents, the next one does."""
    opened = await clients()
    purge = Purge(
        client=df.DurableOrchestrationClient(starter),
        hub=opened.instances(host_address(starter)),
        table=opened.job_table,
        blobs=opened.job_blobs,
        retention_days=settings().job_retention_days,
        now=host_time(timer.schedule_status),
    )
    await purge.run()
