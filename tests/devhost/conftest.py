"""A host on a free loopback port, in this process, with an app that the test writes."""

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient
from yarl import URL

from devhost.host import Host, HostOptions
from devhost.settings.host_json import read_host_settings
from local.emulators.azurite import Azurite
from tests.devhost.sample_app import SampleApp
from tests.devhost.storage_app import Storage


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Calls a running host; paths are sent as they are written."""

    host: Host
    session: aiohttp.ClientSession

    async def call(self, method: str, path: str, **options: Any) -> Answer:
        url = URL(f"http://127.0.0.1:{self.host.port}{path}", encoded=True)
        async with self.session.request(method, url, **options) as response:
            return Answer(response.status, dict(response.headers), await response.read())

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.call("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Answer:
        return await self.call("POST", path, **options)


StartHost = Callable[[], Awaitable[Client]]


@pytest.fixture
def app(tmp_path: Path) -> SampleApp:
    return SampleApp(tmp_path)


@pytest.fixture
async def start(app: SampleApp, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StartHost]:
    """Starts the app; it is stopped after the test."""
    # Without strict typing the SDK warns of a deprecation whenever it decodes an activity's input.
    monkeypatch.setenv("AZURE_FUNCTIONS_DURABLE_STRICT_TYPING", "true")
    async with contextlib.AsyncExitStack() as stack:

        async def start_host() -> Client:
            host = await Host.start(HostOptions(app.root, port=0, grace=5), read_host_settings(app.root))
            stack.push_async_callback(host.stop)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            return Client(host, session)

        yield start_host


@pytest.fixture
async def account(storage: Azurite, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Storage]:
    """The storage that the app's bindings use."""
    monkeypatch.setenv("AzureWebJobsStorage", storage.connection_string)
    async with (
        QueueServiceClient.from_connection_string(storage.connection_string) as queues,
        BlobServiceClient.from_connection_string(storage.connection_string) as blobs,
    ):
        yield Storage(queues, blobs, storage.connection_string)
