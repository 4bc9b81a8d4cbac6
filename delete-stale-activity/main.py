"""Takes one staged page of vanished files out of the index, or discards what a job staged."""

import azure.durable_functions as df

from shared_code.activities.embed_files import delete_stale
from shared_code.clients import clients


async def main(payload: dict, starter: str) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`{"jobId", "job", "page"}` or `{"jobId", "discard"}`: `{"ok"[, "counts"]}` or `{"ok", "error"}`."""
    return await delete_stale(await clients(), payload, df.DurableOrchestrationClient(starter))
