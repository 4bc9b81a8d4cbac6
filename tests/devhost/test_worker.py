"""How functions run: sync ones on threads, async ones on one loop, neither in the host's way."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from devhost.app.app_frames import AppFrames
from devhost.app.bindings import text_datum
from devhost.app.loader import index_app
from devhost.engine.errors import FunctionFailed
from devhost.logs import LineFormatter
from devhost.worker.worker import Worker
from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import SampleApp


@contextlib.asynccontextmanager
async def running(app: SampleApp, *, threads: int = 2) -> AsyncIterator[Worker]:
    """The app's functions without a host around them."""
    worker = Worker(app.root, threads=threads)
    worker.start()
    await worker.load(index_app(app.root).functions)
    try:
        yield worker
    finally:
        await worker.stop(grace=2)


@pytest.fixture(autouse=True)
def strict_typing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_FUNCTIONS_DURABLE_STRICT_TYPING", "true")


BARRIER = """
    import threading
    barrier = threading.Barrier(2, timeout=5)
    def main(payload):
        barrier.wait()
        return threading.current_thread().daemon
"""


async def test_sync_functions_run_in_parallel_on_daemon_threads(app: SampleApp):
    app.activity("meet", BARRIER)
    async with running(app) as worker:
        calls = [worker.run_activity("meet", "i", "1") for _ in range(2)]
        assert await asyncio.gather(*calls) == ["true", "true"]


async def test_no_more_sync_functions_run_than_there_are_threads(app: SampleApp):
    code = """
        import threading
        running = 0
        lock = threading.Lock()
        def main(payload):
            global running
            with lock:
                running += 1
                seen = running
            threading.Event().wait(0.01)
            with lock:
                running -= 1
            return seen
    """
    app.activity("count", code)
    async with running(app, threads=2) as worker:
        seen = await asyncio.gather(*(worker.run_activity("count", "i", "1") for _ in range(8)))
    assert set(seen) == {"1", "2"}


async def test_async_functions_share_one_loop(app: SampleApp):
    app.activity("which", "import asyncio\nasync def main(payload): return id(asyncio.get_running_loop())\n")
    async with running(app) as worker:
        loops = {await worker.run_activity("which", "i", "1") for _ in range(3)}
    assert len(loops) == 1
    assert loops != {str(id(asyncio.get_running_loop()))}


async def test_async_function_that_blocks_its_loop_does_not_stall_the_host(app: SampleApp, start: StartHost):
    code = """
        import pathlib, time
        async def main(req):
            pathlib.Path("blocking").touch()
            deadline = time.monotonic() + 5
            while not pathlib.Path("go-on").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            return "done"
    """
    app.http("blocking", code)
    app.http("hello")
    client = await start()
    blocked = asyncio.create_task(client.get("/api/blocking"))
    await app.wrote("blocking")
    assert (await client.get("/api/hello")).text == "hello"
    assert not blocked.done()
    app.file("go-on", "")
    assert (await blocked).text == "done"


async def test_activity_gets_its_input_as_value_whatever_its_annotation(app: SampleApp):
    app.activity("annotated", "def main(payload: str) -> str:\n    return type(payload).__name__\n")
    async with running(app) as worker:
        assert await worker.run_activity("annotated", "i", '{"a": 1}') == '"dict"'
        assert await worker.run_activity("annotated", "i", "plain words") == '"str"'
        assert await worker.run_activity("annotated", "i", None) == '"NoneType"'


async def test_function_names_are_case_insensitive(app: SampleApp):
    app.activity("Echo", "def main(payload): return payload\n")
    async with running(app) as worker:
        assert await worker.run_activity("eCHO", "i", "5") == "5"


async def test_failed_activity_tells_type_message_and_place(app: SampleApp):
    app.activity("boom", "def main(payload):\n    raise ValueError('boom')\n")
    async with running(app) as worker:
        with pytest.raises(FunctionFailed) as failed:
            await worker.run_activity("boom", "i", "1")
    assert failed.value.error == "ValueError: boom"
    where = f'  File "{app.root}/boom/main.py", line 2, in main'
    assert failed.value.stack.splitlines()[0] == where


async def test_failed_orchestrator_tells_the_bare_message(app: SampleApp):
    app.orchestrator("fails", "raise ValueError('boom')\nyield")
    async with running(app) as worker:
        with pytest.raises(FunctionFailed) as failed:
            await worker.run_orchestrator("fails", "i", EPISODE)
    assert failed.value.error.startswith("boom\n\n$OutOfProcData$:{")


async def test_failure_of_an_orchestrator_is_logged_once_however_often_it_is_called(
    app: SampleApp, caplog: pytest.LogCaptureFixture
):
    app.orchestrator("fails", "raise ValueError('boom')\nyield")
    app.activity("echo", "def main(payload): return payload\n")
    async with running(app) as worker:
        for instance_id in ("i", "i", "j"):
            with pytest.raises(FunctionFailed):
                await worker.run_orchestrator("fails", instance_id, EPISODE)
            await worker.run_activity("echo", instance_id, "1")
    assert [record.levelname for record in caplog.records].count("ERROR") == 2


async def test_activity_result_that_is_no_json_fails_the_activity(app: SampleApp):
    app.activity("set", "def main(payload): return {1}\n")
    async with running(app) as worker:
        with pytest.raises(FunctionFailed, match="activity trigger output must be json serializable"):
            await worker.run_activity("set", "i", "1")


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize(
    "error", ["SystemExit", "KeyboardInterrupt", "StopIteration", "GeneratorExit", "Panic"]
)
async def test_function_that_raises_no_exception_ends_its_call_not_the_host(
    app: SampleApp, kind: str, error: str
):
    app.activity("exits", f"class Panic(BaseException): pass\n{kind} main(payload): raise {error}\n")
    app.activity("echo", "async def main(payload): return payload\n")
    async with running(app) as worker:
        with pytest.raises(FunctionFailed, match=error):
            await worker.run_activity("exits", "i", "1")
        assert await worker.run_activity("echo", "i", "5") == "5"


async def test_log_of_a_panic_says_what_azure_would_do(app: SampleApp, caplog: pytest.LogCaptureFixture):
    app.activity("panics", "class Panic(BaseException): pass\ndef main(payload): raise Panic('rust')\n")
    async with running(app) as worker:
        with pytest.raises(FunctionFailed) as failed:
            await worker.run_activity("panics", "i", "1")
    told = "the function raised Panic: rust, which is not an Exception: on Azure this call would never end"
    assert told in caplog.text
    assert failed.value.stack.splitlines()[0].startswith(f'  File "{app.root}/panics/main.py"')


UNSPEAKABLE = """
    class Panic(BaseException): pass
    class Unspeakable(Exception):
        def __str__(self): raise Panic
        __repr__ = __str__
    class Result:
        @staticmethod
        def to_json(value): raise Panic
    def main(payload):
        if payload == "return": return Result()
        raise Unspeakable
"""


@pytest.mark.parametrize("payload", ['"return"', '"raise"'])
async def test_classes_of_the_app_that_panic_in_the_hosts_hands_end_the_call(app: SampleApp, payload: str):
    app.activity("odd", UNSPEAKABLE)
    async with running(app) as worker:
        with pytest.raises(FunctionFailed):
            await worker.run_activity("odd", "i", payload)


async def test_module_that_panics_while_it_is_imported_costs_its_function_alone(app: SampleApp):
    app.activity("panics", "class Panic(BaseException): pass\nraise Panic('at import')\n")
    app.activity("echo", "def main(payload): return payload\n")
    async with running(app) as worker:
        with pytest.raises(FunctionFailed, match="Panic: at import"):
            await worker.run_activity("panics", "i", "1")
        assert await worker.run_activity("echo", "i", "5") == "5"


STRAY = """
    import asyncio, sys
    async def exits(): raise {}
    async def main(payload):
        asyncio.get_running_loop().call_soon(sys.exit)
        task = asyncio.create_task(exits())
        await asyncio.sleep(0.01)
        return "alive"
"""


@pytest.mark.parametrize("error", ["SystemExit", "KeyboardInterrupt", "GeneratorExit"])
async def test_stray_task_or_callback_that_exits_leaves_the_loop_running(app: SampleApp, error: str):
    app.activity("strays", STRAY.format(error))
    async with running(app) as worker:
        assert [await worker.run_activity("strays", "i", "1") for _ in range(2)] == ['"alive"'] * 2


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_cancelled_function_fails_instead_of_cancelling_the_host(app: SampleApp, kind: str):
    app.activity("gives-up", f"import asyncio\n{kind} main(payload): raise asyncio.CancelledError\n")
    async with running(app) as worker:
        with pytest.raises(FunctionFailed, match=r"(?i)cancelled"):
            await worker.run_activity("gives-up", "i", "1")


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_log_lines_carry_function_and_instance(
    app: SampleApp, caplog: pytest.LogCaptureFixture, kind: str
):
    app.activity("talks", f"import logging\n{kind} main(payload): logging.warning('working')\n")
    caplog.handler.setFormatter(LineFormatter(AppFrames(app.root)))
    async with running(app) as worker:
        await worker.run_activity("talks", "0123456789", "1")
    assert "WARNING [talks 01234567] working" in caplog.text


async def test_long_lines_of_an_error_are_cut_in_the_log(app: SampleApp, caplog: pytest.LogCaptureFixture):
    app.activity("long", "def main(payload): raise ValueError('x' * 5000)\n")
    caplog.handler.setFormatter(LineFormatter(AppFrames(app.root)))
    async with running(app) as worker:
        with pytest.raises(FunctionFailed, match=r"x{5000}"):
            await worker.run_activity("long", "i", "1")
    assert max(map(len, caplog.text.splitlines())) < 320


async def test_stop_cancels_async_functions_and_lets_them_clean_up(app: SampleApp):
    code = """
        import asyncio, pathlib
        async def main(payload):
            pathlib.Path("started").touch()
            try:
                await asyncio.Event().wait()
            finally:
                pathlib.Path(payload).touch()
    """
    app.activity("waits", code)
    async with running(app) as worker:
        cleaned = app.root / "cleaned"
        call = asyncio.create_task(worker.run_activity("waits", "i", f'"{cleaned}"'))
        await app.wrote("started")
    assert cleaned.exists()
    with pytest.raises(FunctionFailed):
        await call


async def test_stop_does_not_wait_for_stuck_functions(app: SampleApp):
    app.activity("stuck", "import threading\ndef main(payload): threading.Event().wait(3)\n")
    app.activity("blocks", "import time\nasync def main(payload): time.sleep(3)\n")
    worker = Worker(app.root, threads=1)
    worker.start()
    await worker.load(index_app(app.root).functions)
    calls = [asyncio.create_task(worker.run_activity(name, "i", "1")) for name in ("stuck", "blocks")]
    await asyncio.sleep(0)
    started = time.monotonic()
    await worker.stop(grace=0.1)
    assert time.monotonic() - started < 2
    for call in calls:
        call.cancel()


async def test_function_may_be_called_again_after_a_new_start(app: SampleApp):
    app.activity("version", "def main(payload): return 1\n")
    async with running(app) as worker:
        assert await worker.run_activity("version", "i", "1") == "1"
    app.activity("version", "def main(payload): return 'two'\n")
    async with running(app) as worker:
        assert await worker.run_activity("version", "i", "1") == '"two"'


async def test_unknown_function_fails_by_name(app: SampleApp):
    async with running(app) as worker:
        with pytest.raises(FunctionFailed, match="cannot load the absent function"):
            await worker.invoke("absent", text_datum("1"))


EPISODE = """
{"history": [
   {"EventType": 12, "EventId": -1, "IsPlayed": false, "Timestamp": "2026-01-01T00:00:00Z"},
   {"EventType": 0, "EventId": -1, "IsPlayed": false, "Timestamp": "2026-01-01T00:00:00Z",
    "Name": "fails", "Version": null, "Input": null}],
 "input": null, "instanceId": "i", "isReplaying": false, "parentInstanceId": null,
 "upperSchemaVersion": 1, "upperSchemaVersionNew": 3,
 "maximumShortTimerDuration": "6.00:00:00", "longRunningTimerIntervalDuration": "3.00:00:00",
 "defaultHttpAsyncRequestSleepTimeMillseconds": 30000}
"""
