"""Functions that do what no function should, many at once: every call ends, and every slot is free again."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from devhost.engine.instance import RuntimeStatus
from devhost.settings.app_settings import THREAD_COUNT
from devhost.testing import AppUnderTest, running_app
from tests.devhost.conftest import Client, StartHost
from tests.devhost.sample_app import ORCHESTRATION, SampleApp, http_trigger
from tests.devhost.test_management_api import ROOT

SLOTS = 4
PANIC = "class Panic(BaseException): pass\n"
ODD_ACTIVITIES = {
    "panics": f"{PANIC}def main(payload): raise Panic('rust')",
    "panics-async": f"{PANIC}async def main(payload): raise Panic('rust')",
    "exits": "def main(payload): raise SystemExit(3)",
    "exits-async": "async def main(payload): raise KeyboardInterrupt",
    "cancels": "import asyncio\nasync def main(payload): raise asyncio.CancelledError",
    "generator": "def main(payload): raise GeneratorExit",
    "group": "def main(payload): raise BaseExceptionGroup('g', [KeyboardInterrupt()])",
    "stop": "def main(payload): raise StopIteration(5)",
    "no-text": "class E(Exception):\n    def __str__(self): raise KeyboardInterrupt\n"
    "def main(payload): raise E",
    "stops-loop": "import asyncio\nasync def main(payload): asyncio.get_running_loop().stop()",
    "cancels-itself": "import asyncio\nasync def main(payload):\n"
    "    asyncio.current_task().cancel()\n    await asyncio.sleep(1)",
    "leaves-a-task": "import asyncio\nasync def exits(): raise SystemExit(4)\nasync def main(payload):\n"
    "    main.task = asyncio.ensure_future(exits())\n"
    "    main.task.add_done_callback(asyncio.Task.exception)\n    await asyncio.sleep(0)",
    "itself": "def main(payload):\n    x = []\n    x.append(x)\n    return x",
    "digits": "def main(payload): return 10**5000",
    "half": "def main(payload): return {'file': 'caf\\udce9', 'mean': float('nan')}",
    "half-error": "def main(payload): raise ValueError('caf\\udce9')",
    "deep": "def main(payload):\n    x = []\n    for _ in range(500): x = [x]\n    return x",
    "not-json": "def main(payload): return {1, 2}",
}
ODD_ORCHESTRATIONS = {
    "o-status": "context.set_custom_status('caf\\udce9')\nreturn float('inf')\nyield",
    "o-error": "raise ValueError('caf\\udce9')\nyield",
    "o-panic": f"{PANIC}raise Panic\nyield",
    "o-event": "yield context.wait_for_external_event(5)",
    "o-name": "yield context.call_activity('', 1)",
    "o-retry": "yield context.call_activity_with_retry('half', df.RetryOptions(10**15, 2), 1)",
    "o-binary": "return (yield context.call_http('GET', context.get_input()))",
    "o-header": "return (yield context.call_http('GET', context.get_input(), headers={'X': 'a\\nb'}))",
    "o-nothing": "yield None",
    "o-cancelled": "import datetime\n"
    "timer = context.create_timer(context.current_utc_datetime + datetime.timedelta(1))\n"
    "timer.cancel()\nyield timer",
    "o-again": "context.continue_as_new({1})\nyield",
    "o-entity": "return (yield context.call_sub_orchestrator('o-status', 1, '@odd@a'))",
    "o-address": "return (yield context.call_http('GET', 'http://[::1/'))",
    "o-method": "return (yield context.call_http(None, context.get_input()))",
    "o-child": "return (yield context.call_sub_orchestrator('o-status', 1, 7))",
}
ODD_OPERATIONS = {
    "panics": "raise Panic('rust')",
    "exits": "raise SystemExit(3)",
    "half": "context.set_state('caf\\udce9'); context.set_result(float('nan'))",
    "half-error": "raise ValueError('caf\\udce9')",
    "not-json": "context.set_state({1, 2})",
    "deep": "context.set_state(functools.reduce(lambda x, _: [x], range(500), []))",
}
ODD_ENTITY = (
    f"import functools\nimport azure.durable_functions as df\n{PANIC}def run(context):\n"
    + "".join(f"    if context.operation_name == '{n}': {code}\n" for n, code in ODD_OPERATIONS.items())
    + "main = df.Entity.create(run)\n"
)
MEETING = f"import threading\nbarrier = threading.Barrier({SLOTS}, timeout=10)\n"


@pytest.fixture
async def image() -> AsyncIterator[str]:
    """The address of something that is no text."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=b"\x89PNG\xff", headers={"Content-Type": "text/html; charset=hex"})

    application = web.Application()
    application.router.add_get("/", answer)
    async with TestServer(application) as server:
        yield str(server.make_url("/"))


@pytest.fixture
def unlogged(caplog: pytest.LogCaptureFixture) -> None:
    """Half characters in what pytest captures would keep it from passing its report on."""
    caplog.set_level(logging.CRITICAL + 1)


@pytest.fixture
async def client(app: SampleApp, start: StartHost, monkeypatch: pytest.MonkeyPatch, unlogged: None) -> Client:
    monkeypatch.setenv(THREAD_COUNT, str(SLOTS))
    limits = {"maxConcurrentActivityFunctions": SLOTS, "maxConcurrentOrchestratorFunctions": SLOTS}
    app.file("host.json", {"extensions": {"durableTask": limits}})
    for name, code in ODD_ACTIVITIES.items():
        app.activity(name, code)
        app.orchestrator(f"o-{name}-activity", f"return (yield context.call_activity('{name}'))")
    for name, body in ODD_ORCHESTRATIONS.items():
        app.orchestrator(name, body)
    app.function("odd", {"name": "context", "type": "entityTrigger", "direction": "in"}, code=ODD_ENTITY)
    app.activity("meet", f"{MEETING}def main(payload): barrier.wait()")
    app.orchestrator("o-meet", "yield context.call_activity('meet')")
    app.http("panic", f"{PANIC}def main(req): raise Panic")
    app.http("meet-here", f"{MEETING}def main(req):\n    barrier.wait()\n    return 'met'")
    return await start()


async def misbehave(client: Client, image: str) -> None:
    """Calls every odd function once, all at the same time, and waits until each has ended."""
    names = [*ODD_ORCHESTRATIONS, *(f"o-{name}-activity" for name in ODD_ACTIVITIES)]
    starts = (client.post(f"{ROOT}/orchestrators/{name}", json=json.dumps(image)) for name in names)
    signals = (client.post(f"{ROOT}/entities/odd/a?op={name}") for name in ODD_OPERATIONS)
    panics = (client.get("/api/panic") for _ in names)
    answers = await asyncio.gather(*starts, *signals, *panics)
    assert {answer.status for answer in answers} == {202, 500}
    await asyncio.wait_for(client.host.hub.settle(), 30)
    live = await client.get(f"{ROOT}/instances?runtimeStatus=Pending,Running,Suspended")
    assert [instance["instanceId"] for instance in live.json] == ["@odd@a"]


async def require_all_slots(client: Client) -> None:
    """Checks that every slot and thread is free: what is called here needs all of them at once."""
    met = await asyncio.gather(*(client.get("/api/meet-here") for _ in range(SLOTS)))
    assert {answer.text for answer in met} == {"met"}
    for _ in range(SLOTS):
        await client.post(f"{ROOT}/orchestrators/o-meet")
    await asyncio.wait_for(client.host.hub.settle(), 30)
    listed = await client.get(f"{ROOT}/instances?runtimeStatus=Completed&top=1000000")
    assert sum(instance["name"] == "o-meet" for instance in listed.json) == SLOTS


async def test_all_kinds_at_once_leave_every_slot_free_and_the_host_serving(client: Client, image: str):
    for _ in range(2):
        await misbehave(client, image)
    await require_all_slots(client)


async def output(client: Client, name: str, value: str) -> Any:
    """What an instance returns; of a failed one, its status."""
    path = f"{ROOT}/orchestrators/{name}?timeout=10&pollingInterval=0.02"
    return (await client.post(path, json=json.dumps(value))).json


async def test_binary_answer_to_call_http_is_text_with_replacement_characters(client: Client, image: str):
    answer = await output(client, "o-binary", image)
    assert (answer["statusCode"], answer["content"]) == (200, "\ufffdPNG\ufffd")


async def test_line_break_in_a_header_of_call_http_fails_as_on_azure(client: Client, image: str):
    failed = await output(client, "o-header", image)
    assert failed["runtimeStatus"] == "Failed"
    assert "New-line characters are not allowed in header values." in failed["output"]


async def test_timer_function_that_panics_runs_again_when_it_is_due(app: SampleApp):
    timer = {"name": "timer", "type": "timerTrigger", "direction": "in", "schedule": "0 * * * * *"}
    code = f"import pathlib\n{PANIC}def main(timer):\n"
    code += "    with open('ticks', 'a') as file: file.write('x')\n    raise Panic"
    app.function("tick", timer, code=code)
    running: AppUnderTest
    async with running_app(app.root) as running:
        await running.advance(timedelta(minutes=5))
    assert (app.root / "ticks").read_text() == "xxxxx"


UNSENDABLE = {
    "half": "return 'caf\\udce9'",
    "half-body": "return func.HttpResponse('caf\\udce9')",
    "name": "return func.HttpResponse('x', headers={'a\\nb': '1'})",
    "blank-name": "return func.HttpResponse('x', headers={'a b': '1'})",
    "value": "return func.HttpResponse('x', headers={'a': '1\\r\\nSet-Cookie: b'})",
    "status": "return func.HttpResponse('x', status_code=99999)",
    "object": "return object()",
}


@pytest.mark.parametrize("body", UNSENDABLE.values(), ids=UNSENDABLE)
async def test_answer_that_cannot_be_sent_is_an_empty_500(app: SampleApp, start: StartHost, body: str):
    app.http("odd", f"import azure.functions as func\ndef main(req):\n    {body}\n")
    app.http("hello")
    client = await start()
    answer = await client.get("/api/odd")
    assert (answer.status, answer.body) == (500, b"")
    assert (await client.get("/api/hello")).text == "hello"


@pytest.mark.parametrize("value", ["[1]", "{'a': 1}", "5", "1.5", "True", "float('nan')"])
async def test_http_output_takes_what_out_of_text_can_be_set_to(app: SampleApp, start: StartHost, value: str):
    out = {"name": "out", "type": "http", "direction": "out"}
    code = (
        f"import azure.functions as func\ndef main(req, out: func.Out[str]) -> None:\n    out.set({value})\n"
    )
    app.function("sets", http_trigger(), out, code=code)
    assert (await (await start()).get("/api/sets")).status == 200


@pytest.mark.parametrize("code", ["yield 1", "return 5"])
async def test_orchestrator_that_is_not_made_by_the_sdk_fails_with_what_is_missing(
    app: SampleApp, start: StartHost, code: str
):
    app.function("bare", ORCHESTRATION, code=f"def main(context):\n    {code}\n")
    hub = (await start()).host.hub
    await hub.start_orchestration("bare", instance_id="one")
    await hub.settle()
    ended = await hub.get_instance("one")
    assert ended is not None
    assert ended.status is RuntimeStatus.FAILED
    assert "Does its main come from df.Orchestrator.create" in str(ended.output)


@pytest.mark.parametrize("body", ["return 1", "yield 1"])
@pytest.mark.parametrize("kind", ["Orchestrator", "Entity"])
async def test_durable_code_that_is_asynchronous_is_told_at_the_start(
    app: SampleApp, start: StartHost, caplog: pytest.LogCaptureFixture, kind: str, body: str
):
    code = f"import azure.durable_functions as df\nasync def f(c):\n    {body}\nmain = df.{kind}.create(f)\n"
    trigger = ORCHESTRATION if kind == "Orchestrator" else {**ORCHESTRATION, "type": "entityTrigger"}
    app.function("late", trigger, code=code)
    await start()
    assert f"The code of the {kind.lower()} 'late' never runs, on Azure neither" in caplog.text
