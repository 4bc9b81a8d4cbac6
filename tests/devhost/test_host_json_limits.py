"""Limits and switches of host.json that this host obeys, or says that it does not."""

import asyncio

import pytest

from devhost.settings.host_json import read_host_settings
from tests.devhost.conftest import StartHost
from tests.devhost.sample_app import SampleApp
from tests.devhost.storage_app import Storage, until

COUNTS = """
    import asyncio, pathlib
    running, most = 0, 0
    async def main(req):
        global running, most
        running += 1
        most = max(most, running)
        pathlib.Path(f"running-{running}").touch()
        while not pathlib.Path("open").exists():
            await asyncio.sleep(0.01)
        running -= 1
        return str(most)
"""


def http_options(app: SampleApp, **options: object) -> None:
    app.file("host.json", {"version": "2.0", "extensions": {"http": options}})


async def test_requests_beyond_max_concurrent_wait_for_their_turn(app: SampleApp, start: StartHost):
    http_options(app, maxConcurrentRequests=2)
    app.http("counts", COUNTS)
    client = await start()
    asked = [asyncio.create_task(client.get("/api/counts")) for _ in range(6)]
    await until((app.root / "running-2").exists)
    app.file("open", "")
    assert max(answer.text for answer in await asyncio.gather(*asked)) == "2"


async def test_requests_beyond_max_outstanding_are_refused(app: SampleApp, start: StartHost):
    http_options(app, maxConcurrentRequests=1, maxOutstandingRequests=2)
    app.http("counts", COUNTS)
    client = await start()
    asked = [asyncio.create_task(client.get("/api/counts")) for _ in range(5)]
    done, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    while len(done) < 3:
        more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        done |= more
    assert {(task.result().status, task.result().body) for task in done} == {(429, b"")}
    app.file("open", "")
    assert [(await task).text for task in waiting] == ["1", "1"]


async def test_custom_headers_are_on_every_answer_unless_the_function_sets_them(
    app: SampleApp, start: StartHost
):
    http_options(app, customHeaders={"X-Content-Type-Options": "nosniff", "X-Own": "host"})
    code = (
        "import azure.functions as func\ndef main(req): return func.HttpResponse('', headers={'x-own': 'f'})"
    )
    app.http("says", code)
    headers = (await (await start()).get("/api/says")).headers
    assert (headers["X-Content-Type-Options"], headers["x-own"]) == ("nosniff", "f")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"extensions": {"http": {"dynamicThrottlesEnabled": True}}}, "extensions.http.dynamicThrottlesEn"),
        ({"extensions": {"http": {"hsts": {"isEnabled": True}}}}, "extensions.http.hsts.isEnabled"),
        ({"concurrency": {"dynamicConcurrencyEnabled": True}}, "concurrency.dynamicConcurrencyEnabled"),
        (
            {"extensions": {"durableTask": {"storageProvider": {"type": "mssql"}}}},
            "extensions.durableTask.storageProvider.type of host.json is mssql",
        ),
        ({"logging": {"logLevel": {"Host": "Verbose"}}}, "logging.logLevel.Host of host.json is Verbose"),
    ],
)
def test_switch_that_does_nothing_here_is_named(app: SampleApp, content: dict[str, object], named: str):
    app.file("host.json", content)
    (warning,) = read_host_settings(app.root).warnings
    assert named in warning


def test_proxies_are_named_as_idle(app: SampleApp):
    app.file("proxies.json", {"proxies": {}})
    (warning,) = read_host_settings(app.root).warnings
    assert warning.startswith("proxies.json has no effect")


@pytest.mark.parametrize(("count", "told"), [("4", 1), ("1", 0)])
def test_number_of_workers_is_named_as_idle(
    app: SampleApp, monkeypatch: pytest.MonkeyPatch, count: str, told: int
):
    monkeypatch.setenv("FUNCTIONS_WORKER_PROCESS_COUNT", count)
    warnings = read_host_settings(app.root).warnings
    assert sum("FUNCTIONS_WORKER_PROCESS_COUNT is 4 and has no effect" in one for one in warnings) == told


async def test_list_of_functions_is_what_runs(app: SampleApp, start: StartHost):
    app.file("host.json", {"functions": ["One", "gone"]})
    app.http("one")
    app.http("two")
    client = await start()
    assert ((await client.get("/api/one")).status, (await client.get("/api/two")).status) == (200, 404)


async def test_blob_is_tried_as_often_as_its_threshold_says(
    app: SampleApp, account: Storage, start: StartHost
):
    container = await account.new_container()
    app.file("host.json", {"extensions": {"blobs": {"poisonBlobThreshold": 2, "maxDegreeOfParallelism": 1}}})
    trigger = {"name": "blob", "type": "blobTrigger", "direction": "in", "path": f"{container}/{{name}}"}
    code = """
        import pathlib
        running = 0
        async def main(blob):
            global running
            running += 1
            with open("tries.txt", "a") as file:
                file.write(f"{running} ")
            running -= 1
            raise ValueError(blob.name)
    """
    app.function("fails", trigger, code=code)
    await account.upload(f"{container}/a")
    await account.upload(f"{container}/b")
    await start()
    tries = app.root / "tries.txt"
    await until(lambda: tries.exists() and tries.read_text() == "1 1 1 1 ")
    await account.arrivals("webjobs-blobtrigger-poison", 2)


async def test_warm_up_function_runs_once_before_the_first_request(app: SampleApp, start: StartHost):
    trigger = {"name": "warmup", "type": "warmupTrigger", "direction": "in"}
    app.function("warmup", trigger, code="import keeps\ndef main(warmup): keeps.SEEN.append('warm')\n")
    app.file("keeps.py", "SEEN = []\n")
    app.http("seen", "import keeps\ndef main(req): return repr(keeps.SEEN)\n")
    client = await start()
    assert (await client.get("/api/seen")).text == "['warm']"
    assert (await client.get("/admin/warmup")).status == 200
    assert (await client.get("/api/seen")).text == "['warm', 'warm']"


async def test_warm_up_function_of_another_name_is_never_run_and_the_start_says_so(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture
):
    trigger = {"name": "context", "type": "warmupTrigger", "direction": "in"}
    app.function("prepare", trigger, code="def main(context): open('ran', 'w').close()\n")
    client = await start()
    assert "The warm-up function 'prepare' is never run, as on Azure: rename it to 'warmup'" in caplog.text
    assert (await client.post("/admin/warmup")).status == 200
    assert not (app.root / "ran").exists()


async def test_start_replaces_a_running_instance_where_any_state_may_be_overridden(
    app: SampleApp, start: StartHost
):
    durable = {"overridableExistingInstanceStates": "AnyState"}
    app.file("host.json", {"extensions": {"durableTask": durable}})
    app.orchestrator("waits", "return (yield context.wait_for_external_event('go'))")
    app.orchestrator("ends", "return 'done'")
    hub = (await start()).host.hub
    await hub.start_orchestration("waits", instance_id="one")
    await hub.settle()
    await hub.start_orchestration("ends", instance_id="one")
    await hub.settle()
    instance = await hub.get_instance("one")
    assert instance is not None
    assert (instance.name, instance.status, instance.output) == ("ends", "Completed", '"done"')


async def test_what_a_replaced_instance_was_at_leaves_nothing_in_its_successor(
    app: SampleApp, start: StartHost
):
    app.file("host.json", {"extensions": {"durableTask": {"overridableExistingInstanceStates": "AnyState"}}})
    code = """
        import asyncio, pathlib
        async def main(payload):
            while not pathlib.Path("open").exists():
                await asyncio.sleep(0.01)
            return "late"
    """
    app.activity("slow", code)
    app.orchestrator("old", "return (yield context.call_activity('slow', None))")
    app.orchestrator("new", "return (yield context.wait_for_external_event('go'))")
    hub = (await start()).host.hub
    await hub.start_orchestration("old", instance_id="one")
    await until(lambda: bool(hub.running))
    await hub.start_orchestration("new", instance_id="one")
    app.file("open", "")
    await hub.settle()
    instance = await hub.get_instance("one")
    assert instance is not None
    assert (instance.name, instance.status, instance.output) == ("new", "Running", None)
