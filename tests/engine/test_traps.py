"""Where Azure hangs or errs in silence: the host says so, and with strict parity it does the same."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import azure.durable_functions as df
import pytest

from devhost.engine.options import HubOptions
from tests.engine.app import App, Hub, output


@pytest.fixture(autouse=True)
def _functions(app: App) -> None:
    failures: dict[str, int] = {}

    @app.activity
    def boom(value):
        raise ValueError("boom")

    @app.activity
    def flaky(value):
        failures[value] = failures.get(value, 0) + 1
        if failures[value] == 1:
            raise ConnectionError("down")
        return value

    @app.orchestrator
    def diverging(context):
        retried = context.call_activity_with_retry("flaky", df.RetryOptions(5000, 3), context.instance_id)
        try:
            yield context.task_all([context.call_activity("boom", 1), retried])
        except Exception:  # noqa: BLE001 - the SDK raises nothing more precise
            after = yield context.call_activity("echo", "after")
            last = yield context.call_activity("echo", "last")
            return [after, last]

    @app.orchestrator
    def listener(context):
        value = yield context.wait_for_external_event("Go")
        return value

    @app.orchestrator
    def two_waits(context):
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        first = yield context.wait_for_external_event("go")
        second = yield context.wait_for_external_event("go")
        return [first, second]

    @app.orchestrator
    def misspelt(context):
        yield context.call_activity("ecko", 1)


@pytest.fixture
async def strict(app: App) -> AsyncIterator[Hub]:
    async with Hub(app, ":memory:", HubOptions(strict_parity=True)) as hub:
        yield hub


async def test_code_that_overtakes_its_retries_fails_and_is_told_why(hub: Hub):
    instance = await hub.run("diverging")
    assert instance.status == "Failed"
    assert "The code went on after a failed task_all while retries of 'flaky' were still alive." in (
        instance.output or ""
    )


async def test_strict_parity_gives_the_wrong_result_that_azure_gives(strict: Hub):
    """Retry timer and next activity share an id: the timer's firing is taken for the activity's result."""
    assert output(await strict.run("diverging")) == [None, "after"]


async def test_strict_parity_leaves_an_unknown_activity_running_for_ever(strict: Hub):
    instance = await strict.run("misspelt")
    assert instance.status == "Running"
    assert [event["EventType"] for event in await strict.get_history(instance.instance_id)] == [12, 0, 13]


async def test_event_of_another_case_is_warned_of_once(hub: Hub, caplog: pytest.LogCaptureFixture):
    instance_id = await hub.begin("listener")
    await hub.settle()
    await hub.raise_event(instance_id, "gO", "1")
    await hub.settle()
    await hub.raise_event(instance_id, "other", "1")
    await hub.settle()
    assert (await hub.state_of(instance_id)).status == "Running"
    warnings = [record.getMessage() for record in caplog.records if "'gO'" in record.getMessage()]
    assert len(warnings) == 1
    assert "was taken for the wait on 'Go'" in warnings[0]


async def test_strict_parity_says_nothing_of_events_that_sdk_and_engine_take_differently(
    strict: Hub, caplog: pytest.LogCaptureFixture
):
    """One event of another case, and one event for two waits: both instances run for ever, as on Azure."""
    await strict.begin("listener", instance_id="other case")
    await strict.begin("two_waits", instance_id="one for two")
    await strict.settle()
    await strict.raise_event("other case", "gO", "1")
    await strict.raise_event("one for two", "go", '"one"')
    await strict.run_until_idle()
    for instance_id in ("other case", "one for two"):
        assert (await strict.state_of(instance_id)).status == "Running"
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


async def test_buffered_events_that_the_sdk_mixes_up_are_warned_of(
    hub: Hub, caplog: pytest.LogCaptureFixture
):
    instance_id = await hub.begin("two_waits")
    await hub.settle()
    await hub.raise_event(instance_id, "go", '"one"')
    await hub.raise_event(instance_id, "go", '"two"')
    await hub.run_until_idle()
    assert output(await hub.state_of(instance_id)) == ["two", "two"]
    assert "2 events 'go' came before the code waited for them" in caplog.text


async def test_wait_that_only_azure_still_waits_for_is_warned_of(hub: Hub, caplog: pytest.LogCaptureFixture):
    instance_id = await hub.begin("two_waits")
    await hub.settle()
    await hub.raise_event(instance_id, "go", '"one"')
    await hub.run_until_idle()
    assert (await hub.state_of(instance_id)).status == "Running"
    assert "on Azure it still waits for the external event 'go'" in caplog.text
    await hub.raise_event(instance_id, "go", '"two"')
    await hub.run_until_idle()
    assert (await hub.state_of(instance_id)).status == "Completed"


async def test_strict_parity_fires_a_timer_below_a_second_at_once(app: App, strict: Hub):
    @app.orchestrator
    def napper(context):
        yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=900))
        return "up"

    instance_id = await strict.begin("napper")
    await strict.settle()
    assert output(await strict.state_of(instance_id)) == "up"


async def test_sliding_window_with_task_any_is_serial_as_on_azure(app: App, hub: Hub):
    """The second WhenAny holds only the newest task, so the engine waits for that one alone."""
    order: list[str] = []
    release = asyncio.Event()

    @app.activity
    async def work(name):
        if name == "slow":
            await release.wait()
        order.append(name)

    @app.orchestrator
    def window(context):
        running = [context.call_activity("work", "slow"), context.call_activity("work", "a")]
        done = yield context.task_any(running)
        running.remove(done)
        running.append(context.call_activity("work", "b"))
        yield context.task_any(running)
        yield context.call_activity("work", "c")

    instance_id = await hub.begin("window")
    async with asyncio.timeout(30):
        while order != ["a", "b", "c"]:
            await asyncio.sleep(0.001)
    assert (await hub.state_of(instance_id)).status == "Running"
    release.set()
    await hub.settle()
    assert (await hub.state_of(instance_id)).status == "Completed"


@pytest.fixture
def parent_of_a_live_child(app: App) -> None:
    @app.orchestrator
    def parent(context):
        yield context.call_sub_orchestrator("listener", None, "taken")

    @app.orchestrator
    def ouroboros(context):
        yield context.call_sub_orchestrator("listener", None, context.instance_id)


@pytest.mark.usefixtures("parent_of_a_live_child")
@pytest.mark.parametrize("name", ["parent", "ouroboros"])
async def test_child_with_the_id_of_a_live_instance_fails_its_task(hub: Hub, name: str):
    await hub.begin("listener", instance_id="taken")
    instance = await hub.run(name)
    assert instance.status == "Failed"
    assert "A sub-orchestration needs an id of its own" in (instance.output or "")


@pytest.mark.usefixtures("parent_of_a_live_child")
@pytest.mark.parametrize(("name", "events"), [("parent", [12, 0, 7, 13]), ("ouroboros", [12, 0, 13])])
async def test_strict_parity_waits_for_ever_for_a_child_whose_id_is_taken(
    strict: Hub, name: str, events: list[int]
):
    await strict.begin("listener", instance_id="taken")
    instance = await strict.run(name)
    assert instance.status == "Running"
    history = await strict.get_history(instance.instance_id)
    assert [event["EventType"] for event in history] == events


async def test_signal_to_an_unknown_entity_fails_the_instance_in_both_modes(app: App, hub: Hub, strict: Hub):
    @app.orchestrator
    def signaller(context):
        context.signal_entity(df.EntityId("nobody", "a"), "add", 1)
        return "done"
        yield

    for each in (hub, strict):
        instance = await each.run("signaller")
        assert instance.output == (
            "Orchestrator function 'signaller' failed: The function 'nobody' doesn't exist, is disabled, or "
            "is not an entity function. Additional info: No entity functions are currently registered!"
        )
