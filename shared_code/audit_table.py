"""Reads windows of the audit table; it knows the table's columns, and nothing of jobs or of staging.

Page round trips are what takes the time, so the days of a window are read concurrently.
"""

import asyncio
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import ContentDecodePolicy, SansIOHTTPPolicy
from azure.data.tables.aio import TableClient

from shared_code.date_range import Window
from shared_code.distinct_ids import DistinctIds
from shared_code.errors import TableNotFound

ID_COLUMN = "identificationNumber"
ROWS_PER_PAGE = 1_000


class TakeRows(SansIOHTTPPolicy[Any, Any]):
    """Hands the rows of each page to the `take_rows` of its query and leaves none for the SDK.

    The SDK's decoding of a row takes several times as long as all else that happens to the row here.
    """

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Keeps the query's option from the transport."""
        request.context["take_rows"] = request.context.options.pop("take_rows", None)

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:
        """Takes the rows out of the parsed page; an error's body has none."""
        take_rows = request.context["take_rows"]
        page = response.context.get(ContentDecodePolicy.CONTEXT_NAME)
        if take_rows and isinstance(page, dict) and "value" in page:
            take_rows(page["value"])
            page["value"] = []


async def read_window(table: TableClient, window: Window, days_at_once: asyncio.Semaphore) -> DistinctIds:
    """Collects the distinct ids of a window's rows that have a certificate; the table has TakeRows.

    Raises:
        TableNotFound: there is no such table.
    """
    ids = DistinctIds(ID_COLUMN)

    async def read_in_turn(day: Window) -> None:
        async with days_at_once:
            await _read_day(table, day, ids)

    try:
        async with asyncio.TaskGroup() as days:
            for day in window.days():
                days.create_task(read_in_turn(day))
    except ExceptionGroup as failures:
        # The first one cancelled its siblings: it is the cause, and the only one a caller can act on.
        raise failures.exceptions[0] from None
    return ids


async def _read_day(table: TableClient, day: Window, ids: DistinctIds) -> None:
    below = "le" if day.closed else "lt"
    pages = table.query_entities(
        f"PartitionKey ge @lower and PartitionKey {below} @upper and CertNumber ne ''",
        parameters={"lower": day.lower, "upper": day.upper},
        select=ID_COLUMN,
        results_per_page=ROWS_PER_PAGE,
        take_rows=ids.add_rows,
    )
    try:
        async for _page in pages.by_page():
            pass
    except ResourceNotFoundError:
        raise TableNotFound(f"Table {table.table_name} does not exist.") from None
