"""Reads one window of the audit table."""

from shared_code.activities.audit_query import query_window
from shared_code.clients import clients


async def main(payload: dict) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`{"jobId", "window", "stage"}`: `{"ok", "count", "counts"}` or `{"ok", "error"}`."""
    return await query_window(await clients(), payload)
