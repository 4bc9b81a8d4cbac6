"""The HTTP API: databases, containers, items, batches, queries and what a client needs to find its way.

Keys are not checked. What the API has beyond this is refused with 400, or 404 where the address is unknown.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import unquote
from uuid import uuid4

import msgspec
import orjson
from aiohttp import web

from local.emulators.cosmos.containers import Container, Raw, partition_of_header
from local.emulators.cosmos.errors import (
    BadRequest,
    NotFound,
    ServiceError,
    TooLarge,
    Unavailable,
    Unsupported,
)
from local.emulators.cosmos.evaluation import Compiler, Row
from local.emulators.cosmos.items import Operation, Result
from local.emulators.cosmos.parser import parse
from local.emulators.cosmos.queries import Asked, Page, Queries, read
from local.emulators.cosmos.search_process import SearchProcess
from local.emulators.cosmos.store import Store
from local.emulators.cosmos.syntax import Literal

MOST_BYTES = 2 * 1024**2
_MOST_OPERATIONS = 100
_READERS = 2
_INDEXING_SECONDS = 2.0
# Seconds since the last query after which nobody is searching; a hybrid search is seven of them.
_UNTIL_IDLE = 0.25
_MOST_GIVING_WAY = 0.25
_BODY_BYTES = 4 * MOST_BYTES  # more than any request may have, so that the refusal is the API's own
_RANGES = [
    {
        "_rid": "",
        "id": "0",
        "minInclusive": "",
        "maxExclusive": "FF",
        "ridPrefix": 0,
        "status": "online",
        "parents": [],
    }
]
_RANGES_ETAG = '"1"'

_T = TypeVar("_T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _BatchOperation(msgspec.Struct, rename="camel"):
    operation_type: str
    id: str = ""
    resource_body: Raw | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    minimal_return_preference: bool = False


def create_app(store: Store) -> web.Application:
    """The server over a store."""
    server = CosmosServer(store)
    app = web.Application(middlewares=[_errors_as_json], client_max_size=_BODY_BYTES)
    app.router.add_route("*", "/{path:.*}", server.handle)
    app.on_cleanup.append(server.close)
    return app


@dataclass(frozen=True)
class _Reply:
    """An answer before it is given its headers."""

    status: int = HTTPStatus.OK
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: object, status: int = HTTPStatus.OK, **headers: str) -> "_Reply":
        return cls(status, orjson.dumps(value), headers)


class CosmosServer:
    """The handlers.

    One thread writes, so that writes are never in each other's way. Others read, and one asks the process of
    searches.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._searches = SearchProcess(store.file)
        self._queries = Queries(store)
        self._writer = ThreadPoolExecutor(1, "cosmos-writer")
        self._readers = ThreadPoolExecutor(_READERS, "cosmos-reader")
        self._searcher = ThreadPoolExecutor(1, "cosmos-searcher")
        self._indexing = asyncio.Lock()
        self._searched = -_UNTIL_IDLE

    async def close(self, _: web.Application) -> None:
        """Ends what runs."""
        self._writer.shutdown()
        self._readers.shutdown()
        self._searcher.shutdown()
        self._searches.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers a request by its address."""
        segments = [unquote(part) for part in request.raw_path.split("?")[0].strip("/").split("/") if part]
        body = await request.read()
        reply = await self._route(request, request.method, segments, body)
        headers = {
            "x-ms-activity-id": request.headers.get("x-ms-activity-id") or str(uuid4()),
            "x-ms-request-charge": "1",
            "x-ms-gatewayversion": "version=2.0.0",
            **reply.headers,
        }
        content = {"content_type": "application/json"} if reply.body else {}
        return web.Response(status=reply.status, body=reply.body or None, headers=headers, **content)  # type: ignore[arg-type]

    async def _route(self, request: web.Request, method: str, segments: list[str], body: bytes) -> _Reply:
        match segments:
            case []:
                return _Reply.of(_account(request))
            case ["dbs", *rest] if len(rest) < len(("database", "colls")):
                return await self._databases(method, rest, _Body(request, body))
            case ["dbs", database, "colls", *rest] if len(rest) < len(("container", "docs")):
                return await self._containers(method, database, rest, _Body(request, body))
            case ["dbs", database, "colls", name, "pkranges"] if method == "GET":
                await self._container(database, name)
                return _ranges(request)
            case ["dbs", database, "colls", name, "docs", *rest] if len(rest) <= 1:
                container = await self._container(database, name)
                return await self._items(method, container, rest, _Body(request, body))
        raise NotFound(f"There is nothing at {method} {request.path} in the local stand-in for Cosmos DB.")

    async def _databases(self, method: str, names: list[str], asked: "_Body") -> _Reply:
        store = self._store
        match method, names:
            case "POST", [] if not asked.is_query:
                made = await self._write(store.create_database, asked.json())
                return _Reply.of(made, HTTPStatus.CREATED, etag=made["_etag"])
            case (("GET" | "POST"), []):
                return _listed("Databases", await self._read(store.databases), asked)
            case "GET", [name]:
                return _Reply.of(await self._read(store.database, name))
            case "DELETE", [name]:
                await self._write(store.delete_database, name)
                return _Reply(HTTPStatus.NO_CONTENT)
        raise Unsupported(f"{method} of a database")

    async def _containers(self, method: str, database: str, names: list[str], asked: "_Body") -> _Reply:
        store = self._store
        match method, names:
            case "POST", [] if not asked.is_query:
                made = await self._write(store.create_container, database, asked.json())
                return _container(made, HTTPStatus.CREATED)
            case (("GET" | "POST"), []):
                found = await self._read(store.containers, database)
                return _listed("DocumentCollections", found, asked)
            case "GET", [name]:
                return _container(await self._read(store.container, database, name))
            case "PUT", [name]:
                return _container(await self._write(store.replace_container, database, name, asked.json()))
            case "DELETE", [name]:
                await self._write(store.delete_container, database, name)
                return _Reply(HTTPStatus.NO_CONTENT)
        raise Unsupported(f"{method} of a container")

    async def _items(self, method: str, container: Container, names: list[str], asked: "_Body") -> _Reply:
        match method, names:
            case "POST", [] if asked.flag("x-ms-cosmos-is-query-plan-request"):
                text, parameters = read(asked.content)
                return _Reply.of(self._queries.plan(container, text, parameters))
            case "POST", [] if asked.is_query:
                return await self._query(container, asked)
            case "POST", [] if asked.flag("x-ms-cosmos-is-batch-request"):
                return await self._batch(container, asked)
            case "GET", [] if "a-im" in asked.headers:
                raise Unsupported("The change feed")
            case "GET", []:
                return await self._query(container, asked, "SELECT * FROM c")
            case "POST", []:
                kind = "Upsert" if asked.flag("x-ms-documentdb-is-upsert") else "Create"
                return await self._change(container, asked, kind)
            case "GET", [name]:
                return await self._get(container, name, asked)
            case (("PUT" | "PATCH" | "DELETE"), [name]):
                kind = {"PUT": "Replace", "PATCH": "Patch", "DELETE": "Delete"}[method]
                return await self._change(container, asked, kind, name)
        raise Unsupported(f"{method} of items")

    async def _get(self, container: Container, name: str, asked: "_Body") -> _Reply:
        stored = await self._read(self._store.item, container, asked.partition, name)
        if asked.headers.get("if-none-match") == stored.etag:
            return _Reply(HTTPStatus.NOT_MODIFIED, headers={"etag": stored.etag})
        return _Reply(HTTPStatus.OK, stored.json(container), {"etag": stored.etag})

    async def _change(self, container: Container, asked: "_Body", kind: str, name: str = "") -> _Reply:
        if len(asked.content) > MOST_BYTES:
            raise TooLarge(f"The request has {len(asked.content):,} bytes, and may have {MOST_BYTES:,}.")
        operation = Operation(
            kind=kind,
            id=name,
            item=asked.raw() if kind not in {"Delete", "Patch"} else None,
            patch=asked.json() if kind == "Patch" else None,
            if_match=asked.headers.get("if-match"),
            if_none_match=asked.headers.get("if-none-match"),
        )
        result = await self._write(self._store.run, container, asked.partition, operation)
        await self._indexed(container)
        if result.stored is None:
            return _Reply(result.status)
        body = b"" if asked.headers.get("prefer") == "return=minimal" else result.stored.json(container)
        return _Reply(result.status, body, {"etag": result.stored.etag})

    async def _batch(self, container: Container, asked: "_Body") -> _Reply:
        if len(asked.content) > MOST_BYTES:
            raise TooLarge(f"The batch has {len(asked.content):,} bytes, and may have {MOST_BYTES:,}.")
        reply = await self._write(self._run_batch, container, asked)
        await self._indexed(container)
        return reply

    def _run_batch(self, container: Container, asked: "_Body") -> _Reply:
        try:
            batch = msgspec.json.decode(asked.content, type=list[_BatchOperation])
        except msgspec.MsgspecError as error:
            raise BadRequest(f"The batch cannot be understood: {error}.") from None
        if not 0 < len(batch) <= _MOST_OPERATIONS:
            raise BadRequest(f"The batch has {len(batch)} operations, and may have 1 to {_MOST_OPERATIONS}.")
        results = self._store.run_batch(container, asked.partition, [_operation(one) for one in batch])
        failed = any(error for _, error in results)
        answers = [
            _batch_result(container, result, error, minimal=one.minimal_return_preference)
            for one, (result, error) in zip(batch, results, strict=True)
        ]
        status = HTTPStatus.MULTI_STATUS if failed else HTTPStatus.OK
        return _Reply(status, b"[" + b",".join(answers) + b"]")

    async def _query(self, container: Container, asked: "_Body", text: str = "") -> _Reply:
        parameters: dict[str, Any] = {}
        if asked.headers.get("x-ms-start-epk", "") or asked.headers.get("x-ms-end-epk", "FF") != "FF":
            raise Unsupported("A query of a range of partition keys")
        if not text:
            text, parameters = read(asked.content)
        query = Asked(
            text=text,
            parameters=parameters,
            partition=asked.partition if "x-ms-documentdb-partitionkey" in asked.headers else None,
            of_range="x-ms-documentdb-partitionkeyrangeid" in asked.headers,
            across=asked.flag("x-ms-documentdb-query-enablecrosspartition") or not asked.is_query,
            most=asked.number("x-ms-max-item-count"),
            continuation=asked.headers.get("x-ms-continuation", ""),
        )
        page = None
        if query.partition is not None:
            page = await self._read(self._queries.page, container, query)
        if page is None:
            page = await self._searched_page(container, query)
        headers = {"x-ms-item-count": str(len(page.results))}
        if page.continuation:
            headers["x-ms-continuation"] = page.continuation
        body = b'{"_rid":"%b","Documents":[%b],"_count":%d}'
        found = body % (container.rid.encode(), b",".join(page.results), len(page.results))
        return _Reply(HTTPStatus.OK, found, headers)

    async def _container(self, database: str, name: str) -> Container:
        known = self._store.known_container(database, name)
        return await self._read(self._store.container, database, name) if known is None else known

    async def _indexed(self, container: Container) -> None:
        """Waits until searches find what was written: thus no job writes faster than they can follow."""
        if not self._searches.is_used(container):
            return
        await self._give_way()
        try:
            async with asyncio.timeout(_INDEXING_SECONDS), self._indexing:
                while await self._search(self._searches.follow, container):
                    pass
        except (TimeoutError, Unavailable):
            self._searches.neglect(container)

    async def _searched_page(self, container: Container, query: Asked) -> Page:
        try:
            return await self._search(self._searches.page, container, query)
        finally:  # a hybrid search begins with a refusal
            self._searched = asyncio.get_running_loop().time()

    async def _give_way(self) -> None:
        """Waits a moment while somebody searches: a job then leaves the processors to them."""
        now = asyncio.get_running_loop().time
        latest = now() + _MOST_GIVING_WAY
        while now() < (until := min(latest, self._searched + _UNTIL_IDLE)):  # noqa: ASYNC110 - it moves
            await asyncio.sleep(until - now())

    async def _search(self, function: Callable[..., _T], *arguments: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._searcher, function, *arguments)

    async def _read(self, function: Callable[..., _T], *arguments: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, function, *arguments)

    async def _write(self, function: Callable[..., _T], *arguments: object) -> _T:
        # A client that has gone does not stop a write that has begun.
        return await asyncio.shield(
            asyncio.get_running_loop().run_in_executor(self._writer, function, *arguments)
        )


@dataclass(frozen=True)
class _Body:
    """A request, its body read."""

    request: web.Request
    content: bytes

    @property
    def headers(self) -> Mapping[str, str]:
        return self.request.headers

    @property
    def is_query(self) -> bool:
        return self.flag("x-ms-documentdb-isquery")

    @property
    def partition(self) -> str:
        header = self.headers.get("x-ms-documentdb-partitionkey")
        if header is None:
            raise BadRequest("The request names no partition key: it needs x-ms-documentdb-partitionkey.")
        return partition_of_header(header)

    def flag(self, name: str) -> bool:
        return self.headers.get(name, "").lower() == "true"

    def number(self, name: str) -> int:
        try:
            return max(0, int(self.headers.get(name, 0)))
        except ValueError:
            raise BadRequest(f"The header {name} is not a number.") from None

    def json(self) -> Any:
        try:
            return orjson.loads(self.content)
        except ValueError:
            raise BadRequest("The body of the request is not JSON.") from None

    def raw(self) -> Raw:
        try:
            return msgspec.json.decode(self.content, type=Raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise BadRequest("The body of the request is not a JSON object.") from None


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ServiceError as error:
        headers = {
            "x-ms-activity-id": str(uuid4()),
            "x-ms-request-charge": "1",
            "x-ms-substatus": str(error.substatus),
        }
        return web.json_response(error.body(), status=error.status, headers=headers)
    except web.HTTPRequestEntityTooLarge:
        too_large = TooLarge(f"The request may have {MOST_BYTES:,} bytes.")
        return web.json_response(too_large.body(), status=too_large.status)


def _account(request: web.Request) -> dict[str, Any]:
    # By number, as it listens, whatever name the client knows it by.
    host, port = request.transport.get_extra_info("sockname") if request.transport else ("127.0.0.1", 443)
    here = f"{request.scheme}://{host}:{port}/"
    places = [{"name": "Local", "databaseAccountEndpoint": here}]
    return {
        "_self": "",
        "id": "local",
        "_rid": "local",
        "media": "//media/",
        "addresses": "//addresses/",
        "_dbs": "//dbs/",
        "writableLocations": places,
        "readableLocations": places,
        "enableMultipleWriteLocations": False,
        "userConsistencyPolicy": {"defaultConsistencyLevel": "Strong"},
    }


def _ranges(request: web.Request) -> _Reply:
    if request.headers.get("if-none-match") == _RANGES_ETAG:
        return _Reply(HTTPStatus.NOT_MODIFIED, headers={"etag": _RANGES_ETAG})
    answer = {"_rid": "", "PartitionKeyRanges": _RANGES, "_count": len(_RANGES)}
    return _Reply.of(answer, etag=_RANGES_ETAG)


def _listed(name: str, found: list[Any], asked: _Body) -> _Reply:
    """All databases or containers, or those that a query names."""
    if asked.is_query:
        text, parameters = read(asked.content)
        where = parse(text, parameters).where or Literal(value=True)
        test = Compiler(parameters).compile(where)
        found = [one for one in found if test(Row(one)) is True]
    return _Reply.of({"_rid": "", name: found, "_count": len(found)})


def _container(container: Container, status: int = HTTPStatus.OK) -> _Reply:
    return _Reply(status, json.dumps(container.properties).encode(), {"etag": container.properties["_etag"]})


def _operation(one: _BatchOperation) -> Operation:
    is_patch = one.operation_type == "Patch"
    patch = {name: msgspec.json.decode(value) for name, value in (one.resource_body or {}).items()}
    return Operation(
        kind=one.operation_type,
        id=one.id,
        item=None if is_patch else one.resource_body,
        patch=patch if is_patch else None,
        if_match=one.if_match,
        if_none_match=one.if_none_match,
    )


def _batch_result(
    container: Container, result: Result, error: ServiceError | None, *, minimal: bool
) -> bytes:
    answer: dict[str, Any] = {"statusCode": int(result.status), "requestCharge": 1.0}
    if error is not None:
        answer |= {"subStatusCode": error.substatus, "message": str(error)}
    if result.stored is None:
        return orjson.dumps(answer)
    answer["eTag"] = result.stored.etag
    if minimal:
        return orjson.dumps(answer)
    return orjson.dumps(answer)[:-1] + b',"resourceBody":' + result.stored.json(container) + b"}"
