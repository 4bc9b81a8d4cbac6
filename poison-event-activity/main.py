"""Puts the message of a live event that could not be embedded on the poison queue."""

from functools import partial

import azure.functions as func

from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs.steps import PoisonEvent


@at_edge
async def main(payload: dict, poison: func.Out[str]) -> dict:  # type: ignore[type-arg] # plain classes only
    """`PoisonEvent` to `Done`."""
    opened = await clients()
    from shared_code.activities.embed_event import poison_event
    from shared_code.activities.results import answer

    return await answer(opened, PoisonEvent, payload, partial(poison_event, poison=poison))
