"""Reads windows of the audit table; it knows the table's columns, and nothing of jobs or of staging.

Page round trips are what takes the time, so the days of a window are read concurrently, as many as the limit
of the pool's service lets; and a page is decoded no further than its JSON.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any

from shared_code.date_range import Window
from shared_code.distinct_ids import DistinctIds
from shared_code.errors import AccessDenied, TableNotFound
from shared_code.http_pool import (
    Limits,
    Response,
    Service,
    ServicePool,
    StatusError,
    Timeouts,
    TokenUnavailable,
)
from shared_code.settings import AUDIT_STORAGE
from shared_code.table_account import TableAccount

ID_COLUMN = "identificationNumber"
_HEADERS = {
    # Without metadata the service would not tell a number of 64 bits, a GUID or a date from a text.
    "Accept": "application/json;odata=minimalmetadata",
    "DataServiceVersion": "3.0",
    "x-ms-version": "2020-12-06",
}
_CONTINUATIONS = ("NextPartitionKey", "NextRowKey")
_DENIED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class AuditTable:
    """The rows of one table, read through the pool."""

    def __init__(self, pool: ServicePool, account: TableAccount, name: str, *, pages_at_once: int) -> None:
        service = Service(
            name=f"table {name}",
            base_url=account.endpoint,
            headers=_HEADERS,
            auth=account.auth,
            limits=Limits(max_connections=pages_at_once),
            timeouts=Timeouts(attempt=60, total=300),
        )
        self.name = name
        self._http = pool.register(service)
        self._signature = account.query

    async def pages(self, query: str, *, select: str) -> AsyncIterator[list[dict[str, Any]]]:
        """The rows that match a filter, page by page, with one column and what the service says of its type.

        Raises:
            TableNotFound: there is no such table.
            AccessDenied: the account refuses the app.
        """
        question = {**self._signature, "$filter": query, "$select": select}
        place: Mapping[str, str] | None = {}
        while place is not None:
            response = await self._answer({**question, **place})
            yield json.loads(response.body)["value"]
            place = _continuation(response)

    async def _answer(self, question: Mapping[str, str]) -> Response:
        try:
            return await self._http.get(f"/{self.name}()", params=question)
        except StatusError as refusal:
            if refusal.status == HTTPStatus.NOT_FOUND:
                raise TableNotFound(f"Table {self.name} does not exist.") from None
            if refusal.status not in _DENIED:
                raise
            raise _denied() from refusal
        except TokenUnavailable as failure:
            raise _denied() from failure


def _continuation(response: Response) -> Mapping[str, str] | None:
    """Where the next page begins; None if there is none."""
    found = {name: response.headers.get(f"x-ms-continuation-{name}") for name in _CONTINUATIONS}
    return {name: value for name, value in found.items() if value is not None} or None


def _denied() -> AccessDenied:
    return AccessDenied(f"The audit table refused access: check key or role behind {AUDIT_STORAGE.name}.")


async def read_window(table: AuditTable, window: Window) -> DistinctIds:
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


async def _read_day(table: AuditTable, day: Window, ids: DistinctIds) -> None:
    below = "le" if day.closed else "lt"
    query = f"PartitionKey ge '{day.lower}' and PartitionKey {below} '{day.upper}' and CertNumber ne ''"
    async for rows in table.pages(query, select=ID_COLUMN):
        ids.add_rows(rows)
