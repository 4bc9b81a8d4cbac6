"""No client of the host wipes an entity, by whatever route; an operation that hangs can be given up."""

import asyncio

import pytest

from tests.devhost.conftest import Client, StartHost
from tests.devhost.sample_app import SampleApp
from tests.devhost.test_management_api import COUNTER, ROOT

TRIGGER = {"name": "context", "type": "entityTrigger", "direction": "in"}
STUCK = """
    import pathlib, time
    import azure.durable_functions as df
    def run(context):
        if context.operation_name == "hang":
            released = pathlib.Path("released").resolve()  # it may outlive its host
            pathlib.Path("hangs").touch()
            while not released.exists():
                time.sleep(0.02)
        context.set_result("done")
    main = df.Entity.create(run)
"""


@pytest.fixture
async def client(app: SampleApp, start: StartHost) -> Client:
    limits = {"maxConcurrentOrchestratorFunctions": 1}
    app.file("host.json", {"extensions": {"durableTask": limits}})
    app.function("counter", TRIGGER, code=COUNTER)
    app.function("stuck", TRIGGER, code=STUCK)
    app.orchestrator("asks", "return (yield context.call_entity(df.EntityId('stuck', 'a'), 'read'))")
    return await start()


@pytest.mark.parametrize("root", [ROOT, "/durabletask"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "instances/@counter@a/terminate?reason=x"),
        ("POST", "Instances/%40counter%40a/Terminate"),
        ("DELETE", "instances/@counter@a"),
        ("POST", "instances/@counter@a/suspend"),
        ("POST", "instances/@counter@a/resume"),
        ("POST", "instances/@counter@a/restart"),
        ("POST", "instances/@counter@a/restart?restartWithNewInstanceId=false"),
        ("POST", "orchestrators/asks/@counter@a"),
        ("POST", "orchestrators/asks/@COUNTER@another"),
    ],
)
async def test_request_that_would_wipe_or_stop_an_entity_is_refused_with_a_sentence(
    client: Client, root: str, method: str, path: str
):
    await client.post(f"{ROOT}/entities/counter/a?op=add", json="3")
    await client.host.hub.settle()
    refused = await client.call(method, f"{root}/{path}")
    assert refused.status == 409
    assert "Only an operation of the entity itself deletes its state." in refused.json["Message"]
    assert (await client.get(f"{ROOT}/entities/counter/a")).body == b"3"


async def test_purge_of_all_that_ended_spares_entities(client: Client):
    await client.post(f"{ROOT}/entities/counter/a?op=add", json="3")
    await client.host.hub.settle()
    for statuses in ("", "&runtimeStatus=Running", "&runtimeStatus=Terminated,Completed,Failed"):
        query = f"createdTimeFrom=0001-01-01T00:00:00Z{statuses}"
        assert (await client.call("DELETE", f"{ROOT}/instances?{query}")).status == 404
    assert (await client.get(f"{ROOT}/entities/counter/a")).body == b"3"


async def test_entity_stuck_in_its_first_operation_is_terminated_and_frees_its_slot(
    app: SampleApp, client: Client
):
    await client.post(f"{ROOT}/entities/stuck/a?op=hang")
    await app.wrote("hangs")
    assert (await client.post(f"{ROOT}/instances/@stuck@a/terminate?reason=x")).status == 202
    await asyncio.wait_for(client.host.hub.settle(), 30)
    ended = await client.post(f"{ROOT}/orchestrators/asks?timeout=10&pollingInterval=0.02")
    assert ended.json == "done"
    app.file("released", "")


async def test_orchestration_that_bears_the_name_of_an_entity_fails(client: Client):
    for name in ("@counter@a", "@counter", "@@"):
        started = await client.post(f"{ROOT}/orchestrators/{name}")
        await client.host.hub.settle()
        status = (await client.get(f"{ROOT}/instances/{started.json['id']}")).json
        assert (status["runtimeStatus"], "doesn't exist" in status["output"]) == ("Failed", True)
