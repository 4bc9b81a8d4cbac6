"""Brings one staged page of files into the index."""

from shared_code.clients import clients
from shared_code.embed_activities import embed_page


async def main(payload: dict) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`{"jobId", "job", "page"}`: `{"ok", "counts", "ledger"}` or `{"ok", "error"}`."""
    return await embed_page(await clients(), payload)
