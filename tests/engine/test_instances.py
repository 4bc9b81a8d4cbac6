"""What clients may ask of instances: start, list, suspend, terminate, restart, purge."""

from datetime import timedelta

import azure.durable_functions as df
import pytest

from devhost.engine.errors import (
    InstanceAlreadyExists,
    InstanceEnded,
    InstanceNotEnded,
    InstanceNotFound,
    InvalidTransition,
)
from devhost.engine.instance import InstanceQuery, RuntimeStatus
from tests.engine.app import START, App, Hub, output


@pytest.fixture(autouse=True)
def _functions(app: App) -> None:
    @app.orchestrator
    def listener(context):
        value = yield context.wait_for_external_event("go")
        return value

    @app.orchestrator
    def quick(context):
        value = yield context.call_activity("echo", context.get_input())
        return value


async def test_id_of_a_live_instance_cannot_be_started_again(hub: Hub):
    await hub.begin("listener", instance_id="one")
    await hub.settle()
    with pytest.raises(InstanceAlreadyExists, match="with the status Running already exists"):
        await hub.begin("quick", instance_id="one")


async def test_id_of_an_ended_instance_starts_anew(hub: Hub):
    await hub.begin("quick", 1, instance_id="one")
    await hub.run_until_idle()
    await hub.begin("quick", 2, instance_id="one")
    await hub.run_until_idle()
    instance = await hub.state_of("one")
    assert output(instance) == 2
    assert instance.generation == 1


async def test_new_instance_is_pending_until_its_first_episode(app: App, hub: Hub):
    await hub.begin("quick", instance_id="one")
    assert (await hub.state_of("one")).status == "Pending"


async def test_ids_are_case_sensitive(hub: Hub):
    await hub.begin("listener", instance_id="One")
    await hub.settle()
    assert await hub.get_instance("one") is None


@pytest.mark.parametrize("operation", ["terminate", "suspend", "resume"])
async def test_operation_on_an_unknown_instance_says_so(hub: Hub, operation: str):
    with pytest.raises(InstanceNotFound, match="'nobody'"):
        await getattr(hub, operation)("nobody", "why")


@pytest.mark.parametrize("operation", ["terminate", "suspend", "resume"])
async def test_operation_on_an_ended_instance_says_so(hub: Hub, operation: str):
    instance = await hub.run("quick", 1)
    with pytest.raises(InstanceEnded):
        await getattr(hub, operation)(instance.instance_id, "why")


async def test_event_for_an_ended_instance_is_refused(hub: Hub):
    instance = await hub.run("quick", 1)
    with pytest.raises(InstanceEnded):
        await hub.raise_event(instance.instance_id, "go", "1")


async def test_terminated_instance_shows_the_reason(hub: Hub):
    instance = await hub.run("listener")
    await hub.terminate(instance.instance_id, "because")
    await hub.settle()
    instance = await hub.state_of(instance.instance_id)
    assert (instance.status, instance.output) == ("Terminated", "because")


async def test_suspended_instance_keeps_its_events_until_it_is_resumed(hub: Hub):
    instance_id = (await hub.run("listener")).instance_id
    await hub.suspend(instance_id, "pause")
    await hub.raise_event(instance_id, "go", '"now"')
    await hub.settle()
    suspended = await hub.state_of(instance_id)
    assert (suspended.status, suspended.output) == ("Suspended", "pause")
    await hub.resume(instance_id, "go on")
    await hub.settle()
    assert output(await hub.state_of(instance_id)) == "now"


async def test_suspended_instance_schedules_nothing_new(app: App, hub: Hub):
    ran: list[int] = []

    @app.activity
    def work(value):
        ran.append(value)

    @app.orchestrator
    def worker(context):
        yield context.wait_for_external_event("go")
        yield context.call_activity("work", 1)

    instance_id = (await hub.run("worker")).instance_id
    await hub.suspend(instance_id, None)
    await hub.raise_event(instance_id, "go", "null")
    await hub.run_until_idle()
    assert ran == []
    await hub.resume(instance_id, None)
    await hub.run_until_idle()
    assert ran == [1]


async def test_task_that_comes_up_with_a_suspension_is_scheduled_after_it(app: App, state: str):
    ran: list[int] = []

    @app.activity
    def work(value):
        ran.append(value)

    @app.orchestrator
    def worker(context):
        yield context.call_activity("work", 1)

    hub = Hub(app, state)
    instance_id = await hub.begin("worker")
    await hub.suspend(instance_id, None)
    async with hub:  # and so start and suspension arrive in one episode
        await hub.run_until_idle()
        assert ran == []
        await hub.resume(instance_id, None)
        await hub.run_until_idle()
        assert ran == [1]
        assert (await hub.state_of(instance_id)).status == "Completed"


async def test_retry_after_a_suspension_rests_from_its_end_on(app: App, hub: Hub):
    @app.activity
    def broken(value):
        raise ConnectionError("down")

    @app.orchestrator
    def worker(context):
        yield context.call_activity_with_retry("broken", df.RetryOptions(60_000, 2), 1)

    instance_id = await hub.begin("worker")
    await hub.suspend(instance_id, None)
    await hub.settle()
    hub.clock.advance_to(START + timedelta(hours=1))
    await hub.resume(instance_id, None)
    await hub.settle()
    assert hub.next_timer == START + timedelta(hours=1, minutes=1)


async def test_event_for_a_suspended_instance_is_no_reason_to_warn(
    hub: Hub, caplog: pytest.LogCaptureFixture
):
    instance_id = (await hub.run("listener")).instance_id
    await hub.suspend(instance_id, None)
    await hub.raise_event(instance_id, "go", '"now"')
    await hub.settle()
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


async def test_suspending_twice_is_refused(hub: Hub):
    instance_id = (await hub.run("listener")).instance_id
    await hub.suspend(instance_id, None)
    await hub.settle()
    with pytest.raises(InvalidTransition, match="because instance is in the Suspended state"):
        await hub.suspend(instance_id, None)


async def test_resuming_a_running_instance_is_refused(hub: Hub):
    instance_id = (await hub.run("listener")).instance_id
    with pytest.raises(InvalidTransition, match="Cannot resume"):
        await hub.resume(instance_id, None)


async def test_restart_runs_the_same_input_under_a_new_id(hub: Hub):
    first = await hub.run("quick", 7)
    second = await hub.restart(first.instance_id, new_id=True)
    await hub.settle()
    assert second != first.instance_id
    assert output(await hub.state_of(second)) == 7


async def test_restart_under_its_own_id_needs_an_ended_instance(hub: Hub):
    instance_id = (await hub.run("listener")).instance_id
    with pytest.raises(InstanceAlreadyExists):
        await hub.restart(instance_id, new_id=False)


async def test_purged_instance_leaves_nothing_behind(hub: Hub):
    instance_id = (await hub.run("quick", 1)).instance_id
    await hub.purge(instance_id)
    assert await hub.get_instance(instance_id) is None
    assert await hub.get_history(instance_id) == []


async def test_live_instance_is_not_purged(hub: Hub):
    instance_id = (await hub.run("listener")).instance_id
    with pytest.raises(InstanceNotEnded):
        await hub.purge(instance_id)


async def test_purge_by_query_takes_ended_instances_only(hub: Hub):
    await hub.run("quick", 1)
    await hub.run("quick", 2)
    live = await hub.run("listener")
    assert await hub.purge_by(InstanceQuery(created_from=START)) == 2
    assert [instance.instance_id for instance in await hub.list_instances(InstanceQuery())] == [
        live.instance_id
    ]


async def test_instances_are_listed_in_pages_in_order_of_their_ids(hub: Hub):
    for instance_id in ("c", "a", "b", "d"):
        await hub.begin("quick", instance_id=instance_id)
    first = await hub.list_instances(InstanceQuery(), top=3)
    rest = await hub.list_instances(InstanceQuery(), top=3, after=first[-1].instance_id)
    assert [i.instance_id for i in (*first, *rest)] == ["a", "b", "c", "d"]


async def test_list_is_narrowed_by_prefix_status_and_time(hub: Hub):
    await hub.begin("quick", instance_id="job:1")
    await hub.begin("listener", instance_id="job:2")
    await hub.begin("quick", instance_id="other")
    await hub.run_until_idle()

    async def ids(query: InstanceQuery) -> list[str]:
        return [instance.instance_id for instance in await hub.list_instances(query)]

    assert await ids(InstanceQuery(id_prefix="job:")) == ["job:1", "job:2"]
    assert await ids(InstanceQuery(statuses=frozenset({RuntimeStatus.COMPLETED}))) == ["job:1", "other"]
    assert await ids(InstanceQuery(created_from=START + timedelta(days=1))) == []
    assert await ids(InstanceQuery(created_to=START - timedelta(days=1))) == []
