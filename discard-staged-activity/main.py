"""Discards what a job has staged, and what others left that ended without doing so."""

import azure.durable_functions as df

from shared_code.clients import clients
from shared_code.edge import at_edge


@at_edge
async def main(payload: dict, starter: str) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`DiscardStaged` to `Discarded`."""
    opened = await clients()
    from shared_code.activities.discard import discards

    return await discards(opened, payload, df.DurableOrchestrationClient(starter))
