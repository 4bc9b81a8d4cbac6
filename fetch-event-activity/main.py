"""Looks a live event up and checks its details."""

from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs.steps import FetchEvent


@at_edge
async def main(payload: dict) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`FetchEvent` to `EventFetched`."""
    opened = await clients()
    from shared_code.activities.embed_event import fetch_event
    from shared_code.activities.results import answer

    return await answer(opened, FetchEvent, payload, fetch_event)
