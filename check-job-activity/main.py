"""Says of a job that has been held whether it is still to go on."""

from functools import partial

import azure.durable_functions as df

from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs.steps import CheckJob


@at_edge
async def main(payload: dict, starter: str) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`CheckJob` to `Done`."""
    opened = await clients()
    from shared_code.activities.results import answer
    from shared_code.activities.stopping import check_job

    return await answer(
        opened, CheckJob, payload, partial(check_job, host=df.DurableOrchestrationClient(starter))
    )
