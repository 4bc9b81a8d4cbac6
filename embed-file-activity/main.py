"""Brings one staged page of files into the index."""

from shared_code.activities.embed_files import embed_page
from shared_code.clients import clients


async def main(payload: dict) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`{"jobId", "job", "page"}`: `{"ok", "counts", "ledger"}` or `{"ok", "error"}`."""
    return await embed_page(await clients(), payload)
