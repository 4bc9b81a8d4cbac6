"""devhost.testing: an app's folder in this process, days in an instant."""

import importlib
import sys
from datetime import timedelta

import pytest

from devhost.engine.errors import FunctionFailed, InstanceNotFound
from devhost.testing import START, running_app
from tests.devhost.sample_app import SampleApp
from tests.devhost.storage_app import timer_trigger


@pytest.fixture(autouse=True)
def _app(app: SampleApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_FUNCTIONS_DURABLE_STRICT_TYPING", "true")
    app.activity("double", "def main(payload: int):\n    return 2 * payload\n")
    app.orchestrator(
        "patient",
        """
        import datetime
        yield context.create_timer(context.current_utc_datetime + datetime.timedelta(days=3))
        return (yield context.call_activity("double", context.get_input()))
        """,
    )
    app.orchestrator("listener", 'return (yield context.wait_for_external_event("go"))')


async def test_timer_of_days_passes_at_once(app: SampleApp):
    async with running_app(app.root) as running:
        job = await running.start("patient", 21)
        await running.run_until_idle()
        assert await running.output(job) == 42


async def test_timers_beyond_the_limit_stay_open(app: SampleApp):
    async with running_app(app.root) as running:
        job = await running.start("patient", 21)
        await running.run_until_idle(limit=timedelta(days=2))
        assert (await running.instance(job)).status == "Running"


NIGHTLY = """
import pathlib
def main(timer: str):
    with pathlib.Path("nights").open("a") as file:
        file.write("x")
"""


def nights(app: SampleApp) -> int:
    file = app.root / "nights"
    return len(file.read_text()) if file.exists() else 0


async def test_timer_function_runs_as_often_as_it_is_due_while_time_passes(app: SampleApp):
    app.function("nightly", timer_trigger("0 0 3 * * *"), code=NIGHTLY)
    async with running_app(app.root) as running:
        await running.advance(timedelta(days=2, hours=4))
        assert nights(app) == 3
        assert running.clock.now() == START + timedelta(days=2, hours=4)


async def test_app_with_a_timer_function_is_idle_when_no_durable_timer_is_left(app: SampleApp):
    """A timer function recurs for ever; the durable timer of three days lets it run three times."""
    app.function("nightly", timer_trigger("0 0 3 * * *"), code=NIGHTLY)
    async with running_app(app.root) as running:
        job = await running.start("patient", 21)
        await running.run_until_idle()
        assert await running.output(job) == 42
        assert nights(app) == 3


async def test_durable_timers_and_timer_functions_run_in_the_order_of_their_times(app: SampleApp):
    app.function("nightly", timer_trigger("0 0 3 * * *"), code=NIGHTLY)
    async with running_app(app.root) as running:
        job = await running.start("patient", 21)
        await running.advance(timedelta(days=2, hours=23))
        assert (nights(app), (await running.instance(job)).status) == (3, "Running")
        await running.advance(timedelta(hours=1))
        assert await running.output(job) == 42


async def test_settling_waits_for_a_timer_function_that_runs_at_startup(app: SampleApp):
    app.function("nightly", timer_trigger("0 0 3 * * *", runOnStartup=True), code=NIGHTLY)
    async with running_app(app.root) as running:
        await running.settle()
        assert nights(app) == 1


async def test_queue_function_gets_a_message_without_a_queue(app: SampleApp):
    queue = {"name": "message", "type": "queueTrigger", "direction": "in", "queueName": "jobs"}
    app.function(
        "taker",
        queue,
        code="""
        import pathlib
        import azure.functions as func
        def main(message: func.QueueMessage):
            pathlib.Path("taken").write_text(f"{message.get_json()} {message.dequeue_count}")
        """,
    )
    async with running_app(app.root) as running:
        await running.deliver("taker", {"files": 3})
        assert (app.root / "taken").read_text() == "{'files': 3} 1"
        with pytest.raises(FunctionFailed, match="JSONDecodeError"):
            await running.deliver("taker", "no json")
        with pytest.raises(FunctionFailed, match="no such function"):
            await running.deliver("nobody", "")


async def test_event_reaches_the_orchestration_as_a_json_value(app: SampleApp):
    async with running_app(app.root) as running:
        job = await running.start("listener", instance_id="mine")
        await running.raise_event(job, "go", {"approved": True})
        await running.settle()
        assert await running.output("mine") == {"approved": True}


async def test_output_of_an_unfinished_instance_fails_the_test(app: SampleApp):
    async with running_app(app.root) as running:
        job = await running.start("listener")
        await running.settle()
        with pytest.raises(AssertionError, match="is Running"):
            await running.output(job)


async def test_unknown_instance_is_an_error(app: SampleApp):
    async with running_app(app.root) as running:
        with pytest.raises(InstanceNotFound, match="'nobody'"):
            await running.instance("nobody")


async def test_recorded_history_is_replayed_on_changed_folders(app: SampleApp):
    async with running_app(app.root) as running:
        job = await running.start("patient", 21)
        await running.run_until_idle()
        recorded = await running.history(job)
        assert await running.replay("patient", recorded) is None
    app.orchestrator("patient", 'return (yield context.call_activity("double", context.get_input()))')
    async with running_app(app.root) as running:
        difference = await running.replay("patient", recorded)
        assert difference is not None
        assert "scheduled a timer task with sequence number 0" in difference.reason


async def test_module_that_was_there_before_the_app_stays_the_same(app: SampleApp, monkeypatch):
    """A test that imports from its own app goes on with the classes that it knows."""
    app.file("shared_by_test/__init__.py", "class Kind: ...\n")
    monkeypatch.syspath_prepend(str(app.root))
    before = importlib.import_module("shared_by_test")
    async with running_app(app.root):
        pass
    assert importlib.import_module("shared_by_test") is before
    del sys.modules["shared_by_test"]
