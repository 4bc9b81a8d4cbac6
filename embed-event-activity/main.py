"""Brings a live event into the index."""

import azure.durable_functions as df

from shared_code.clients import clients
from shared_code.edge import at_edge


@at_edge
async def main(payload: dict, starter: str) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`EmbedEvent` to `ItemDone`."""
    opened = await clients()
    from shared_code.activities.embed_event import embed_event
    from shared_code.activities.spending import spends_on_event

    return await spends_on_event(opened, payload, embed_event, df.DurableOrchestrationClient(starter))
