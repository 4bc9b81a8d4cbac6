"""A table and a blob endpoint in this process: as much of their protocols as the app uses."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape

from aiohttp import web
from aiohttp.test_utils import TestServer

from shared_code.clients.composition import Clients
from shared_code.settings import Settings

KEY = "c2VjcmV0LWtleQ=="
ROWS_PER_PAGE = 3


@dataclass
class StorageStub:
    """One account: rows of the audit table and blobs; `refuse` answers everything with that status.

    The first `busy` queries are answered 503; `at_once` is how many were under way together at most. The
    first `writes` reads of blobs are each followed by a write; one in `conflicts` can be neither read nor
    deleted, for that reason. A container that `is_being_deleted` is no longer there and cannot be created.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    written: dict[str, datetime] = field(default_factory=dict)
    has_table: bool = True
    has_container: bool = False
    is_being_deleted: bool = False
    refuse: int | None = None
    busy: int = 0
    writes: int = 0
    conflicts: dict[str, str] = field(default_factory=dict)
    queries: list[str] = field(default_factory=list)
    under_way: int = 0
    at_once: int = 0

    def app(self) -> web.Application:
        app = web.Application()
        app.on_response_prepare.append(_named)
        app.router.add_get("/account/audit()", self._query)
        app.router.add_route("*", "/account/{container:jobs|docs}", self._container)
        app.router.add_route("*", "/account/{container:jobs|docs}/{name:.+}", self._blob)
        return app

    async def _query(self, request: web.Request) -> web.Response:
        self.under_way += 1
        self.at_once = max(self.at_once, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        return self._rows(request)

    def _rows(self, request: web.Request) -> web.Response:
        self.queries.append(request.query["$filter"])
        if self.refuse or not self.has_table:
            return _table_error(self.refuse or 404)
        if len(self.queries) <= self.busy:
            return _table_error(503)
        rows = [row for row in self.rows if _matches(request.query["$filter"], row)]
        start = int(request.query.get("NextRowKey", "0"))
        end = start + ROWS_PER_PAGE
        more = {"x-ms-continuation-NextPartitionKey": "p", "x-ms-continuation-NextRowKey": str(end)}
        return web.json_response(
            {"value": [_selected(row) for row in rows[start:end]]}, headers=more if end < len(rows) else {}
        )

    async def _container(self, request: web.Request) -> web.Response:
        if self.refuse:
            return _blob_error(self.refuse, "AuthenticationFailed")
        if request.method == "PUT" and self.is_being_deleted:
            return _blob_error(409, "ContainerBeingDeleted")
        if request.method == "PUT":
            self.has_container = True
            return web.Response(status=201)
        if not self.has_container:
            return _blob_error(404, "ContainerNotFound")
        return web.Response(text=self._listing(request.query["prefix"]), content_type="application/xml")

    def _listing(self, prefix: str) -> str:
        blobs = "".join(
            f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>"
            f"{format_datetime(self.written[name], usegmt=True)}</Last-Modified>"
            "<BlobType>BlockBlob</BlobType></Properties></Blob>"
            for name in sorted(self.blobs)
            if name.startswith(prefix)
        )
        return f"<EnumerationResults><Blobs>{blobs}</Blobs><NextMarker/></EnumerationResults>"

    async def _blob(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if self.refuse:
            return _blob_error(self.refuse, "AuthenticationFailed")
        if not self.has_container:
            return _blob_error(404, "ContainerNotFound")
        if request.method == "PUT":
            if name in self.blobs and request.headers.get("If-None-Match") == "*":
                return _blob_error(409, "BlobAlreadyExists")
            self.blobs[name] = await request.read()
            self.written[name] = datetime.now(UTC)
            return web.Response(status=201)
        if name not in self.blobs:
            return _blob_error(404, "BlobNotFound")
        if name in self.conflicts:
            return _blob_error(409, self.conflicts[name])
        if request.method == "DELETE":
            del self.blobs[name]
            return web.Response(status=202)
        return self._read(request, name)

    def _read(self, request: web.Request, name: str) -> web.Response:
        etag = f'"{self.written[name].timestamp()}"'
        if request.headers.get("If-Match", etag) != etag:
            return _blob_error(412, "ConditionNotMet")
        answer = _ranged(request, self.blobs[name])
        answer.headers["ETag"] = etag
        if self.writes:
            self.writes -= 1
            self.written[name] += timedelta(seconds=1)
        return answer


async def _named(_: web.Request, answer: web.StreamResponse) -> None:
    """Names the request in its answer, as Azure's services do."""
    answer.headers["x-ms-request-id"] = "1"


def _ranged(request: web.Request, body: bytes) -> web.Response:
    asked = request.headers.get("x-ms-range")
    if not asked:
        return web.Response(body=body)
    if not body:
        return _blob_error(416, "InvalidRange")
    first, last = map(int, re.findall(r"\d+", asked))
    part = body[first : last + 1]
    content_range = f"bytes {first}-{first + len(part) - 1}/{len(body)}"
    return web.Response(status=206, body=part, headers={"Content-Range": content_range})


def _matches(query: str, row: dict[str, Any]) -> bool:
    found = re.fullmatch(
        r"PartitionKey ge '(.*)' and PartitionKey (le|lt) '(.*)' and CertNumber ne ''", query
    )
    assert found, query
    lower, operator, upper = found.groups()
    key = str(row["PartitionKey"])
    below = key <= upper if operator == "le" else key < upper
    return lower <= key and below and bool(row.get("CertNumber"))


def _selected(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name.startswith("identificationNumber")}


def _table_error(status: int) -> web.Response:
    code = {404: "TableNotFound", 400: "InvalidInput"}.get(status, "AuthenticationFailed")
    body = {"odata.error": {"code": code, "message": {"lang": "en", "value": "refused"}}}
    return web.json_response(body, status=status)


def _blob_error(status: int, code: str) -> web.Response:
    return web.Response(
        status=status,
        text=f"<Error><Code>{code}</Code><Message>refused</Message></Error>",
        content_type="application/xml",
        headers={"x-ms-error-code": code},
    )


@asynccontextmanager
async def clients_of(stub: StorageStub, **environment: str) -> AsyncIterator[Clients]:
    """Clients whose storage is the stub."""
    async with TestServer(stub.app()) as server:
        origin = str(server.make_url("/account"))
        storage = (
            f"DefaultEndpointsProtocol=http;AccountName=account;AccountKey={KEY};"
            f"TableEndpoint={origin};BlobEndpoint={origin}"
        )
        clients = Clients(Settings({"AzureWebJobsStorage": storage, **environment}))
        try:
            yield clients
        finally:
            await clients.close()
