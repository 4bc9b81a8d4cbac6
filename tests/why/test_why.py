"""Each way to be stuck is named by its cause, end to end on a hub."""

import asyncio
from datetime import timedelta

import pytest

from devhost.engine.options import HubOptions
from devhost.why.gather import why
from tests.engine.app import App, Hub


def sample() -> App:
    app = App()
    app.activity(echo)
    for function in (timer, event, event_or_timer, works, parent, said):
        app.orchestrator(function)
    return app


def echo(value):
    return value


def timer(context):
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))


def event(context):
    yield context.wait_for_external_event("approval")


def event_or_timer(context):
    late = context.create_timer(context.current_utc_datetime + timedelta(days=2))
    yield context.task_any([context.wait_for_external_event("approval"), late])


def works(context):
    yield context.call_activity("slow")


def parent(context):
    yield context.call_sub_orchestrator("event")


def said(context):
    context.set_custom_status({"waiting": {"service": "tables", "code": "Busy", "nextTry": None}})
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))


@pytest.mark.parametrize(
    ("name", "code", "part"),
    [
        ("timer", "timer", "2026-01-01T01:00:00"),
        ("event", "event", "'approval'"),
        ("event_or_timer", "event", "or until 2026-01-03"),
        ("parent", "event", "sub-orchestration 'event'"),
        ("said", "service", "tables (Busy)"),
    ],
)
async def test_a_wait_is_named(name: str, code: str, part: str):
    async with Hub(sample(), ":memory:") as hub:
        job = await hub.begin(name)
        await hub.settle()
        found = await why(hub, job)
    assert found is not None
    assert (found.code, part in found.sentence) == (code, True), found


async def test_an_event_of_another_case_is_named():
    async with Hub(sample(), ":memory:") as hub:
        job = await hub.begin("event")
        await hub.settle()
        await hub.raise_event(job, "Approval", "true")
        await hub.settle()
        found = await why(hub, job)
    assert found is not None
    assert (found.code, "'Approval' was raised" in found.sentence) == ("event-name", True), found


async def test_a_suspended_instance_says_why_and_how_to_resume():
    async with Hub(sample(), ":memory:") as hub:
        job = await hub.begin("event")
        await hub.settle()
        await hub.suspend(job, "lunch")
        await hub.settle()
        found = await why(hub, job)
    assert found is not None
    assert (found.code, "lunch" in found.sentence) == ("suspended", True)


async def test_changed_code_is_named_before_it_fails():
    app = sample()
    async with Hub(app, ":memory:") as hub:
        job = await hub.begin("timer")
        await hub.settle()
        app.orchestrators["timer"] = app.orchestrators["event"]
        found = await why(hub, job)
    assert found is not None
    assert (found.code, "a timer" in found.sentence) == ("replay", True)


async def test_an_activity_without_a_slot_is_told_from_one_that_runs():
    app, gate = sample(), asyncio.Event()

    async def slow(_value):
        await gate.wait()

    app.activity(slow)
    async with Hub(app, ":memory:", HubOptions(max_concurrent_activities=1)) as hub:
        first, second = await hub.begin("works"), await hub.begin("works")
        while not hub.running or not all([len(await hub.get_history(job)) > 2 for job in (first, second)]):
            await asyncio.sleep(0.01)
        codes = set()
        for job in (first, second):
            found = await why(hub, job)
            codes.add(found and found.code)
        gate.set()
        await hub.settle()
        assert codes == {"activity", "no-slot"}
        assert await why(hub, first) is None
