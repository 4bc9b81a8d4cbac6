"""When activities begin to run: kept beside the history, which does not tell it."""

import asyncio
from datetime import timedelta

import pytest

from devhost.engine.errors import InstanceNotFound
from devhost.engine.options import HubOptions
from tests.engine.app import START, App, Hub


def job(context):
    yield context.task_all([context.call_activity("slow", n) for n in range(2)])


async def test_activity_that_waits_for_a_slot_has_begun_only_when_it_runs(app: App, state: str):
    """One slot: the second activity begins an hour later, when the first has ended."""
    running, may_end = asyncio.Semaphore(0), asyncio.Semaphore(0)

    @app.activity
    async def slow(_value):
        running.release()
        await may_end.acquire()

    app.orchestrator(job)
    async with Hub(app, state, HubOptions(max_concurrent_activities=1)) as hub:
        instance_id = await hub.begin("job")
        await running.acquire()
        assert await hub.get_activity_starts(instance_id) == {0: START}
        hub.clock.advance_to(START + timedelta(hours=1))
        may_end.release()
        await running.acquire()
        may_end.release()
        await hub.settle()
        assert await hub.get_activity_starts(instance_id) == {0: START, 1: START + timedelta(hours=1)}


async def test_starts_are_those_of_the_current_execution(app: App, hub: Hub):
    """Ids begin anew with each execution; the second one has a timer where the first has an activity."""

    @app.orchestrator
    def twice(context):
        if context.get_input() == "first":
            yield context.call_activity("echo", 1)
            context.continue_as_new("second")
        else:
            yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
            yield context.call_activity("echo", 1)

    instance_id = await hub.begin("twice", "first")
    await hub.run_until_idle()
    assert await hub.get_activity_starts(instance_id) == {1: START + timedelta(hours=1)}


async def test_starts_go_with_their_instance(app: App, hub: Hub):
    @app.orchestrator
    def once(context):
        yield context.call_activity("echo", 1)

    instance_id = await hub.begin("once")
    await hub.settle()
    await hub.purge(instance_id)
    with pytest.raises(InstanceNotFound):
        await hub.get_activity_starts(instance_id)
    assert await hub._store.get_activity_starts(instance_id) == {}
