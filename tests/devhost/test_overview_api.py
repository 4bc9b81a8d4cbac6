"""What the host's page asks below /admin: instances by age, histories in parts, timers and queues."""

import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from aiohttp.test_utils import make_mocked_request

from devhost.engine.instance import RuntimeStatus
from devhost.engine.listing import Listed, ListQuery
from devhost.web.overview_api import Overview, OverviewApi
from tests.devhost.conftest import Answer, Client, StartHost
from tests.devhost.sample_app import SampleApp
from tests.devhost.storage_app import Storage, base64_text, queue_trigger, timer_trigger, until

START = datetime(2026, 1, 1, tzinfo=UTC)
ROOT = "/runtime/webhooks/durabletask"
TAKE = "def main(msg):\n    pass\n"


@pytest.fixture
async def client(app: SampleApp, start: StartHost) -> Client:
    app.activity("work", "def main(payload):\n    return payload\n")
    app.orchestrator("child", "return (yield context.call_activity('work', 1))\n")
    app.orchestrator("parent", "return (yield context.call_sub_orchestrator('child'))\n")
    app.orchestrator("waits", "yield context.wait_for_external_event('go')\n")
    return await start()


async def run(client: Client, name: str, instance_id: str) -> None:
    await client.post(f"{ROOT}/orchestrators/{name}/{instance_id}")
    await client.host.hub.settle()


async def instances(client: Client, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"/admin/instances?{query}")).json["instances"]
    return found


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [instance["instanceId"] for instance in found]


async def test_instances_are_listed_newest_first_with_children_below_their_parents(client: Client):
    await run(client, "parent", "a")
    await run(client, "waits", "b")
    newest, oldest = await instances(client)
    assert (newest["instanceId"], newest["status"], newest["children"]) == ("b", "Running", 0)
    assert (oldest["instanceId"], oldest["status"], oldest["children"]) == ("a", "Completed", 1)
    [child] = await instances(client, "parent=a")
    assert (child["name"], child["parentId"], child["isEntity"]) == ("child", "a", False)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("status=Running", ["waits"]),
        ("status=Completed", ["child", "parent"]),
        ("name=child", ["child"]),
        ("prefix=waiting", ["waits"]),  # a child's id is of hexadecimal digits
        ("prefix=waiting&status=Failed", []),
    ],
)
async def test_filters_find_children_too(client: Client, query: str, names: list[str]):
    await run(client, "parent", "a")
    await run(client, "waits", "waiting")
    assert [item["name"] for item in await instances(client, query)] == names


async def test_pages_of_a_list_hold_each_instance_once(client: Client):
    for number in range(5):
        await run(client, "waits", f"i{number}")
    found, after = [], ""
    while True:
        page = (await client.get(f"/admin/instances?top=2&after={after}")).json
        found += ids(page["instances"])
        if page["next"] is None:
            break
        after = page["next"]
    assert found == ["i4", "i3", "i2", "i1", "i0"]


async def test_entities_are_no_instances_of_the_list(app: SampleApp, start: StartHost):
    code = "import azure.durable_functions as df\nmain = df.Entity.create(lambda c: c.set_state(1))\n"
    app.function("counter", {"name": "context", "type": "entityTrigger", "direction": "in"}, code=code)
    client = await start()
    await client.post(f"{ROOT}/entities/counter/a?op=add")
    await client.host.hub.settle()
    assert await instances(client) == []
    assert await instances(client, "prefix=@") == []
    history = (await client.get("/admin/history?instance=@counter@a")).json
    assert history["instance"]["isEntity"]


@pytest.mark.parametrize(
    "query", ["instances?top=-1", "instances?top=x", "instances?after=x", "history?from=1.5"]
)
async def test_query_that_makes_no_sense_is_refused_with_a_sentence(client: Client, query: str):
    answer = await client.get(f"/admin/{query}")
    assert (answer.status, "use " in answer.json["Message"]) == (400, True)


async def test_history_of_an_unknown_instance_is_not_found(client: Client):
    assert (await client.get("/admin/history?instance=none")).status == 404


async def test_history_is_told_from_a_position_on_with_the_starts_of_activities(client: Client):
    await run(client, "child", "a")
    whole = (await client.get("/admin/history?instance=a")).json
    recorded = (await client.get(f"{ROOT}/instances/a?showRecordedHistory=true&showHistory=true")).json
    assert whole["events"] == recorded["recordedHistory"]
    [end] = [at for at, event in enumerate(whole["events"]) if event["EventType"] == 5]
    assert list(whole["started"]) == [str(end)]
    part = (await client.get(f"/admin/history?instance=a&from={end}")).json
    assert (part["events"], part["started"]) == (whole["events"][end:], whole["started"])


@pytest.mark.parametrize(
    ("instance", "task", "told"),
    [
        ("a", 0, ("1", "")),
        ("a", 7, (None, "Its code asks for no task 7 that has an input.")),
        ("@counter@a", 0, (None, "It has no history that its code could be run over.")),
    ],
)
async def test_input_of_an_activity_is_asked_of_the_code(
    client: Client, instance: str, task: int, told: tuple[str | None, str]
):
    await run(client, "child", "a")
    await client.host.hub.start_orchestration("@counter@a", instance_id="@counter@a")
    answer = (await client.get(f"/admin/input?instance={instance}&task={task}")).json
    assert (answer["input"], answer["problem"]) == told


async def test_code_that_has_changed_is_said_instead_of_an_input(app: SampleApp, start: StartHost):
    app.activity("work", "def main(payload):\n    return payload\n")
    app.orchestrator(
        "fickle",
        "import pathlib\n"
        "count = 2 if pathlib.Path('changed').exists() else 1\n"
        "yield context.call_activity('work' * count, 5)\n",
    )
    client = await start()
    await run(client, "fickle", "a")
    app.file("changed", "")
    answer = (await client.get("/admin/input?instance=a&task=0")).json
    assert "no longer replays" in answer["problem"]


async def again(client: Client, path: str, before: Answer) -> int:
    return (await client.get(path, headers={"If-None-Match": before.headers["Etag"]})).status


async def test_who_asks_again_is_told_that_nothing_has_changed_until_something_has(client: Client):
    await run(client, "waits", "a")
    for path in ("/admin/instances", "/admin/history?instance=a"):
        before = await client.get(path)
        assert await again(client, path, before) == 304
        await client.post(f"{ROOT}/instances/a/raiseEvent/stop", json=1)
        await client.host.hub.settle()
        assert await again(client, path, before) == 200


class ChangingHub:
    """A hub in which an instance begins while its list is read for the first time."""

    def __init__(self) -> None:
        self.revision = 1
        self.found: list[Listed] = []
        self.api: Any = OverviewApi(Overview(cast(Any, self), list, cast(Any, None), lambda _: []))

    async def list_newest(self, query: ListQuery) -> list[Listed]:
        before = list(self.found)
        if self.revision == 1:
            self.revision = 2
            self.found.append(Listed("a", "e", "n", None, RuntimeStatus.RUNNING, None, START, START, None, 0))
            await self.ask()
        return before

    async def ask(self) -> Any:
        answer = await self.api.handle(make_mocked_request("GET", "/admin/instances"), ["instances"])
        return json.loads(str(answer.text))["instances"]


async def test_list_that_was_read_before_a_change_is_not_told_after_it():
    hub = ChangingHub()
    await hub.ask()
    assert [instance["instanceId"] for instance in await hub.ask()] == ["a"]


async def test_activity_that_runs_is_told_with_its_start(app: SampleApp, start: StartHost):
    app.activity(
        "hold",
        "import pathlib, time\ndef main(payload):\n    pathlib.Path('began').touch()\n"
        "    while not pathlib.Path('end').exists():\n        time.sleep(.01)\n",
    )
    app.orchestrator("holds", "yield context.call_activity('hold', 1)\n")
    client = await start()
    await client.post(f"{ROOT}/orchestrators/holds/a")
    await app.wrote("began")
    assert list((await client.get("/admin/history?instance=a")).json["running"]) == ["0"]
    app.file("end", "")
    await client.host.hub.settle()
    assert (await client.get("/admin/history?instance=a")).json["running"] == {}


async def test_timers_are_told_with_their_next_run(app: SampleApp, start: StartHost):
    app.function("yearly", timer_trigger("0 0 0 1 1 *"), code="def main(timer):\n    pass\n")
    [timer] = (await (await start()).get("/admin/timers")).json
    assert timer["next"].endswith("-01-01T00:00:00+00:00")
    assert (timer["function"], timer["schedule"], timer["last"]) == ("yearly", "0 0 0 1 1 *", None)
    assert not timer["isRunning"]


async def test_queues_are_told_with_depth_and_poison_messages(
    app: SampleApp, start: StartHost, account: Storage
):
    app.file("host.json", {"version": "2.0", "extensions": {"queues": {"maxDequeueCount": 1}}})
    queue, empty = await account.new_queue(), await account.new_queue()
    app.function("take", queue_trigger(queue.queue_name), code="def main(msg):\n    raise ValueError\n")
    app.function("other", queue_trigger(empty.queue_name), code=TAKE)
    await queue.send_message(base64_text("<b>poor</b>"))
    client = await start()

    async def poisoned() -> dict[str, dict[str, Any]]:
        found = {state["function"]: state for state in (await client.get("/admin/queues")).json}
        return found if found["take"]["poisoned"] else {}

    states = await until(poisoned)
    assert [message["text"] for message in states["take"]["first"]] == ["<b>poor</b>"]
    assert [states["other"][name] for name in ("waiting", "poisoned", "first", "problem")] == [0, 0, [], ""]


async def test_storage_that_does_not_answer_is_told_for_each_queue(
    app: SampleApp, start: StartHost, monkeypatch: pytest.MonkeyPatch
):
    nowhere = "http://127.0.0.1:9/devstoreaccount1"
    monkeypatch.setenv("AzureWebJobsStorage", f"AccountName=a;AccountKey=aGVsbG8=;QueueEndpoint={nowhere}")
    app.function("take", queue_trigger("some"), code=TAKE)
    [queue] = (await (await start()).get("/admin/queues")).json
    assert (queue["waiting"], bool(queue["problem"])) == (0, True)


async def test_status_says_why_functions_cannot_be_called(app: SampleApp, start: StartHost):
    app.http("broken", "import nothing_of_this_name\n")
    [error] = (await (await start()).get("/admin/host/status")).json["errors"]
    assert "broken" in error
    assert "nothing_of_this_name" in error
