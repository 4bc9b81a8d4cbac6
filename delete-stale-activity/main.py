"""Takes one staged page of vanished files out of the index."""

from functools import partial

import azure.durable_functions as df

from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs.steps import DeleteStale


@at_edge
async def main(payload: dict, starter: str) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`DeleteStale` to `ItemDone`; jobs of the first version ask it to discard, too."""
    opened = await clients()
    from shared_code.activities.discard import discards
    from shared_code.activities.embed_files import delete_stale
    from shared_code.activities.results import answer

    host = df.DurableOrchestrationClient(starter)
    if payload.get("discard"):
        return await discards(opened, payload, host)
    return await answer(opened, DeleteStale, payload, partial(delete_stale, host=host))
