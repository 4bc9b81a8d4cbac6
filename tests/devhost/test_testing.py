"""devhost.testing: an app's folder in this process, days in an instant."""

from __future__ import annotations

import importlib
import sys
from datetime import timedelta

import pytest

from devhost.engine.errors import InstanceNotFound
from devhost.testing import running_app
from tests.devhost.sample_app import SampleApp


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
