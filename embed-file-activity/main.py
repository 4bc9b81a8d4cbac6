"""Brings one staged page of files into the index."""

from functools import partial

import azure.durable_functions as df

from shared_code.clients import clients
from shared_code.edge import at_edge


@at_edge
async def main(payload: dict, starter: str) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`EmbedPage` to `ItemDone`."""
    opened = await clients()
    from shared_code.activities.embed_files import embed_page
    from shared_code.activities.spending import spends_on_page
    from shared_code.jobs.steps import EmbedPage

    host = df.DurableOrchestrationClient(starter)
    return await spends_on_page(opened, EmbedPage, payload, partial(embed_page, host=host), host)
