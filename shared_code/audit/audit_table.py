"""Reads windows of the audit table; it knows the table's columns, and nothing of jobs or of staging.

Page round trips are what takes the time, so the days of a window are read concurrently, as many as the limit
of the pool's service lets; and a page is decoded no further than its JSON.

ADR 5 has the reasons.
"""

import asyncio

from shared_code.audit.distinct_ids import DistinctIds
from shared_code.jobs.date_range import Window
from shared_code.storage.tables import StorageTable

ID_COLUMN = "identificationNumber"


async def read_window(table: StorageTable, window: Window) -> DistinctIds:
    """Collects the distinct ids of a window's rows that have a certificate.

    Raises:
        TableNotFound: there is no such table.
        AccessDenied: the account refuses the app.
    """
    ids = DistinctIds(ID_COLUMN)
    try:
        async with asyncio.TaskGroup() as days:
            for day in window.days():
                days.create_task(_read_day(table, day, ids))
    except ExceptionGroup as failures:
        # The first one cancelled its siblings: it is the cause, and the only one a caller can act on.
        raise failures.exceptions[0] from None
    return ids


async def _read_day(table: StorageTable, day: Window, ids: DistinctIds) -> None:
    below = "le" if day.closed else "lt"
    query = f"PartitionKey ge '{day.lower}' and PartitionKey {below} '{day.upper}' and CertNumber ne ''"
    async for rows in table.pages(query, select=ID_COLUMN):
        ids.add_rows(rows)
