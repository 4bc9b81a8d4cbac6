"""Brings a live event into the index."""

from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs.steps import EmbedEvent


@at_edge
async def main(payload: dict) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`EmbedEvent` to `ItemDone`."""
    opened = await clients()
    from shared_code.activities.embed_event import embed_event
    from shared_code.activities.results import answer

    return await answer(opened, EmbedEvent, payload, embed_event)
