"""Whatever the app's code raises, returns or asks for, its instance ends, and says why."""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.engine.dotnet_json import parse
from devhost.engine.turns import LARGE
from tests.engine.app import App, Hub, output

HALF = "caf\udce9"
WHOLE = "caf\ufffd"


@pytest.fixture
async def hub(app: App) -> AsyncIterator[Hub]:
    """How state is kept has no part in this, so that one way is enough."""
    async with Hub(app, ":memory:") as hub:
        yield hub


class Panic(BaseException):
    """What a library in Rust raises through PyO3."""


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


async def ended(hub: Hub, name: str, value: Any = None) -> str:
    """How a new instance of the orchestrator ends: its status and its output."""
    instance = await hub.run(name, value)
    assert instance.status.is_terminal, instance
    return f"{instance.status} {instance.output}"


@pytest.mark.parametrize(
    "error",
    [
        Panic("boom"),
        SystemExit(1),
        KeyboardInterrupt(),
        GeneratorExit(),
        asyncio.CancelledError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_error_of_any_kind_fails_the_call_and_leaves_its_slot(app: App, hub: Hub, error: BaseException):
    def raises(value):
        raise error

    def calls(context):
        yield context.call_activity("raises")

    app.activity(raises)
    app.orchestrator(calls)
    for _ in range(12):  # more than there are slots
        assert type(error).__name__ in await ended(hub, "calls")
    assert "'calls' failed: " in await ended(hub, "calls")


async def test_orchestrator_and_entity_that_panic_fail(app: App, hub: Hub):
    @app.entity
    def panics(context):
        raise Panic("boom")

    @app.orchestrator
    def panicking(context):
        raise Panic("boom")
        yield

    @app.orchestrator
    def asks(context):
        yield context.call_entity(df.EntityId("panics", "a"), "add")

    assert "Panic: boom" in await ended(hub, "panicking")
    assert (await ended(hub, "asks")).startswith("Failed")


async def test_half_characters_become_replacement_characters_wherever_they_come_from(app: App, hub: Hub):
    @app.activity
    def fails(value):
        raise ValueError(HALF)

    @app.orchestrator
    def everywhere(context):
        context.set_custom_status(HALF)
        echoed = yield context.call_activity("echo", HALF)
        event = yield context.wait_for_external_event("go")
        return [echoed, event, {HALF: HALF}]

    @app.orchestrator
    def failing(context):
        if context.get_input() == "here":
            raise ValueError(HALF)
        yield context.call_activity("fails")

    instance_id = await hub.begin("everywhere", HALF)
    await hub.run_until_idle()
    await hub.raise_event(instance_id, "go", json.dumps("\ud83d\ude00"))
    await hub.run_until_idle()
    instance = await hub.state_of(instance_id)
    assert output(instance) == [WHOLE, "\U0001f600", {WHOLE: WHOLE}]
    assert instance.custom_status == f'"{WHOLE}"'
    assert f"ValueError: {WHOLE}" in await ended(hub, "failing")
    assert await ended(hub, "failing", "here") == f"Failed Orchestrator function 'failing' failed: {WHOLE}"


async def test_what_is_not_a_number_is_a_text_everywhere(app: App, hub: Hub):
    @app.orchestrator
    def infinite(context):
        context.set_custom_status([float("nan")])
        echoed = yield context.call_activity("echo", float("-inf"))
        return {"echoed": echoed, "most": float("inf")}

    instance = await hub.run("infinite")
    assert output(instance) == {"echoed": "-Infinity", "most": "Infinity"}
    assert instance.custom_status == '["NaN"]'


@pytest.mark.parametrize("depth", [64, 65, 400, 900, 990, 5_000])
async def test_deep_results_fail_activity_and_orchestrator_with_the_text_of_azure(
    app: App, hub: Hub, depth: int
):
    @app.activity
    def deep(value):
        return nested(depth)

    @app.orchestrator
    def calls(context):
        yield context.call_activity("deep")

    @app.orchestrator
    def returns(context):
        return nested(depth)
        yield

    for name in ("calls", "returns"):
        text = await ended(hub, name)
        assert "MaxDepth of 64 has been exceeded. Path '" in text or "maximum recursion depth" in text
        assert depth > 900 or "recursion" not in text


async def test_results_as_deep_as_azure_reads_pass(app: App, hub: Hub):
    @app.orchestrator
    def deep(context):
        return (yield context.call_activity("echo", nested(63)))

    assert output(await hub.run("deep")) == nested(63)


@pytest.mark.parametrize("milliseconds", [10**15, 2**31, float("nan"), float("inf"), 1e300])
async def test_retry_interval_that_is_no_int32_fails(app: App, hub: Hub, milliseconds: Any):
    @app.orchestrator
    def retries(context):
        yield context.call_activity_with_retry("echo", df.RetryOptions(milliseconds, 2), 1)

    assert "Value was either too large or too small for an Int32." in await ended(hub, "retries")


@pytest.mark.parametrize("attempts", [0, -3, 2**40, float("nan")])
async def test_odd_numbers_of_attempts_come_to_an_end(app: App, hub: Hub, attempts: Any):
    @app.activity
    def fails(value):
        raise ValueError("no")

    @app.orchestrator
    def retries(context):
        yield context.call_activity_with_retry("fails", df.RetryOptions(1000, attempts), 1)

    assert (await ended(hub, "retries")).startswith("Failed")


@pytest.mark.parametrize("offset", [0, -9])
async def test_timer_at_the_end_of_time_waits_or_fails_and_can_be_terminated(app: App, hub: Hub, offset: int):
    @app.orchestrator
    def waits(context):
        end = datetime.max.replace(tzinfo=timezone(timedelta(hours=offset)))
        yield context.create_timer(end)

    instance_id = await hub.begin("waits")
    await hub.settle()
    if not (await hub.state_of(instance_id)).status.is_terminal:
        await hub.terminate(instance_id, "enough")
        await hub.settle()
    assert (await hub.state_of(instance_id)).status in ("Failed", "Terminated")


@pytest.mark.parametrize("name", ["", "/", "#", "a\nb", "x" * 10_000, 5, True, None, ["a"]])
async def test_odd_names_of_activities_and_children_fail(app: App, hub: Hub, name: Any):
    @app.orchestrator
    def calls(context):
        yield context.call_activity(name, 1)

    @app.orchestrator
    def starts(context):
        yield context.call_sub_orchestrator(name, 1)

    assert (await ended(hub, "calls")).startswith("Failed")
    assert (await ended(hub, "starts")).startswith("Failed")


@pytest.mark.parametrize("name", [5, 1.5, True, ["go"]])
async def test_wait_for_an_event_without_a_text_for_a_name_fails_and_says_what_azure_does(
    app: App, hub: Hub, name: Any
):
    @app.orchestrator
    def waits(context):
        yield context.wait_for_external_event(name)

    text = await ended(hub, "waits")
    assert "on Azure the instance would stay Running for ever" in text


async def test_child_id_that_is_a_number_is_its_text(app: App, hub: Hub):
    @app.orchestrator
    def child(context):
        return context.instance_id
        yield

    @app.orchestrator
    def parent(context):
        return (yield context.call_sub_orchestrator("child", 1, 7))

    assert output(await hub.run("parent")) == "7"


ANSWERS = [
    "",
    "null",
    "5",
    "[]",
    "{}",
    '{"isDone": true}',
    '{"isDone": true, "actions": 5}',
    "NaN",
    b"{}",
    7,
]


@pytest.mark.parametrize("answer", ANSWERS)
async def test_answer_that_is_no_protocol_fails(app: App, hub: Hub, answer: Any):
    app.orchestrators["odd"] = lambda _: answer
    assert "is not the durable protocol" in await ended(hub, "odd")


ACTIONS = [
    {"actionType": 5, "fireAt": "0001-01-01T00:00:00+14:00", "isCanceled": False},
    {"actionType": 5, "fireAt": 7, "isCanceled": False},
    {"actionType": 7, "instanceId": "counter", "operation": "add"},
    {"actionType": 0, "functionName": "echo", "input": {"not": "a text"}},
    {"actionType": 0, "functionName": "echo", "retryOptions": {"maxNumberOfAttempts": 2}},
    {"actionType": 99},
    {"actionType": [1]},
    None,
]


@pytest.mark.parametrize("action", ACTIONS)
async def test_action_that_is_no_protocol_fails(app: App, hub: Hub, action: Any):
    state = json.dumps({"isDone": False, "actions": [[action]], "schemaVersion": 2})
    app.orchestrators["odd"] = lambda _: state
    assert (await ended(hub, "odd")).startswith("Failed")


async def test_instance_that_the_engine_itself_fails_at_ends_and_tells_its_parent(
    app: App, hub: Hub, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    """No input is known that does this: the store is made to refuse what the child leaves behind."""

    @app.orchestrator
    def child(context):
        return "what is refused"
        yield

    @app.orchestrator
    def parent(context):
        yield context.call_sub_orchestrator("child", None, "the-child")

    save = hub._store._save

    def refusing(instance: Any) -> None:
        if "what is refused" in (instance.output or ""):
            raise OverflowError("too much")
        save(instance)

    monkeypatch.setattr(hub._store, "_save", refusing)
    text = await ended(hub, "parent")
    assert "The host failed at it: OverflowError: too much" in text
    assert "The host failed at instance the-child" in caplog.text


async def test_signal_that_fails_leaves_a_line_in_the_log(
    app: App, hub: Hub, caplog: pytest.LogCaptureFixture
):
    @app.entity
    def counter(context):
        raise ValueError("told here alone")

    with caplog.at_level(logging.ERROR):
        await hub.signal_entity("counter", "a", "add", None)
        await hub.run_until_idle()
    assert "Entity @counter@a failed at 'add': \"told here alone\"" in caplog.text


ODD_REQUESTS = [
    "5",
    "[]",
    '{"op": "add", "input": null, "id": "x"}',
    '{"op": "add", "input": null, "id": 5, "signal": true}',
    '{"op": 5, "input": {}, "id": "x", "signal": true}',
]


@pytest.mark.parametrize("data", ODD_REQUESTS)
async def test_entity_survives_an_event_that_only_looks_like_a_request(app: App, hub: Hub, data: str):
    @app.entity
    def counter(context):
        context.set_state((context.get_state(lambda: 0)) + 1)

    await hub.signal_entity("counter", "a", "add", None)
    await hub.run_until_idle()
    await hub.raise_event("@counter@a", "op", data)
    await hub.signal_entity("counter", "a", "add", None)
    await hub.run_until_idle()
    entity = await hub.get_entity("counter", "a")
    assert entity is not None
    assert entity.state == "2"


@pytest.fixture
def stuck(app: App) -> Iterator[Callable[[], None]]:
    """An orchestrator and an entity whose code does not end before the test does."""
    release = threading.Event()
    running = threading.Semaphore(0)

    def wait() -> None:
        running.release()
        release.wait(30)

    @app.orchestrator
    def busy(context):
        wait()
        yield context.call_activity("echo")

    @app.entity
    def slow(context):
        context.set_state("begun")
        if context.operation_name == "wait":
            wait()

    def began() -> None:
        running.acquire(timeout=10)

    yield began
    release.set()


@pytest.mark.parametrize("size", [1, LARGE], ids=["small", "large"])
async def test_instances_whose_code_never_ends_can_be_terminated_and_purged(
    hub: Hub, stuck: Callable[[], None], size: int
):
    """More of them than there are slots, so that some still wait for one; large ones wait for a turn too."""
    instances = [await hub.begin("busy", "x" * size) for _ in range(7)]
    await asyncio.to_thread(stuck)
    await asyncio.gather(*(hub.terminate(instance_id, "enough") for instance_id in instances))
    async with asyncio.timeout(20):  # the code itself goes on for longer
        await hub.settle()
    for instance_id in instances:
        instance = await hub.state_of(instance_id)
        assert (instance.status, instance.output) == ("Terminated", "enough")
        await hub.purge(instance_id)


@pytest.mark.parametrize(("earlier", "kept"), [(["begin"], '"begun"'), ([], None)], ids=["later", "first"])
async def test_entity_stuck_in_an_operation_gives_it_up_when_terminated_and_keeps_its_state(
    app: App, hub: Hub, stuck: Callable[[], None], earlier: list[str], kept: str | None
):
    @app.orchestrator
    def asks(context):
        yield context.call_entity(df.EntityId("slow", "a"), "anything")
        return "answered"

    for operation in earlier:
        await hub.signal_entity("slow", "a", operation, None)
        await hub.settle()
    await hub.signal_entity("slow", "a", "wait", None)
    await asyncio.to_thread(stuck)
    asking = await hub.begin("asks")
    while (await hub.state_of(asking)).status == "Pending":
        await asyncio.sleep(0)
    await hub.terminate("@slow@a", "enough")
    await hub.settle()
    assert "The entity @slow@a was terminated." in str((await hub.state_of(asking)).output)
    entity = await hub.get_entity("slow", "a")
    assert entity is not None
    assert entity.state == kept
    assert output(await hub.run("asks")) == "answered"


async def test_waiting_for_what_never_completes_fails_and_says_what_azure_does(app: App, hub: Hub):
    @app.orchestrator
    def nothing(context):
        yield None

    @app.orchestrator
    def cancelled(context):
        timer = context.create_timer(context.current_utc_datetime + timedelta(days=1))
        timer.cancel()
        yield timer

    for name in ("nothing", "cancelled"):
        assert "on Azure the instance would stay Running for ever. Yield a task" in await ended(hub, name)


async def test_child_that_would_take_the_id_of_an_entity_fails(app: App, hub: Hub):
    @app.entity
    def counter(context):
        context.set_result("here")

    @app.orchestrator
    def child(context):
        return 1
        yield

    @app.orchestrator
    def parent(context):
        yield context.call_sub_orchestrator("child", None, "@Counter@a")

    @app.orchestrator
    def asks(context):
        return (yield context.call_entity(df.EntityId("counter", "a"), "read"))

    assert "should have the id '@Counter@a', an entity's" in await ended(hub, "parent")
    assert output(await hub.run("asks")) == "here"


async def test_what_is_not_a_number_is_a_text_in_inputs_signals_and_states(app: App, hub: Hub):
    @app.entity
    def keeps(context):
        context.set_state(context.get_input())
        context.set_result([context.get_input(), float("inf")])

    @app.orchestrator
    def again(context):
        if context.get_input():
            answer = yield context.call_entity(df.EntityId("keeps", "a"), "set", float("nan"))
            return [context.get_input(), answer]
        context.continue_as_new({"n": float("inf")})

    assert output(await hub.run("again")) == [{"n": "Infinity"}, ["NaN", "Infinity"]]
    entity = await hub.get_entity("keeps", "a")
    assert entity is not None
    assert parse(entity.state or "") == "NaN"
    await hub.signal_entity("keeps", "a", "set", json.dumps(json.dumps({"caf\udce9": float("-inf")})))
    await hub.settle()
    entity = await hub.get_entity("keeps", "a")
    assert entity is not None
    assert parse(entity.state or "") == {WHOLE: "-Infinity"}
