"""One table of a storage account through the pool; it knows the service's protocol, and no columns.

ADR 6 and ADR 14 have the reasons.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from shared_code.errors import AccessDenied, EndpointUnusable, TableNotFound
from shared_code.http_pool import (
    DEFAULT_STATUSES,
    DENIED,
    Limits,
    Response,
    RetryPolicy,
    Service,
    ServicePool,
    StatusError,
    Timeouts,
)
from shared_code.settings.setting import Setting
from shared_code.storage.table_account import TableAccount

_HEADERS = {
    # Without metadata the service would not say that a text stands for a number of 64 bits, a GUID or a date.
    "Accept": "application/json;odata=minimalmetadata",
    "DataServiceVersion": "3.0",
    "x-ms-version": "2020-12-06",
}
# Beyond this a job waits with durable timers, which hold no activity meanwhile.
_TIMEOUTS = Timeouts(attempt=60, total=120)
_RETRIES = RetryPolicy(statuses=DEFAULT_STATUSES | {HTTPStatus.INTERNAL_SERVER_ERROR})
_CONTINUATIONS = ("NextPartitionKey", "NextRowKey")
_WRITTEN = {HTTPStatus.CREATED, HTTPStatus.NO_CONTENT}
# The signature is over the path as it is sent, so what a client leaves as it is must be left here too.
_UNQUOTED = "!$&()*,:;=@+"


class StorageTable:
    """The rows of one table; `setting` is where its account is named, for whoever has to correct it."""

    def __init__(
        self,
        pool: ServicePool,
        account: TableAccount,
        name: str,
        *,
        at_once: int,
        setting: Setting[str],
        timeouts: Timeouts = _TIMEOUTS,
    ) -> None:
        self.name = name
        # Tables of the same name may lie in different accounts.
        self.service_name = f"table {name} of {setting.name}"
        service = Service(
            name=self.service_name,
            base_url=account.endpoint,
            headers=_HEADERS,
            auth=account.auth,
            limits=Limits(max_connections=at_once),
            timeouts=timeouts,
            retries=_RETRIES,
        )
        self._setting = setting
        self._http = pool.register(service)
        self._signature = account.query

    async def pages(
        self, query: str, *, select: str, top: int | None = None
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """The rows that match a filter, in pages of `top` at most, with some columns and their types.

        Raises:
            TableNotFound: there is no such table.
            AccessDenied: the account refuses the app.
            EndpointUnusable: it is not a table service.
        """
        question = {"$filter": query, "$select": select, **({"$top": str(top)} if top else {})}
        place: Mapping[str, str] | None = {}
        while place is not None:
            response = await self._answer("GET", f"/{self.name}()", {**question, **place})
            yield self._rows(response)
            before, place = place, _continuation(response)
            if place == before:
                raise self._unlike()  # it would list the same page for ever

    async def row(self, partition_key: str, row_key: str, *, select: str) -> dict[str, Any] | None:
        """One row, with some of its columns; None if there is none.

        Raises:
            TableNotFound: there is no such table.
            AccessDenied: the account refuses the app.
            EndpointUnusable: it is not a table service.
        """
        try:
            response = await self._answer("GET", self._path(partition_key, row_key), {"$select": select})
        except _RowNotFound:
            return None
        return self._object(response)

    async def put_row(self, partition_key: str, row_key: str, columns: Mapping[str, str]) -> None:
        """Writes a row, in the place of what has its keys.

        Raises:
            TableNotFound: there is no such table.
            AccessDenied: the account refuses the app.
        """
        await self._write("PUT", self._path(partition_key, row_key), json=dict(columns))

    async def delete_row(self, partition_key: str, row_key: str) -> None:
        """Deletes the row with these keys, if there is one.

        Raises:
            AccessDenied: the account refuses the app.
        """
        with suppress(_RowNotFound, TableNotFound):
            await self._write("DELETE", self._path(partition_key, row_key), headers={"If-Match": "*"})

    async def create(self) -> None:
        """Creates the table, unless somebody has.

        Raises:
            AccessDenied: the account refuses the app.
        """
        with suppress(_TableExists):
            await self._write("POST", "/Tables", json={"TableName": self.name})

    def _path(self, partition_key: str, row_key: str) -> str:
        return f"/{self.name}(PartitionKey={key_literal(partition_key)},RowKey={key_literal(row_key)})"

    async def _write(self, method: str, path: str, **what: Any) -> None:
        response = await self._answer(method, path, **what)
        if response.status not in _WRITTEN:
            raise self._unlike()

    async def _answer(
        self,
        method: str,
        path: str,
        question: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> Response:
        params = {**self._signature, **(question or {})}
        try:
            return await self._http.request(method, path, params=params, headers=headers, json=json)
        except StatusError as refusal:
            if refusal.status == HTTPStatus.NOT_FOUND:
                raise self._not_found(refusal) from None
            if b"TableAlreadyExists" in refusal.body:
                raise _TableExists from None
            if refusal.status not in DENIED or refusal.is_page:
                raise
            raise self._denied() from refusal

    def _rows(self, response: Response) -> list[dict[str, Any]]:
        rows = self._object(response).get("value")
        if not isinstance(rows, list):
            raise self._unlike()
        return rows

    def _object(self, response: Response) -> dict[str, Any]:
        found = response.json()
        if not isinstance(found, dict):
            raise self._unlike()
        return found

    def _unlike(self) -> EndpointUnusable:
        what = f"What answers for the {self.name} table is not a table service"
        return EndpointUnusable(f"{what}: check {self._setting.name}.")

    def _not_found(self, refusal: StatusError) -> Exception:
        if b"ResourceNotFound" in refusal.body:
            return _RowNotFound()
        if b"TableNotFound" not in refusal.body:
            return self._unlike()
        fix = f"check its name, and the account that {self._setting.name} names"
        return TableNotFound(f"Table {self.name} does not exist: {fix}.")

    def _denied(self) -> AccessDenied:
        what = f"The {self.name} table refused access"
        fix = f"check the key or role in {self._setting.name}"
        return AccessDenied(f"{what}: {fix}.", refused_by="storage")


class _RowNotFound(Exception):
    """The table has no row with these keys."""


class _TableExists(Exception):
    """The table is there already."""


def _continuation(response: Response) -> Mapping[str, str] | None:
    """Where the next page begins; None if there is none."""
    found = {name: response.headers.get(f"x-ms-continuation-{name}") for name in _CONTINUATIONS}
    return {name: value for name, value in found.items() if value is not None} or None


def key_literal(text: str) -> str:
    """A text as a key in a path: a quote in it is doubled."""
    inner = quote(text.replace("'", "''"), safe=_UNQUOTED + "'")
    return f"'{inner}'"
