"""The Durable extension's HTTP API, exchange by exchange, as it was recorded on the real one."""

import asyncio
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

from devhost.web.history_view import written
from tests.devhost.conftest import Answer, Client, StartHost
from tests.devhost.sample_app import SampleApp

ROOT = "/runtime/webhooks/durabletask"
COUNTER = """
    import azure.durable_functions as df
    def count(context):
        if context.operation_name == "add":
            context.set_state(context.get_state(lambda: 0) + context.get_input())
        else:
            context.destruct_on_exit()
    main = df.Entity.create(count)
"""
FOUR_KEYS = ["Message", "ExceptionMessage", "ExceptionType", "StackTrace"]


@pytest.fixture
async def client(app: SampleApp, start: StartHost) -> Client:
    app.file("host.json", {"extensions": {"durableTask": {"hubName": "hub"}}})
    app.activity("echo", "def main(payload): return payload\n")
    app.orchestrator("echoes", "return (yield context.call_activity('echo', context.get_input()))")
    app.orchestrator("waits", "return (yield context.wait_for_external_event('go'))")
    app.function("counter", {"name": "context", "type": "entityTrigger", "direction": "in"}, code=COUNTER)
    app.orchestrator("fails", "raise ValueError('boom')\nyield")
    return await start()


async def begin(client: Client, name: str, instance_id: str, body: Any = None) -> Answer:
    """Starts an instance and waits until it has ended, or waits for its event."""
    answer = await client.post(f"{ROOT}/orchestrators/{name}/{instance_id}", json=body)
    assert answer.status == 202
    await until(client, instance_id, "Running" if name == "waits" else "Completed Failed")
    return answer


async def until(client: Client, instance_id: str, statuses: str) -> Answer:
    async with asyncio.timeout(30):
        while True:
            answer = await client.get(f"{ROOT}/instances/{instance_id}")
            if answer.json["runtimeStatus"] in statuses.split():
                return answer
            await asyncio.sleep(0.01)


async def test_start_answers_the_links_to_manage_the_instance(client: Client):
    answer = await client.post(f"{ROOT}/orchestrators/echoes/a:1", headers={"Host": "LocalHost."})
    instance = f"http://LocalHost.{ROOT}/instances/a%3A1"
    query = "taskHub=hub&connection=Storage&code=devhost"
    assert answer.json == {
        "id": "a:1",
        "statusQueryGetUri": f"{instance}?{query}",
        "sendEventPostUri": f"{instance}/raiseEvent/{{eventName}}?{query}",
        "terminatePostUri": f"{instance}/terminate?reason={{text}}&{query}",
        "purgeHistoryDeleteUri": f"{instance}?{query}",
        "restartPostUri": f"{instance}/restart?{query}",
        "suspendPostUri": f"{instance}/suspend?reason={{text}}&{query}",
        "resumePostUri": f"{instance}/resume?reason={{text}}&{query}",
    }
    assert (answer.headers["Location"], answer.headers["Retry-After"]) == (f"{instance}?{query}", "10")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


async def test_instance_without_an_id_gets_32_hex_digits(client: Client):
    answer = await client.post(f"{ROOT}/Orchestrators/echoes")
    assert len(answer.json["id"]) == len(bytes.fromhex(answer.json["id"])) * 2 == 32


async def test_api_is_served_below_the_rpc_root_too(client: Client):
    assert (await client.post("/durabletask/orchestrators/echoes/a")).status == 202
    assert (await client.get("/DurableTask/Instances/a")).json["instanceId"] == "a"


async def test_start_with_a_body_that_is_no_json_is_400(client: Client):
    answer = await client.post(f"{ROOT}/orchestrators/echoes", data=b"{")
    assert (answer.status, list(answer.json)) == (400, FOUR_KEYS)
    assert answer.json["Message"] == "Invalid JSON content"


async def test_start_of_a_live_id_is_409(client: Client):
    await begin(client, "waits", "a")
    answer = await client.post(f"{ROOT}/orchestrators/waits/a")
    assert answer.status == 409
    assert answer.json == {"Message": "An Orchestration instance with the status Running already exists."}


async def test_start_of_an_ended_id_replaces_it(client: Client):
    await begin(client, "echoes", "a", "first")
    await begin(client, "echoes", "a", "second")
    assert (await client.get(f"{ROOT}/instances/a")).json["input"] == "second"


@pytest.mark.parametrize("instance_id", ["a b", "@x", "a#b", "a?b", "a\\b", "é~", "a\tb", "x" * 257])
async def test_instance_of_any_id_is_found_by_its_link(client: Client, instance_id: str):
    answer = await client.post(f"{ROOT}/orchestrators/echoes/{quote(instance_id)}")
    assert answer.json["id"] == instance_id
    link = URL(answer.json["statusQueryGetUri"], encoded=True)
    async with client.session.get(link) as status:
        assert (await status.json())["instanceId"] == instance_id


async def test_path_is_decoded_before_it_is_split(client: Client):
    spaced = await client.post(f"{ROOT}/orchestrators/echoes/a+b")
    slashed = await client.post(f"{ROOT}/orchestrators/echoes/a%2Fb")
    assert spaced.json["id"] == "a b"
    assert (slashed.status, slashed.body) == (404, b"")


async def test_unknown_orchestrator_is_accepted_and_fails(client: Client):
    assert (await client.post(f"{ROOT}/orchestrators/absent/a")).status == 202
    answer = await until(client, "a", "Failed")
    assert (
        "Orchestrator function 'absent' failed: The function 'absent' doesn't exist" in answer.json["output"]
    )


async def test_start_with_timeout_waits_for_the_bare_output(client: Client):
    answer = await client.post(f"{ROOT}/orchestrators/echoes?timeout=5&pollingInterval=0.01", json="[1]")
    assert (answer.status, answer.body) == (200, b"[1]")


async def test_start_with_timeout_answers_the_links_when_it_has_passed(client: Client):
    answer = await client.post(f"{ROOT}/orchestrators/waits/a?timeout=0.05&pollingInterval=0.01")
    assert (answer.status, answer.json["id"]) == (202, "a")


async def test_start_with_a_timeout_below_its_interval_is_400(client: Client):
    answer = await client.post(f"{ROOT}/orchestrators/waits/a?timeout=1&pollingInterval=2.5")
    assert answer.status == 400
    assert answer.json == {"Message": "Total timeout 1 should be bigger than retry timeout 2.5"}


async def test_start_with_timeout_answers_the_status_of_a_failed_instance(client: Client):
    query = "timeout=5&pollingInterval=0.01&returnInternalServerErrorOnFailure=true"
    answer = await client.post(f"{ROOT}/orchestrators/fails?{query}")
    assert (answer.status, answer.json["runtimeStatus"]) == (200, "Failed")


async def test_status_of_an_ended_instance_is_200(client: Client):
    await begin(client, "echoes", "a", '{"n": [1]}')
    answer = await client.get(f"{ROOT}/instances/a")
    assert (answer.status, "Location" in answer.headers) == (200, False)
    members = ["name", "instanceId", "runtimeStatus", "input", "customStatus", "output"]
    assert list(answer.json) == [*members, "createdTime", "lastUpdatedTime"]
    assert answer.json["input"] == '{"n": [1]}'
    assert len(answer.json["createdTime"]) == len("2026-11-20T14:08:18Z")


async def test_status_of_a_live_instance_is_202_with_its_own_location(client: Client):
    await begin(client, "waits", "a")
    answer = await client.get(f"{ROOT}/instances/a?code=x")
    assert answer.status == 202
    assert answer.headers["Location"] == f"http://127.0.0.1:{client.host.port}{ROOT}/instances/a?code=x"
    assert answer.headers["Retry-After"] == "5"


async def test_status_of_an_unknown_instance_is_empty_404(client: Client):
    answer = await client.get(f"{ROOT}/instances/A")
    assert (answer.status, answer.body) == (404, b"")


async def test_failed_instance_is_500_only_on_request(client: Client):
    await begin(client, "fails", "a")
    assert (await client.get(f"{ROOT}/instances/a")).status == 200
    answer = await client.get(f"{ROOT}/instances/a?returnInternalServerErrorOnFailure=True")
    assert (answer.status, answer.json["output"]) == (500, "Orchestrator function 'fails' failed: boom")


async def test_status_hides_the_input_on_request(client: Client):
    await begin(client, "echoes", "a", "secret")
    assert (await client.get(f"{ROOT}/instances/a?showInput=false")).json["input"] is None


async def test_large_input_and_output_are_shown_as_small_ones_are_each_time(client: Client):
    odd = '[1.50,1e300,NaN,"\\ud800","ü"]'
    await begin(client, "echoes", "small", odd)
    await begin(client, "echoes", "large", f'[{odd},"{"x" * 200_000}"]')
    small = (await client.get(f"{ROOT}/instances/small")).json
    for _ in range(2):
        large = (await client.get(f"{ROOT}/instances/large")).json
        assert large["input"] == f'[{small["input"]},"{"x" * 200_000}"]'
        assert large["output"] == [small["output"], "x" * 200_000]


def test_large_text_is_written_once_and_kept_once():
    stored, again = (f'"{"x" * 200_000}"' for _ in range(2))
    assert written(stored) is stored
    assert written(again) is stored


async def test_history_merges_a_task_with_its_schedule(client: Client):
    await begin(client, "echoes", "a", '"x"')
    answer = await client.get(f"{ROOT}/instances/a?showHistory=true&showHistoryOutput=true")
    events = answer.json["historyEvents"]
    assert [event["EventType"] for event in events] == [
        "ExecutionStarted",
        "TaskCompleted",
        "ExecutionCompleted",
    ]
    assert (events[0]["FunctionName"], events[0]["Input"]) == ("echoes", '"\\"x\\""')
    assert list(events[1]) == ["EventType", "Result", "Timestamp", "ScheduledTime", "FunctionName", "Input"]
    assert (events[1]["Result"], events[1]["FunctionName"], events[1]["Input"]) == ("x", "echo", None)
    assert (events[2]["OrchestrationStatus"], events[2]["Result"]) == ("Completed", "x")


async def test_start_times_of_activities_are_told_only_when_asked_for(client: Client):
    """The real engine does not know them; its clients must not come to rely on them."""
    await begin(client, "echoes", "a", '"x"')
    url = f"{ROOT}/instances/a?showHistory=true"
    plain, timed = await client.get(url), await client.get(f"{url}&showStartTimes=true")
    assert not any("StartedTime" in event for event in plain.json["historyEvents"])
    assert ["StartedTime" in event for event in timed.json["historyEvents"]] == [False, True, False]


async def test_history_without_output_holds_no_results(client: Client):
    await begin(client, "echoes", "a", '"x"')
    answer = await client.get(f"{ROOT}/instances/a?showHistory=true")
    assert not any("Result" in event for event in answer.json["historyEvents"])


async def test_list_is_ordered_by_id_and_narrowed_by_filters(client: Client):
    await begin(client, "echoes", "b")
    await begin(client, "fails", "a")
    await begin(client, "echoes", "c2")
    for query, expected in [
        ("", ["a", "b", "c2"]),
        ("runtimeStatus=Completed", ["b", "c2"]),
        ("runtimeStatus=Failed,Pending", ["a"]),
        ("runtimeStatus=Canceled", []),
        ("runtimeStatus=nonsense", ["a", "b", "c2"]),
        ("instanceIdPrefix=c", ["c2"]),
        ("createdTimeFrom=2100-01-01T00:00:00.000000Z", []),
        ("createdTimeTo=2020-01-01", []),
        ("createdTimeFrom=nonsense", ["a", "b", "c2"]),
    ]:
        answer = await client.get(f"{ROOT}/instances/?{query}")
        assert [found["instanceId"] for found in answer.json] == expected, query
        assert answer.headers["x-ms-continuation-token"] == ""


async def test_list_goes_on_where_its_token_says(client: Client):
    for instance_id in ("a", "b", "c"):
        await begin(client, "echoes", instance_id)
    page = await client.get(f"{ROOT}/instances?top=2")
    token = page.headers["x-ms-continuation-token"]
    rest = await client.get(f"{ROOT}/instances?top=2", headers={"x-ms-continuation-token": token})
    assert [found["instanceId"] for found in page.json] == ["a", "b"]
    assert [found["instanceId"] for found in rest.json] == ["c"]
    assert rest.headers["x-ms-continuation-token"] == ""


async def test_raised_event_reaches_the_instance_as_it_was_sent(client: Client):
    await begin(client, "waits", "a")
    answer = await client.post(f"{ROOT}/instances/a/raiseEvent/go", json={"approved": True})
    assert (answer.status, answer.body) == (202, b"")
    assert (await until(client, "a", "Completed")).json["output"] == {"approved": True}


async def test_raised_event_is_written_anew_as_by_dot_net(client: Client):
    await begin(client, "waits", "a")
    body = b'{ "a" : [1e300, "\\u00e9"] }'
    headers = {"Content-Type": "application/json; charset=utf-8"}
    await client.post(f"{ROOT}/instances/a/raiseEvent/go", data=body, headers=headers)
    await until(client, "a", "Completed")
    history = (await client.get(f"{ROOT}/instances/a?showHistory=true")).json["historyEvents"]
    (raised,) = [event for event in history if event["EventType"] == "EventRaised"]
    assert raised["Input"] == '{"a":[1E+300,"é"]}'


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"{", "application/json", "Invalid JSON content"),
        (b"", "application/json", "Invalid JSON content"),
        (b"1", "text/plain", "Only application/json request content is supported"),
    ],
)
async def test_event_without_json_is_400(client: Client, body: bytes, content_type: str, message: str):
    await begin(client, "waits", "a")
    headers = {"Content-Type": content_type}
    answer = await client.post(f"{ROOT}/instances/a/raiseEvent/go", data=body, headers=headers)
    assert (answer.status, answer.json["Message"]) == (400, message)


@pytest.mark.parametrize("operation", ["raiseEvent/go", "terminate", "suspend", "resume"])
async def test_operation_on_an_ended_instance_is_410_and_on_an_unknown_one_404(
    client: Client, operation: str
):
    await begin(client, "echoes", "a")
    gone = await client.post(f"{ROOT}/instances/a/{operation}", data=b"no JSON")
    unknown = await client.post(f"{ROOT}/instances/absent/{operation}", data=b"no JSON")
    assert (gone.status, gone.body, unknown.status, unknown.body) == (410, b"", 404, b"")


@pytest.mark.parametrize(("query", "output"), [("?reason=no+more", "no more"), ("", None), ("?reason=", "")])
async def test_terminated_instance_tells_the_reason(client: Client, query: str, output: str | None):
    await begin(client, "waits", "a")
    assert (await client.post(f"{ROOT}/instances/a/terminate{query}")).status == 202
    assert (await until(client, "a", "Terminated")).json["output"] == output


async def test_suspended_instance_tells_the_reason_until_it_is_resumed(client: Client):
    await begin(client, "waits", "a")
    assert (await client.post(f"{ROOT}/instances/a/suspend?reason=pause")).status == 202
    assert (await until(client, "a", "Suspended")).json["output"] == "pause"
    assert (await client.post(f"{ROOT}/instances/a/resume?reason=on")).status == 202
    assert (await until(client, "a", "Running")).json["output"] == "on"


async def test_suspending_twice_is_500_with_the_state_in_words(client: Client):
    await begin(client, "waits", "a")
    await client.post(f"{ROOT}/instances/a/suspend")
    await until(client, "a", "Suspended")
    answer = await client.post(f"{ROOT}/instances/a/suspend")
    assert (answer.status, list(answer.json)) == (500, FOUR_KEYS)
    assert answer.json["Message"] == "Something went wrong while processing your request"
    assert answer.json["ExceptionMessage"] == (
        "Cannot suspend the orchestration instance a because instance is in the Suspended state."
    )


async def test_only_failed_instances_can_be_rewound(client: Client):
    await begin(client, "echoes", "a")
    completed = await client.post(f"{ROOT}/instances/a/rewind")
    unknown = await client.post(f"{ROOT}/instances/absent/rewind")
    assert completed.status == 412
    assert completed.json == (
        'This orchestration has status Completed, but only orchestrations in the "Failed" state '
        "can be rewound."
    )
    assert (unknown.status, unknown.json) == (404, 'No orchestration with instance ID "$absent" found.')


async def test_restart_runs_the_same_input_under_a_new_id(client: Client):
    await begin(client, "echoes", "a", '"x"')
    answer = await client.post(f"{ROOT}/instances/a/restart")
    assert (answer.status, answer.json["id"] == "a") == (202, False)
    assert (await until(client, answer.json["id"], "Completed")).json["output"] == "x"


async def test_restart_under_a_live_id_is_409(client: Client):
    await begin(client, "waits", "a")
    answer = await client.post(f"{ROOT}/instances/a/restart?restartWithNewInstanceId=false")
    assert answer.status == 409
    assert answer.json == {
        "Message": "A non-terminal instance with this instance ID already exists.",
        "ExceptionMessage": "An Orchestration instance with the status Running already exists.",
        "ExceptionType": "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException",
        "StackTrace": "",
    }


async def test_restart_of_an_unknown_instance_is_400(client: Client):
    answer = await client.post(f"{ROOT}/instances/absent/restart")
    assert answer.status == 400
    assert answer.json == {
        "Message": "InstanceId does not match a valid orchestration instance.",
        "ExceptionMessage": "An orchestrastion with the instanceId absent was not found.",
        "ExceptionType": "System.ArgumentException",
        "StackTrace": "",
    }


async def test_purged_instance_is_gone(client: Client):
    await begin(client, "echoes", "a")
    first = await client.call("DELETE", f"{ROOT}/instances/a")
    second = await client.call("DELETE", f"{ROOT}/instances/a")
    assert (first.status, first.json) == (200, {"instancesDeleted": 1})
    assert (second.status, second.body) == (404, b"")


async def test_live_instance_cannot_be_purged(client: Client):
    await begin(client, "waits", "a")
    answer = await client.call("DELETE", f"{ROOT}/instances/a")
    assert answer.status == 412
    assert answer.json == (
        "Only orchestrations in a terminal state can be purged, "
        "but the orchestration with instance ID a has status Running"
    )


async def test_purge_by_filter_spares_live_instances(client: Client):
    await begin(client, "echoes", "a")
    await begin(client, "waits", "b")
    first = await client.call("DELETE", f"{ROOT}/instances/?createdTimeFrom=2020-01-01T00:00:00Z")
    second = await client.call("DELETE", f"{ROOT}/instances/?createdTimeFrom=2020-01-01T00:00:00Z")
    assert (first.status, first.json) == (200, {"instancesDeleted": 1})
    assert (second.status, second.body) == (404, b"")


@pytest.mark.parametrize("query", ["", "?createdTimeFrom=nonsense"])
async def test_purge_by_filter_needs_a_time(client: Client, query: str):
    answer = await client.call("DELETE", f"{ROOT}/instances{query}")
    assert (answer.status, answer.json) == (400, "Please provide value for 'createdTimeFrom' parameter.")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "instances/a"),
        ("GET", "orchestrators/echoes"),
        ("POST", "instances/a/b/c"),
        ("GET", "nonsense"),
    ],
)
async def test_wrong_method_or_path_is_empty_404(client: Client, method: str, path: str):
    answer = await client.call(method, f"{ROOT}/{path}")
    assert (answer.status, answer.body) == (404, b"")


async def test_signalled_entity_can_be_read(client: Client):
    entity = f"{ROOT}/entities/Counter/k"
    absent = await client.get(entity)
    signals = [await client.post(f"{entity}?op=add", json=number) for number in ("2", "3")]
    assert (absent.status, absent.body) == (404, b"")
    assert [(signal.status, signal.body) for signal in signals] == [(202, b"")] * 2
    async with asyncio.timeout(30):
        while (await client.get(entity)).body != b"5":
            await asyncio.sleep(0.01)


async def test_entities_are_listed_with_their_state_on_request(client: Client):
    await client.post(f"{ROOT}/entities/counter/k?op=add", json="2")
    async with asyncio.timeout(30):
        while (await client.get(f"{ROOT}/entities/counter/k")).status != 200:
            await asyncio.sleep(0.01)
    plain = (await client.get(f"{ROOT}/entities")).json
    full = (await client.get(f"{ROOT}/entities/counter?fetchState=true")).json
    assert [found["entityId"] for found in plain] == [{"name": "counter", "key": "k"}]
    assert [(found["state"], len(found)) for found in full] == [(2, 3)]


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("absent", b"1", "The function 'absent' doesn't exist, is disabled, or is not an entity function."),
        ("counter", b"{", "Could not parse JSON content: "),
    ],
)
async def test_signal_to_an_unknown_entity_or_with_broken_json_is_400(
    client: Client, name: str, body: bytes, message: str
):
    headers = {"Content-Type": "application/json"}
    answer = await client.post(f"{ROOT}/entities/{name}/k?op=add", data=body, headers=headers)
    assert (answer.status, list(answer.json)) == (400, ["Message"])
    assert answer.json["Message"].startswith(message)


async def test_signal_of_another_content_type_is_taken_as_text(client: Client):
    """The SDK reads an input twice, so that a text of digits is a number."""
    await client.post(f"{ROOT}/entities/counter/k?op=add", data=b"7", headers={"Content-Type": "text/plain"})
    async with asyncio.timeout(30):
        while (await client.get(f"{ROOT}/entities/counter/k")).body != b"7":
            await asyncio.sleep(0.01)


async def test_entities_that_do_not_exist_any_more_are_not_listed(client: Client):
    async def listed() -> Any:
        return (await client.get(f"{ROOT}/entities")).json

    for key in ("gone", "there"):
        await client.post(f"{ROOT}/entities/counter/{key}?op=add", json="2")
    await client.call("DELETE", f"{ROOT}/entities/counter/gone")
    async with asyncio.timeout(30):
        while [entity["entityId"]["key"] for entity in await listed()] != ["there"]:
            await asyncio.sleep(0.01)
    (found,) = await listed()
    assert found["entityId"] == {"name": "counter", "key": "there"}
    datetime.strptime(found["lastOperationTime"], "%Y-%m-%dT%H:%M:%S.%f%z")
    assert (await client.get(f"{ROOT}/entities?lastOperationTimeTo=2020-01-01")).json == []


@pytest.mark.parametrize(
    ("top", "listed"),
    [("2", 2), ("+1", 1), (" 1", 1), ("abc", 3), ("", 3), ("1.5", 3), ("9" * 5000, 3), ("٣", 3)],
)
async def test_page_size_that_is_no_number_counts_as_absent(client: Client, top: str, listed: int):
    for name in "abc":
        await begin(client, "waits", name)
    answer = await client.get(f"{ROOT}/instances?top={quote(top)}")
    assert (answer.status, len(answer.json)) == (200, listed)


async def test_page_of_none_is_empty_and_leads_to_the_first(client: Client):
    await begin(client, "waits", "a")
    page = await client.get(f"{ROOT}/instances?top=0")
    token = page.headers["x-ms-continuation-token"]
    rest = await client.get(f"{ROOT}/instances", headers={"x-ms-continuation-token": token})
    assert (page.json, [instance["instanceId"] for instance in rest.json]) == ([], ["a"])


@pytest.mark.parametrize("path", ["instances", "entities", "entities/counter"])
async def test_negative_page_size_is_refused_with_a_sentence(client: Client, path: str):
    answer = await client.get(f"{ROOT}/{path}?top=-1")
    assert (answer.status, answer.json) == (400, {"Message": "top is -1: use 0 or more."})


ODD_TIMES = ["yesterday", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-13-01", "1e9"]


@pytest.mark.parametrize("time", ODD_TIMES)
async def test_time_that_cannot_be_read_counts_as_absent(client: Client, time: str):
    await begin(client, "waits", "a")
    query = f"createdTimeFrom={quote(time)}&createdTimeTo={quote(time)}"
    answer = await client.get(f"{ROOT}/instances?{query}")
    assert (answer.status, len(answer.json)) == (200, 1)


@pytest.mark.parametrize("seconds", ["nan", "inf", "-inf", "1e400", "x"])
async def test_waiting_time_that_is_no_number_counts_as_absent(client: Client, seconds: str):
    answer = await client.post(f"{ROOT}/orchestrators/waits?timeout={seconds}&pollingInterval=1")
    assert answer.status == 202


@pytest.mark.parametrize("body", [b"[" * 65 + b"]" * 65, b"[" * 5000 + b"]" * 5000, b"[" * 200_000])
@pytest.mark.parametrize(
    "path", ["orchestrators/echoes", "instances/w/raiseEvent/go", "entities/counter/a?op=add"]
)
async def test_body_that_is_too_deep_is_400(client: Client, path: str, body: bytes):
    await begin(client, "waits", "w")
    answer = await client.post(f"{ROOT}/{path}", data=body, headers={"Content-Type": "application/json"})
    assert answer.status == 400


async def test_half_a_character_in_an_event_arrives_as_a_replacement_character(client: Client):
    await begin(client, "waits", "w")
    headers = {"Content-Type": "application/json"}
    raised = await client.post(f"{ROOT}/instances/w/raiseEvent/go", data=b'"\\ud83d"', headers=headers)
    assert raised.status == 202
    assert (await until(client, "w", "Completed")).json["output"] == "\ufffd"


async def test_input_that_holds_no_number_is_shown_as_strict_json(client: Client):
    headers = {"Content-Type": "application/json"}
    await client.post(f"{ROOT}/orchestrators/waits/n", data=b'[NaN, "\\udce9"]', headers=headers)
    answer = await until(client, "n", "Running")
    assert answer.json["input"] == ["NaN", "\ufffd"]


@pytest.mark.parametrize(
    "instance_id", ["a:b", "a%20b", "%C3%BC", "a%25b", "a%27", "a%23b", "a%0Ab", "x" * 999]
)
async def test_instance_of_any_id_can_be_terminated_and_purged(client: Client, instance_id: str):
    await client.post(f"{ROOT}/orchestrators/waits/{instance_id}")
    assert (await client.post(f"{ROOT}/instances/{instance_id}/terminate?reason=x")).status == 202
    await until(client, instance_id, "Terminated")
    assert (await client.call("DELETE", f"{ROOT}/instances/{instance_id}")).json == {"instancesDeleted": 1}
