"""Brings a live event into the index."""

from shared_code.activities.embed_event import embed_event
from shared_code.clients import clients


async def main(payload: dict) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`{"jobId", "job"}`: `{"ok", "counts"}` or `{"ok", "error"}`."""
    return await embed_event(await clients(), payload)
