"""Counts the union of a job's staged windows."""

import azure.durable_functions as df

from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs.steps import CountDistinct


@at_edge
async def main(payload: dict, starter: str) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`CountDistinct` to `DistinctCounted`; jobs of the first version ask it to discard, too."""
    opened = await clients()
    from shared_code.activities.audit_query import count_distinct
    from shared_code.activities.discard import discards
    from shared_code.activities.results import answer

    if payload.get("discard"):
        return await discards(opened, payload, df.DurableOrchestrationClient(starter))
    return await answer(opened, CountDistinct, payload, count_distinct)
