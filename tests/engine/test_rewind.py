"""What a rewind does: failed tasks run again, the rest is remembered."""

from collections.abc import Awaitable, Callable

import pytest

from devhost.engine.errors import InstanceNotFound, InvalidTransition
from devhost.engine.history import HistoryEvent
from tests.engine.app import App, Hub, output


@pytest.fixture
def calls(app: App) -> list[str]:
    made: list[str] = []

    @app.activity
    def steady(value):
        made.append("steady")
        return value

    @app.activity
    def broken_at_first(value):
        made.append("broken")
        if made.count("broken") == 1:
            raise ConnectionError("down")
        return value

    return made


async def test_rewound_instance_runs_only_its_failed_activity_again(app: App, hub: Hub, calls: list[str]):
    @app.orchestrator
    def job(context):
        first = yield context.call_activity("steady", 1)
        second = yield context.call_activity("broken_at_first", 2)
        return [first, second]

    instance = await hub.run("job")
    assert instance.status == "Failed"
    await hub.rewind(instance.instance_id, "again")
    await hub.run_until_idle()
    assert output(await hub.state_of(instance.instance_id)) == [1, 2]
    assert calls == ["steady", "broken", "broken"]


async def test_rewinding_a_parent_rewinds_its_failed_child(app: App, hub: Hub, calls: list[str]):
    @app.orchestrator
    def child(context):
        result = yield context.call_activity("broken_at_first", "x")
        return result

    @app.orchestrator
    def parent(context):
        result = yield context.call_sub_orchestrator("child", None, "the-child")
        return result

    instance = await hub.run("parent")
    await hub.rewind(instance.instance_id, "again")
    await hub.run_until_idle()
    assert output(await hub.state_of("the-child")) == "x"
    assert output(await hub.state_of(instance.instance_id)) == "x"
    history = await hub.get_history(instance.instance_id)
    first, second, third = [12, 0, 7, 13], [12, 17, 17, 13], [12, 8, 1, 13]
    assert [event["EventType"] for event in history] == [*first, *second, *third]


async def test_parent_of_a_terminated_child_cannot_be_rewound(app: App, hub: Hub):
    @app.orchestrator
    def child(context):
        yield context.wait_for_external_event("go")

    @app.orchestrator
    def parent(context):
        yield context.call_sub_orchestrator("child", None, "the-child")

    instance_id = await hub.begin("parent")
    await hub.settle()
    await hub.terminate("the-child", "enough")
    await hub.settle()
    with pytest.raises(InvalidTransition, match="the-child because instance is in the Terminated state"):
        await hub.rewind(instance_id, "again")
    assert (await hub.state_of(instance_id)).status == "Failed"


async def test_rewound_parent_is_pending_and_keeps_its_output_until_its_child_has_ended(
    app: App, hub: Hub, calls: list[str]
):
    @app.orchestrator
    def child(context):
        yield context.call_activity("broken_at_first", "x")
        yield context.wait_for_external_event("go")

    @app.orchestrator
    def parent(context):
        yield context.call_sub_orchestrator("child", None, "the-child")

    failed = await hub.run("parent")
    await hub.rewind(failed.instance_id, "again")
    await hub.settle()
    rewound = await hub.state_of(failed.instance_id)
    assert (rewound.status, rewound.output) == ("Pending", failed.output)
    await hub.raise_event("the-child", "go", "null")
    await hub.settle()
    assert output(await hub.state_of(failed.instance_id)) is None


@pytest.fixture
def family(app: App, calls: list[str]) -> str:
    """The name of an orchestrator whose child fails at first."""

    @app.orchestrator
    def child(context):
        yield context.call_activity("broken_at_first", "x")

    @app.orchestrator
    def parent(context):
        yield context.call_sub_orchestrator("child", None, "the-child")

    return "parent"


Meanwhile = Callable[[Callable[[], Awaitable[object]]], None]


@pytest.fixture
def meanwhile(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Has something done once, between what a rewind of the family reads last and what it writes."""

    def patch(act: Callable[[], Awaitable[object]]) -> None:
        get_history = hub._store.get_history

        async def get_history_and_act(instance_id: str) -> list[HistoryEvent]:
            history = await get_history(instance_id)
            if instance_id == "the-child":
                monkeypatch.undo()
                await act()
            return history

        monkeypatch.setattr(hub._store, "get_history", get_history_and_act)

    return patch


async def test_instance_that_is_purged_while_it_is_rewound_stays_gone(
    hub: Hub, family: str, meanwhile: Meanwhile
):
    failed = await hub.run(family)
    meanwhile(lambda: hub.purge(failed.instance_id))
    with pytest.raises(InstanceNotFound):
        await hub.rewind(failed.instance_id, "again")
    assert await hub.get_instance(failed.instance_id) is None
    assert (await hub.state_of("the-child")).status == "Failed"


async def test_second_rewind_at_once_changes_nothing(hub: Hub, family: str, meanwhile: Meanwhile):
    failed = await hub.run(family)

    async def rewound_by_another() -> None:
        await hub.rewind(failed.instance_id, "first")
        await hub.settle()

    meanwhile(rewound_by_another)
    with pytest.raises(InvalidTransition, match="Completed"):
        await hub.rewind(failed.instance_id, "second")
    assert (await hub.state_of(failed.instance_id)).status == "Completed"


async def test_rewind_leaves_its_traces_in_the_history(app: App, hub: Hub, calls: list[str]):
    @app.orchestrator
    def job(context):
        yield context.call_activity("broken_at_first", 2)

    instance = await hub.run("job")
    await hub.rewind(instance.instance_id, "again")
    await hub.settle()
    history = await hub.get_history(instance.instance_id)
    first, second, third = [12, 0, 17, 13], [12, 17, 17, 13], [12, 17, 4, 13]
    assert [event["EventType"] for event in history] == [*first, *second, *third, 12, 5, 1, 13]


async def test_only_failed_instances_are_rewound(app: App, hub: Hub, calls: list[str]):
    @app.orchestrator
    def job(context):
        yield context.call_activity("steady", 2)

    instance = await hub.run("job")
    with pytest.raises(InvalidTransition):
        await hub.rewind(instance.instance_id, "again")
