"""Options that change what a host runs: some functions alone, and durable timers that do not wait."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from devhost.errors import UnknownFunctions
from devhost.host import Host, HostOptions
from devhost.settings.host_json import read_host_settings
from devhost.web import http_server
from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import SampleApp

WAITS = """
    import datetime
    began = context.current_utc_datetime
    yield context.create_timer(began + datetime.timedelta(days=30))
    yield context.call_activity("work", 1)
    return (context.current_utc_datetime - began).days
"""


@pytest.fixture(autouse=True)
def _app(app: SampleApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_FUNCTIONS_DURABLE_STRICT_TYPING", "true")
    app.activity("work", "def main(payload): return payload\n")
    app.orchestrator("waits", WAITS)
    app.http("hello")


@asynccontextmanager
async def running(app: SampleApp, **options: Any) -> AsyncIterator[Host]:
    host = await Host.start(HostOptions(app.root, port=0, **options), read_host_settings(app.root))
    try:
        yield host
    finally:
        await host.stop()


async def test_only_the_functions_that_are_named_are_run(app: SampleApp):
    async with running(app, functions=frozenset({"work", "waits"})) as host:
        assert {function.name for function in host.index.functions} == {"work", "waits"}


async def test_function_that_is_not_there_is_refused_with_those_that_are(app: SampleApp):
    with pytest.raises(UnknownFunctions, match=r"names absent, .*: name some of hello, waits, work"):
        async with running(app, functions=frozenset({"absent", "work"})):
            pass


async def test_skipped_time_makes_durable_timers_due_at_once_and_says_so(
    app: SampleApp, caplog: pytest.LogCaptureFixture
):
    async with running(app, time_skip=True) as host, asyncio.timeout(20):
        job = await host.hub.start_orchestration("waits")
        while (found := await host.hub.get_instance(job)) is None or not found.status.is_terminal:
            await asyncio.sleep(0.01)
        assert found.output == "30"
    assert "Time skip: for orchestrations it is " in caplog.text


async def test_host_that_stops_waits_for_the_request_of_a_connection_and_for_nothing_else(
    app: SampleApp, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(http_server, "_LOOKS", 10_000)
    host = await Host.start(HostOptions(app.root, port=0), read_host_settings(app.root))
    reader, writer = await asyncio.open_connection("127.0.0.1", host.port)
    stopping = asyncio.create_task(host.stop())
    async with asyncio.timeout(20):
        await asyncio.wait((stopping,), timeout=0.1)
        writer.write(b"GET /api/hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await stopping
    assert b"hello" in answer


async def test_app_sees_the_variables_of_the_functions_host_and_of_core_tools(
    app: SampleApp, start: StartHost, monkeypatch: pytest.MonkeyPatch
):
    names = ("AzureWebJobsScriptRoot", "AZURE_FUNCTIONS_ENVIRONMENT", "WEBSITE_HOSTNAME")
    monkeypatch.setenv("AZURE_FUNCTIONS_ENVIRONMENT", "Staging")
    app.http("shows", f"import os\ndef main(req): return ' '.join(os.environ[name] for name in {names})\n")
    client = await start()
    shown = (await client.get("/api/shows")).text
    assert shown == f"{app.root} Staging localhost:{client.host.port}"


async def test_variables_of_a_host_end_with_it(app: SampleApp):
    before = dict(os.environ)
    host = await Host.start(HostOptions(app.root, port=0), read_host_settings(app.root))
    assert os.environ["AZURE_FUNCTIONS_ENVIRONMENT"] == "Development"
    await host.stop()
    assert dict(os.environ) == before
