"""Brings one staged page of files into the index."""

from functools import partial

import azure.durable_functions as df

from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs.steps import EmbedPage


@at_edge
async def main(payload: dict, starter: str) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`EmbedPage` to `ItemDone`."""
    opened = await clients()
    from shared_code.activities.embed_files import embed_page
    from shared_code.activities.results import answer

    work = partial(embed_page, host=df.DurableOrchestrationClient(starter))
    return await answer(opened, EmbedPage, payload, work)
