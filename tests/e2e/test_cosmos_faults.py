"""The index behind a proxy that refuses writes now and then, as a busy Cosmos DB does."""

import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from tests.e2e.test_cosmos_index import DONE, chunk

_OWN_ADDRESS = re.compile(r"https://127\.0\.0\.1:\d+/")
_KEPT = {"content-type", "etag", "x-ms-continuation", "x-ms-resource-quota"}


@asynccontextmanager
async def busy(cosmos: Cosmos, refusals: deque[int]) -> AsyncIterator[CosmosIndex]:
    """An index whose writes of chunks are refused with these statuses, one after another."""

    async def forward(request: web.Request) -> web.Response:
        body = await request.read()
        if b'"embedding":' in body and b'"query"' not in body and refusals:
            headers = {"x-ms-retry-after-ms": "1", "x-ms-substatus": "3200"}
            return web.json_response({"code": "busy"}, status=refusals.popleft(), headers=headers)
        async with session.request(
            request.method, cosmos.endpoint + request.path_qs, headers=request.headers, data=body, ssl=False
        ) as answer:
            # The account tells its own address, at which the SDK would go on.
            text = _OWN_ADDRESS.sub(f"{origin}/", await answer.text())
            kept = {name: value for name, value in answer.headers.items() if name.lower() in _KEPT}
            return web.Response(status=answer.status, text=text, headers=kept)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", forward)
    async with aiohttp.ClientSession(auto_decompress=True) as session, TestServer(app) as server:
        origin = str(server.make_url("")).rstrip("/")
        settings: dict[str, Any] = {
            "COSMOS_ENDPOINT": origin,
            "COSMOS_KEY": KEY,
            "COSMOS_DATABASE": uuid4().hex,
        }
        clients = Clients(Settings(settings))
        try:
            yield clients.index("test", "v1")
        finally:
            await clients.close()


async def test_write_that_is_throttled_is_done_in_the_end(cosmos_emulator):
    refusals = deque([429] * 3)
    async with busy(cosmos_emulator, refusals) as index:
        await index.save(DONE, dimensions=3)
        await index.write(chunk("x"))

        assert not refusals
        assert list(await index.chunks("docs/a.txt")) == ["x"]


async def test_write_that_the_service_cannot_do_now_is_raised_for_the_step_to_run_again(cosmos_emulator):
    refusals = deque([503] * 20)
    async with busy(cosmos_emulator, refusals) as index:
        await index.save(DONE, dimensions=3)
        with pytest.raises(CosmosHttpResponseError, match="busy"):
            await index.write(chunk("x"))
        refusals.clear()
        await index.write(chunk("x"))

        assert list(await index.chunks("docs/a.txt")) == ["x"]
