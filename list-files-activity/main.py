"""Lists one part of a job's files and compares them with the index."""

from shared_code.activities.embed_files import list_files
from shared_code.clients import clients


async def main(payload: dict) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`{"jobId", "job", "marker", "firstPage", "firstStalePage"}`: `{"ok", ...}` or `{"ok", "error"}`."""
    return await list_files(await clients(), payload)
