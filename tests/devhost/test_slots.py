"""How many functions run at once, and what keeps working while they are stuck."""

import asyncio
from typing import Any

import pytest

from devhost.settings.app_settings import THREAD_COUNT
from tests.devhost.conftest import Client, StartHost
from tests.devhost.sample_app import SampleApp

API = "/runtime/webhooks/durabletask"
STUCK = """
    import pathlib, time
    {} main(payload):
        pathlib.Path("started").touch()
        deadline = time.monotonic() + 10
        while not pathlib.Path("go-on").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        return "late"
"""
MEASURE = """
    import asyncio, pathlib, threading, time
    lock, running, most = threading.Lock(), 0, 0
    {} main(payload):
        global running, most
        with lock:
            running += 1
            most = max(most, running)
        {}(0.02)
        with lock:
            running -= 1
        return most
"""
FAN_OUT = "return max((yield context.task_all([context.call_activity('measure') for _ in range(12)])))"


async def finished(client: Client, name: str) -> Any:
    """The output of a new instance."""
    started = await client.post(f"{API}/orchestrators/{name}?timeout=10&pollingInterval=0.01")
    assert started.status == 200, started.text
    return started.json


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_stuck_activity_stalls_neither_http_nor_timers_nor_the_management_api(
    app: SampleApp, start: StartHost, kind: str
):
    app.activity("stuck", STUCK.format(kind))
    app.orchestrator("waits", "return (yield context.call_activity('stuck'))")
    wait = "datetime.timedelta(milliseconds=20)"
    app.orchestrator(
        "naps",
        f"import datetime\nyield context.create_timer(context.current_utc_datetime + {wait})\nreturn 1",
    )
    app.http("hello")
    client = await start()
    await client.post(f"{API}/orchestrators/waits/a")
    await app.wrote("started")
    assert (await client.get("/api/hello")).text == "hello"
    assert await finished(client, "naps") == 1
    assert (await client.get(f"{API}/instances/a")).json["runtimeStatus"] == "Running"
    app.file("go-on", "")


@pytest.mark.parametrize(("slots", "threads"), [(3, 8), (8, 2)])
async def test_sync_activities_share_the_smaller_of_slots_and_threads(
    app: SampleApp, start: StartHost, monkeypatch: pytest.MonkeyPatch, slots: int, threads: int
):
    monkeypatch.setenv(THREAD_COUNT, str(threads))
    app.file("host.json", {"extensions": {"durableTask": {"maxConcurrentActivityFunctions": slots}}})
    app.activity("measure", MEASURE.format("def", "time.sleep"))
    app.orchestrator("fans", FAN_OUT)
    assert await finished(await start(), "fans") == min(slots, threads)


async def test_async_activities_are_limited_by_their_slots_alone(
    app: SampleApp, start: StartHost, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(THREAD_COUNT, "1")
    app.file("host.json", {"extensions": {"durableTask": {"maxConcurrentActivityFunctions": 5}}})
    app.activity("measure", MEASURE.format("async def", "await asyncio.sleep"))
    app.orchestrator("fans", FAN_OUT)
    assert await finished(await start(), "fans") == 5


async def test_no_more_orchestrators_run_at_once_than_host_json_allows(app: SampleApp, start: StartHost):
    app.file("host.json", {"extensions": {"durableTask": {"maxConcurrentOrchestratorFunctions": 2}}})
    code = """
        import threading, time
        import azure.durable_functions as df
        lock, running, most = threading.Lock(), 0, 0
        def run(context):
            global running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.03)
            with lock:
                running -= 1
            return most
            yield
        main = df.Orchestrator.create(run)
    """
    app.function("busy", {"name": "context", "type": "orchestrationTrigger", "direction": "in"}, code=code)
    client = await start()
    assert max(await asyncio.gather(*(finished(client, "busy") for _ in range(6)))) == 2
