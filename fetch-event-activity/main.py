"""Looks a live event up and checks its details."""

from shared_code.activities.embed_event import fetch_event
from shared_code.clients import clients


async def main(payload: dict) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`{"jobId", "job"}`: `{"ok", "characters"}` or `{"ok", "error"}`."""
    return await fetch_event(await clients(), payload)
