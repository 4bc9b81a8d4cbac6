"""Recorded histories on today's code: the first difference is found, or there is none."""

from collections.abc import Callable
from typing import Any

import pytest

from devhost.engine.history import HistoryEvent
from devhost.engine.replay import replay
from tests.engine.app import App, Hub


@pytest.fixture(autouse=True)
def _functions(app: App) -> None:
    @app.activity
    def shout(value):
        return str(value).upper()


def chain(*names: str) -> Callable[[Any], Any]:
    """An orchestrator that calls activities in turn and returns the last result."""

    def job(context):
        result = None
        for name in names:
            result = yield context.call_activity(name, "x")
        return result

    return job


@pytest.fixture
async def recorded(app: App, hub: Hub) -> list[HistoryEvent]:
    app.orchestrator(chain("echo", "shout"))
    instance = await hub.run("job")
    return await hub.get_history(instance.instance_id)


async def test_unchanged_code_replays_without_difference(app: App, recorded: list[HistoryEvent]):
    assert await replay(app, "job", recorded) is None


async def test_changed_order_is_found_at_the_first_task(app: App, recorded: list[HistoryEvent]):
    app.orchestrator(chain("shout", "echo"))
    difference = await replay(app, "job", recorded)
    assert difference is not None
    assert (difference.position, difference.event["Name"]) == (2, "echo")
    assert "instead scheduled an activity task named 'shout'" in difference.reason


async def test_removed_step_is_found_where_history_holds_it(app: App, recorded: list[HistoryEvent]):
    app.orchestrator(chain("echo"))
    difference = await replay(app, "job", recorded)
    assert difference is not None
    assert difference.event["Name"] == "shout"


async def test_another_result_is_found_at_the_end(app: App, recorded: list[HistoryEvent]):
    @app.orchestrator
    def job(context):
        yield context.call_activity("echo", "x")
        yield context.call_activity("shout", "x")
        return "something else"

    difference = await replay(app, "job", recorded)
    assert difference is not None
    assert difference.reason == 'The recorded result is "X", the code\'s is "something else".'


async def test_added_step_is_found_behind_an_open_history(app: App, recorded: list[HistoryEvent]):
    app.orchestrator(chain("echo", "shout", "echo"))
    difference = await replay(app, "job", recorded[:-2])
    assert difference is not None
    assert "The code asks for tasks that the history does not hold" in difference.reason


async def test_failure_that_does_not_come_again_is_found(app: App, hub: Hub):
    @app.orchestrator
    def job(context):
        yield context.call_activity("echo", "x")
        raise ValueError("as recorded")

    instance = await hub.run("job")
    recorded = await hub.get_history(instance.instance_id)
    assert await replay(app, "job", recorded) is None
    app.orchestrator(chain("echo"))
    difference = await replay(app, "job", recorded)
    assert difference is not None
    assert difference.reason == "The recorded execution failed, and the code does not."
