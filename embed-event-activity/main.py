"""Brings a live event into the index."""

from shared_code.clients import clients
from shared_code.event_activities import embed_event


async def main(payload: dict) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`{"jobId", "job"}`: `{"ok", "counts"}` or `{"ok", "error"}`."""
    return await embed_event(await clients(), payload)
