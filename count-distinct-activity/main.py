"""Counts the union of a job's staged windows, or discards them."""

import azure.durable_functions as df

from shared_code.activities.audit_query import count_distinct
from shared_code.clients import clients


async def main(payload: dict, starter: str) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`{"jobId", "runs"}` or `{"jobId", "discard"}`: `{"ok"[, "count"]}` or `{"ok", "error"}`."""
    return await count_distinct(await clients(), payload, df.DurableOrchestrationClient(starter))
