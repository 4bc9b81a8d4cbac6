"""What is kept of an execution between its episodes is worth as much as its history, and is bounded."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
from hypothesis import given, settings
from hypothesis import strategies as st

from devhost.engine.actions import RawAction, parse_state
from devhost.engine.dotnet_json import to_json
from devhost.engine.errors import NonDeterminismError
from devhost.engine.execution import OVERHEAD, Execution, ExecutionCache
from devhost.engine.history import EventType, HistoryEvent, as_played
from tests.engine.app import App, Hub

RETRY = df.RetryOptions(1000, 2)
STEPS = ["activity", "failing", "all", "any", "leftover", "timer", "event", "retry", "child", "entity"]
Episode = tuple[list[HistoryEvent], list[HistoryEvent], list[RawAction]]


def any_name(_action: object) -> bool:
    return True


def program_app() -> App:
    """An app whose orchestrator `program` does the steps that its input names."""
    app = App()

    @app.activity
    def echo(value):
        return value

    @app.activity
    def boom(_value):
        raise ValueError("boom")

    @app.entity
    def counter(context):
        context.set_state((context.get_state(lambda: 0)) + 1)
        context.set_result(1)

    @app.orchestrator
    def child(context):
        return (yield context.call_activity("echo", "child"))

    @app.orchestrator
    def program(context):
        for step in context.get_input():
            try:
                yield from perform(context, step)
            except Exception:  # noqa: BLE001 - the SDK raises nothing more precise
                context.set_custom_status(step)

    return app


def perform(context: Any, step: str) -> Iterator[Any]:
    """One step of a program, as an orchestrator does it."""
    soon = context.current_utc_datetime + timedelta(seconds=5)
    match step:
        case "activity":
            yield context.call_activity("echo", 1)
        case "failing":
            yield context.call_activity("boom", 1)
        case "all":
            yield context.task_all([context.call_activity("echo", n) for n in range(3)])
        case "any":
            yield context.task_any([context.call_activity("echo", 1), context.create_timer(soon)])
        case "leftover":
            timer = context.create_timer(soon)
            yield context.task_any([context.call_activity("echo", 1), timer])
            yield timer
        case "timer":
            yield context.create_timer(soon)
        case "event":
            timer = context.create_timer(soon)
            yield context.task_any([context.wait_for_external_event("go"), timer])
            if not timer.is_completed:
                timer.cancel()
        case "retry":
            yield context.call_activity_with_retry("boom", RETRY, 1)
        case "child":
            yield context.call_sub_orchestrator("child")
        case "entity":
            yield context.call_entity(df.EntityId("counter", "one"), "add")


async def episodes_of(steps: list[str]) -> list[Episode]:
    """Runs a program that gets events, some while suspended; what its episodes were given and answered."""
    app = program_app()
    async with Hub(app, ":memory:") as hub:
        instance_id = await hub.begin("program", steps)
        for turn, _ in enumerate(steps):
            await hub.settle()
            if (await hub.state_of(instance_id)).status.is_terminal:
                break
            if turn % 2:
                await hub.suspend(instance_id, None)
            await hub.raise_event(instance_id, "go", "1")
            await hub.run_until_idle()
            if turn % 2:
                await hub.resume(instance_id, None)
                await hub.run_until_idle()
    return [
        (*split(context["history"]), parse_state(answer).actions)
        for context, answer in zip(app.contexts, app.answers, strict=True)
        if context["instanceId"] == instance_id
    ]


def split(history: list[HistoryEvent]) -> tuple[list[HistoryEvent], list[HistoryEvent]]:
    """The events of earlier episodes, and those that have arrived since."""
    begin = max(n for n, event in enumerate(history) if event["EventType"] == EventType.ORCHESTRATOR_STARTED)
    return history[:begin], history[begin:]


def walked(execution: Execution, asked: list[RawAction], arrived: list[HistoryEvent]) -> dict[str, Any]:
    """All that an episode wants to know of a walk."""
    try:
        walk = execution.walk(asked, any_name)
        walk.replay(arrived)
    except NonDeterminismError as error:
        return {"error": str(error)}
    return {
        "new": {task_id: task.action for task_id, task in walk.new_tasks.items()},
        "awaited": walk.awaited,
        "finished": walk.finished,
        "overtaken": walk.overtaken,
        "waits for": [type(node).__name__ for node in walk.unfinished()],
        "warnings": (walk.other_case, walk.crowded),
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(STEPS), min_size=1, max_size=6))
def test_walk_that_goes_on_comes_to_what_a_walk_from_the_beginning_comes_to(steps: list[str]):
    """Whatever an orchestrator does, no episode can tell whether its execution was kept in memory."""
    episodes = asyncio.run(episodes_of(steps))
    kept = Execution("one")
    for earlier, arrived, asked in episodes:
        kept.append([], earlier[len(kept.history) :])
        read = Execution("one", map(to_json, earlier))
        assert walked(kept, asked, arrived) == walked(read, asked, arrived)
        kept.append([arrived[0], *map(as_played, arrived[1:])], [])


def test_walk_goes_on_where_the_last_episode_ended():
    execution, asked = Execution("one"), [call("a")]
    first = execution.walk(asked, any_name)
    assert execution.walk([*asked, call("b")], any_name) is first


def test_walk_begins_anew_when_the_code_has_changed_its_mind():
    execution = Execution("one")
    first = execution.walk([call("a")], any_name)
    assert execution.walk([call("b")], any_name) is not first


def test_cache_gives_up_what_was_used_longest_ago():
    cache = ExecutionCache(characters=2 * OVERHEAD + 250)
    kept = {name: Execution(name, ["x" * 100]) for name in "abc"}
    for name, execution in kept.items():
        cache.keep(name, execution)
    assert [cache.get(name) for name in "abc"] == [None, kept["b"], kept["c"]]
    cache.drop("b")
    cache.keep("a", kept["a"])
    assert [cache.get(name) for name in "abc"] == [kept["a"], None, kept["c"]]


async def test_inputs_of_activities_count_among_what_an_execution_keeps(app: App, hub: Hub):
    @app.orchestrator
    def waits(context):
        for _ in range(2):
            yield context.call_activity("forget", "x" * 100_000)
        yield context.wait_for_external_event("go")

    app.activities["forget"] = lambda _value: None
    hub._dispatcher._executions = kept = ExecutionCache(10_000_000)
    job = await hub.begin("waits")
    await hub.settle()
    execution = kept.get(job)
    assert execution is not None
    assert execution.size > 200_000


def call(name: str) -> RawAction:
    return {"actionType": 0, "functionName": name, "input": None}
