"""host.json's functionTimeout: what becomes of the call, of its thread, and of who waits for it."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from devhost.app.loader import index_app
from devhost.engine.errors import FunctionFailed
from devhost.worker.threads import DaemonThreadPool
from devhost.worker.worker import Worker
from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import SampleApp

STUCK = """
    import pathlib, time
    def main({}):
        folder = pathlib.Path.cwd()  # which the host has left when a thread ends too late
        (folder / "started").touch()
        deadline = time.monotonic() + 20
        while not (folder / "go-on").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        (folder / "ended").touch()
        return "late"
"""
EXCEEDED = "Timeout value of 00:00:00.5000000 was exceeded by function: "


@pytest.fixture(autouse=True)
def strict_typing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_FUNCTIONS_DURABLE_STRICT_TYPING", "true")


@contextlib.asynccontextmanager
async def running(app: SampleApp, *, threads: int) -> AsyncIterator[Worker]:
    """The app's functions with 0.5 s for each call."""
    worker = Worker(app.root, threads=threads, timeout=timedelta(seconds=0.5))
    worker.start()
    await worker.load(index_app(app.root).functions)
    try:
        yield worker
    finally:
        app.file("go-on", "")
        await worker.stop(grace=2)


async def test_async_function_is_cancelled_at_its_timeout(app: SampleApp):
    code = """
        import asyncio, pathlib
        async def main(payload):
            try:
                await asyncio.Event().wait()
            finally:
                pathlib.Path("cleaned").touch()
    """
    app.activity("waits", code)
    async with running(app, threads=1) as worker:
        with pytest.raises(FunctionFailed) as failed:
            await worker.run_activity("waits", "i", "1")
        await app.wrote("cleaned")
    assert failed.value.error == f"{EXCEEDED}waits"


async def test_thread_of_a_timed_out_function_is_replaced(app: SampleApp, caplog: pytest.LogCaptureFixture):
    app.activity("stuck", STUCK.format("payload"))
    app.activity("echo", "def main(payload): return payload\n")
    async with running(app, threads=1) as worker:
        with pytest.raises(FunctionFailed, match=f"^{EXCEEDED}stuck$"):
            await worker.run_activity("stuck", "i", "1")
        assert await worker.run_activity("echo", "i", "5") == "5"
    assert "The thread of this call cannot be ended: it goes on" in caplog.text


async def test_pool_has_its_old_size_when_the_thread_has_ended_after_all(app: SampleApp):
    app.activity("stuck", STUCK.format("payload"))
    code = "import threading\ndef main(payload):\n    threading.Event().wait(0.01)\n    return "
    app.activity("thread", f"{code}threading.get_ident()\n")
    async with running(app, threads=1) as worker:
        with pytest.raises(FunctionFailed):
            await worker.run_activity("stuck", "i", "1")
        app.file("go-on", "")
        while "function-0" in {thread.name for thread in threading.enumerate()}:
            await asyncio.sleep(0.01)
        threads = await asyncio.gather(*(worker.run_activity("thread", "i", "1") for _ in range(5)))
    assert len(set(threads)) == 1


async def test_call_given_up_before_its_turn_never_runs():
    pool, first_may_end = DaemonThreadPool(1), threading.Event()
    ran: list[str] = []
    first = pool.submit(lambda: first_may_end.wait(5))
    second = pool.submit(lambda: ran.append("second"))
    assert pool.abandon(second) is False
    first_may_end.set()
    assert await first
    assert await pool.submit(lambda: list(ran)) == []
    pool.shutdown()


async def test_time_out_error_of_the_function_itself_is_its_own(app: SampleApp):
    app.activity("gives-up", "async def main(payload): raise TimeoutError('no answer')\n")
    async with running(app, threads=1) as worker:
        with pytest.raises(FunctionFailed, match=r"^TimeoutError: no answer$"):
            await worker.run_activity("gives-up", "i", "1")


async def test_http_call_that_times_out_gets_an_empty_500(app: SampleApp, start: StartHost):
    app.file("host.json", {"functionTimeout": "00:00:00.5"})
    app.http("stuck", STUCK.format("req"))
    client = await start()
    answer = await client.get("/api/stuck")
    app.file("go-on", "")
    assert (answer.status, answer.body) == (500, b"")


async def test_orchestration_reads_the_words_of_the_functions_host(app: SampleApp, start: StartHost):
    app.file("host.json", {"functionTimeout": "00:00:00.5"})
    app.activity("waits", "import asyncio\nasync def main(payload): await asyncio.Event().wait()\n")
    app.orchestrator("asks", "yield context.call_activity('waits')")
    hub = (await start()).host.hub
    job = await hub.start_orchestration("asks")
    await hub.settle()
    instance = await hub.get_instance(job)
    assert instance is not None
    assert f"Activity function 'waits' failed:  {EXCEEDED}waits" in (instance.output or "")
