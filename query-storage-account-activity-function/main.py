"""Reads one window of the audit table."""

from shared_code.clients import clients
from shared_code.edge import at_edge
from shared_code.jobs.steps import QueryWindow


@at_edge
async def main(payload: dict) -> dict:  # type: ignore[type-arg] # the worker takes plain classes only
    """`QueryWindow` to `WindowRead`."""
    opened = await clients()
    from shared_code.activities.audit_query import query_window
    from shared_code.activities.results import answer

    return await answer(opened, QueryWindow, payload, query_window)
