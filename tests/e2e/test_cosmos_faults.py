"""The index behind a proxy that lets writes of chunks fail now and then, as a busy Cosmos DB does."""

import json
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.cosmos.exceptions import CosmosHttpResponseError

from local.cosmos import KEY, Cosmos
from shared_code.clients import Clients
from shared_code.cosmos_writer import CosmosIndex
from shared_code.settings import Settings
from shared_code.vectors import Vector
from tests.e2e.test_cosmos_index import DONE, chunk

_OWN_ADDRESS = re.compile(r"https://127\.0\.0\.1:\d+/")
_KEPT = {"content-type", "etag", "x-ms-continuation", "x-ms-resource-quota"}
# Enough for several batches.
CHUNKS = [replace(chunk(str(number)), vector=Vector.of([number, 0.1, 1 / 3])) for number in range(120)]

Send = Callable[[bytes], Awaitable[web.Response]]
Fault = Callable[[web.Request, bytes, Send], Awaitable[web.Response]]


def refused(status: int) -> Fault:
    """The service does not even look at the request."""

    async def answer(*_: Any) -> web.Response:
        headers = {"x-ms-retry-after-ms": "1", "x-ms-substatus": "3200"}
        return web.json_response({"code": "busy"}, status=status, headers=headers)

    return answer


def operation_refused(status: int) -> Fault:
    """One operation of a batch fails, and all others with it."""

    async def answer(_: web.Request, body: bytes, __: Send) -> web.Response:
        results = [{"statusCode": 424, "requestCharge": 0} for _ in json.loads(body)]
        results[len(results) // 2]["statusCode"] = status
        return web.json_response(results, status=207)

    return answer


async def answer_lost(request: web.Request, body: bytes, send: Send) -> web.Response:
    """The write is done, and nobody hears of it."""
    answer = await send(body)
    assert request.transport
    request.transport.abort()
    return answer


async def half_done(_: web.Request, body: bytes, send: Send) -> web.Response:
    """A batch is broken off, which a store that is not atomic leaves as it is."""
    operations = json.loads(body)
    await send(json.dumps(operations[: len(operations) // 2]).encode())
    return web.json_response({"code": "busy"}, status=503)


@asynccontextmanager
async def busy(cosmos: Cosmos, *ahead: Fault) -> AsyncIterator[tuple[CosmosIndex, deque[Fault]]]:
    """An index, and the faults that its next writes of chunks meet, one after another."""
    faults = deque(ahead)

    async def forward(request: web.Request) -> web.Response:
        body = await request.read()

        async def send(sent: bytes) -> web.Response:
            headers = {name: value for name, value in request.headers.items() if name != "Content-Length"}
            async with session.request(
                request.method, cosmos.endpoint + request.path_qs, headers=headers, data=sent, ssl=False
            ) as answer:
                # The account tells its own address, at which the SDK would go on.
                text = _OWN_ADDRESS.sub(f"{origin}/", await answer.text())
                kept = {name: value for name, value in answer.headers.items() if name.lower() in _KEPT}
                return web.Response(status=answer.status, text=text, headers=kept)

        if b'"embedding":' in body and b'"query"' not in body and faults:
            return await faults.popleft()(request, body, send)
        return await send(body)

    app = web.Application(client_max_size=8 * 1024**2)
    app.router.add_route("*", "/{path:.*}", forward)
    async with aiohttp.ClientSession(auto_decompress=True) as session, TestServer(app) as server:
        origin = str(server.make_url("")).rstrip("/")
        settings: dict[str, Any] = {
            "COSMOS_ENDPOINT": origin,
            "COSMOS_KEY": KEY,
            "COSMOS_DATABASE": uuid4().hex,
        }
        clients = Clients(Settings(settings))
        index = clients.index("test", "v1")
        await index.save([DONE], dimensions=3)
        try:
            yield index, faults
        finally:
            await clients.close()


async def is_whole(index: CosmosIndex) -> bool:
    """Whether each chunk is there once, with its own vector."""
    found = [pair async for page in index.vectors(DONE.source) for pair in page]
    return sorted(found, key=str) == sorted(((each.text, each.vector) for each in CHUNKS), key=str)


@pytest.mark.parametrize(
    "fault",
    [refused(429), refused(413), *map(operation_refused, (408, 413, 429, 449, 503)), answer_lost],
    ids=["429", "413", *(f"operation-{status}" for status in (408, 413, 429, 449, 503)), "answer-lost"],
)
async def test_batch_that_fails_once_is_written_in_the_end(cosmos_emulator, fault):
    async with busy(cosmos_emulator, fault) as (index, faults):
        await index.write(CHUNKS)

        assert not faults
        assert await is_whole(index)


async def test_single_write_that_is_throttled_is_done_in_the_end(cosmos_emulator):
    async with busy(cosmos_emulator, *[refused(429)] * 3) as (index, faults):
        await index.write([chunk("x")])

        assert not faults
        assert list(await index.chunks(DONE.source)) == ["x"]


@pytest.mark.parametrize("broken_off", [refused(503), half_done], ids=["refused", "half-done"])
async def test_batch_that_the_service_cannot_do_now_is_raised_and_mended_by_another(
    cosmos_emulator, broken_off
):
    async with busy(cosmos_emulator, *[broken_off] * 20) as (index, faults):
        with pytest.raises(CosmosHttpResponseError, match="busy"):
            await index.write(CHUNKS)
        faults.clear()
        await index.write(CHUNKS)

        assert await is_whole(index)
